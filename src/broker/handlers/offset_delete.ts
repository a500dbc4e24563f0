/**
 * OffsetDelete deletes the committed offsets of a group for partitions, unless the group is
 * subscribed to the topic: GROUP_SUBSCRIBED_TO_TOPIC (KIP-496).
 *
 * Serves version 0.
 *
 * @module
 */
import type { GroupCoordinator, TopicPartitions } from "../../groups/group_coordinator.ts";
import { ErrorCode } from "../../protocol/errors.ts";
import { offsetDelete } from "../../protocol/messages/offset_delete.ts";
import { defineHandler, type Handler } from "../../network/server/handler.ts";
import type { MetadataImage } from "../../metadata/image.ts";

interface Needs {
  readonly groups: Pick<GroupCoordinator, "deleteOffsets">;
  image(): Pick<MetadataImage, "topicByName">;
}

/** Serves OffsetDelete. */
export const offsetDeleteHandler: Handler<Needs> = defineHandler(offsetDelete, {
  handle: async ({ groupId, topics }, { services }) => {
    const image = services.image();
    const existing = topics.map(({ name, partitions }): TopicPartitions => ({
      topic: name,
      partitions: partitions.map(({ partitionIndex }) => partitionIndex)
        .filter((index) => image.topicByName(name)?.partitions[index] !== undefined),
    }));
    const deletion = await services.groups.deleteOffsets(groupId, existing);
    if (deletion.errorCode !== ErrorCode.NONE) return { errorCode: deletion.errorCode, topics: [] };
    return {
      errorCode: ErrorCode.NONE,
      topics: topics.map(({ name, partitions }, at) => {
        const { partitions: deleted, errorCode } = deletion.topics[at]!;
        return {
          name,
          partitions: partitions.map(({ partitionIndex }) => ({
            partitionIndex,
            errorCode: deleted.includes(partitionIndex)
              ? errorCode
              : ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
          })),
        };
      }),
    };
  },
  onError: (_request, errorCode) => ({ errorCode, topics: [] }),
});
