/**
 * OffsetCommit stores how far a group has read. A member commits for its generation. A consumer
 * that has not joined the group commits with generation -1, to a group without members.
 *
 * Serves versions 2 to 10. Versions 2 to 4 have a retention time, which has no effect here. Version
 * 6 adds the leader epoch, 7 static members, 8 is flexible, 9 adds GROUP_ID_NOT_FOUND (before it,
 * ILLEGAL_GENERATION), 10 names topics by id.
 *
 * @module
 */
import type { GroupCoordinator, OffsetToCommit } from "../../groups/group_coordinator.ts";
import { ErrorCode } from "../../protocol/errors.ts";
import { offsetCommit, type OffsetCommitRequest } from "../../protocol/messages/offset_commit.ts";
import { defineHandler, type Handler } from "../../network/server/handler.ts";
import { findTopic, type TopicsByKey } from "../find_topic.ts";

const GROUP_ID_NOT_FOUND_SINCE = 9;

interface Needs {
  readonly groups: Pick<GroupCoordinator, "commitOffsets">;
  image(): TopicsByKey;
}

/** Serves OffsetCommit. */
export const offsetCommitHandler: Handler<Needs> = defineHandler(offsetCommit, {
  handle: async (request, { apiVersion, services }) => {
    const image = services.image();
    const offsets: OffsetToCommit[] = [];
    // One code for each partition of the request, in order: an error, or NONE for the next of `offsets`.
    const refusals = request.topics.flatMap(({ name, topicId, partitions }) => {
      const topic = findTopic(image, apiVersion, name, topicId);
      return partitions.map((partition): ErrorCode => {
        if (typeof topic === "number") return topic;
        if (topic.partitions[partition.partitionIndex] === undefined) {
          return ErrorCode.UNKNOWN_TOPIC_OR_PARTITION;
        }
        offsets.push({
          topic: topic.name,
          partition: partition.partitionIndex,
          offset: partition.committedOffset,
          leaderEpoch: partition.committedLeaderEpoch,
          metadata: partition.committedMetadata,
        });
        return ErrorCode.NONE;
      });
    });
    const results = offsets.length === 0 ? [] : await services.groups.commitOffsets({
      groupId: request.groupId,
      memberId: request.memberId,
      groupInstanceId: request.groupInstanceId,
      generationId: request.generationIdOrMemberEpoch,
      unknownGroupError: apiVersion >= GROUP_ID_NOT_FOUND_SINCE
        ? ErrorCode.GROUP_ID_NOT_FOUND
        : ErrorCode.ILLEGAL_GENERATION,
      offsets,
    });
    let refusal = 0;
    let result = 0;
    return answer(request, () => refusals[refusal++] || results[result++]!);
  },
  onError: (request, code) => answer(request, () => code),
});

/** Returns the answer with the error of each partition, for which `errorOf` is called in order. */
function answer(request: OffsetCommitRequest, errorOf: () => number) {
  return {
    topics: request.topics.map(({ name, topicId, partitions }) => ({
      name,
      topicId,
      partitions: partitions.map(({ partitionIndex }) => ({
        partitionIndex,
        errorCode: errorOf(),
      })),
    })),
  };
}
