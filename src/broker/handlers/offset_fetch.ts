/**
 * OffsetFetch returns how far groups have read. The offset is -1 for a partition without a
 * committed offset, and for all partitions of a missing group.
 *
 * Serves versions 1 to 10. Version 2 asks for all topics with null and adds an error for the whole
 * request, 5 adds the leader epoch, 6 is flexible, 7 can ask to wait for open transactions (there
 * are none, so all offsets are stable), 8 asks for several groups, 9 adds the member (checked in
 * the groups of KIP-848 only), 10 names topics by id.
 *
 * @module
 */
import type { CommittedOffset } from "../../groups/committed_offsets.ts";
import { ErrorCode } from "../../protocol/errors.ts";
import { offsetFetch } from "../../protocol/messages/offset_fetch.ts";
import { defineHandler, type Handler, type RequestContext } from "../../network/server/handler.ts";
import { findTopic, TOPIC_IDS_SINCE, type TopicsByKey } from "../find_topic.ts";
import type { GroupCoordinator } from "../../groups/group_coordinator.ts";

const ERROR_FOR_ALL_SINCE = 2;
const SEVERAL_GROUPS_SINCE = 8;

interface AskedTopic {
  readonly name: string;
  /** Absent before version 8. */
  readonly topicId?: string;
  readonly partitionIndexes: readonly number[];
}

interface Needs {
  readonly groups: Pick<GroupCoordinator, "committedOffsets">;
  image(): TopicsByKey;
}

/** Serves OffsetFetch. */
export const offsetFetchHandler: Handler<Needs> = defineHandler(offsetFetch, {
  handle: async ({ groupId, topics, groups }, context) => {
    if (context.apiVersion < SEVERAL_GROUPS_SINCE) {
      return { topics: await fetchOffsets(groupId, topics, context), errorCode: ErrorCode.NONE };
    }
    return {
      groups: await Promise.all(groups.map(async (group) => ({
        groupId: group.groupId,
        topics: await fetchOffsets(group.groupId, group.topics, context),
        errorCode: ErrorCode.NONE,
      }))),
    };
  },
  onError: ({ topics, groups }, errorCode, _message, { apiVersion }) => {
    if (apiVersion >= SEVERAL_GROUPS_SINCE) {
      return { groups: groups.map(({ groupId }) => ({ groupId, topics: [], errorCode })) };
    }
    if (apiVersion >= ERROR_FOR_ALL_SINCE) return { topics: [], errorCode };
    return {
      topics: (topics ?? []).map(({ name, partitionIndexes }) => ({
        name,
        partitions: partitionIndexes.map((index) => fetched(index, undefined, errorCode)),
      })),
    };
  },
});

function fetchOffsets(
  groupId: string,
  topics: readonly AskedTopic[] | null,
  { apiVersion, services }: RequestContext<Needs>,
) {
  const image = services.image();
  return services.groups.committedOffsets(groupId, (offsets) => {
    if (topics === null) return fetchAll(offsets?.topics() ?? [], image);
    return topics.map(({ name, topicId, partitionIndexes }) => {
      // Names are looked up in the group only: offsets remain available without their topic.
      const found = apiVersion < TOPIC_IDS_SINCE
        ? name
        : findTopic(image, apiVersion, name, topicId ?? "");
      return {
        name,
        ...(topicId === undefined ? {} : { topicId }),
        partitions: partitionIndexes.map((index) =>
          typeof found === "number"
            ? fetched(index, undefined, found)
            : fetched(index, offsets?.get(typeof found === "string" ? found : found.name, index))
        ),
      };
    });
  });
}

function fetchAll(
  topics: Iterable<[string, ReadonlyMap<number, CommittedOffset>]>,
  image: TopicsByKey,
) {
  return [...topics].flatMap(([name, partitions]) => {
    const topic = image.topicByName(name);
    return topic === undefined ? [] : [{
      name,
      topicId: topic.id,
      partitions: [...partitions].map(([index, committed]) => fetched(index, committed)),
    }];
  });
}

function fetched(
  partitionIndex: number,
  committed: CommittedOffset | undefined,
  errorCode: number = ErrorCode.NONE,
) {
  return {
    partitionIndex,
    committedOffset: committed?.offset ?? -1,
    committedLeaderEpoch: committed?.leaderEpoch ?? -1,
    metadata: committed?.metadata ?? "",
    errorCode,
  };
}
