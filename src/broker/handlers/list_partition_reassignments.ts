/**
 * ListPartitionReassignments returns the partitions whose replicas are being moved (KIP-455). A
 * single node moves none, but a metadata log that Apache Kafka has written may have reassignments
 * that did not end.
 *
 * Serves version 0, which is flexible. A missing list of topics stands for all topics. The answer
 * omits topics and partitions that do not exist or are not being moved.
 *
 * @module
 */
import type { MetadataImage, PartitionImage } from "../../metadata/image.ts";
import { ErrorCode } from "../../protocol/errors.ts";
import { listPartitionReassignments } from "../../protocol/messages/list_partition_reassignments.ts";
import { defineHandler, type Handler } from "../../network/server/handler.ts";

interface Needs {
  image(): Pick<MetadataImage, "topics" | "topicByName">;
}

/** Serves ListPartitionReassignments. */
export const listPartitionReassignmentsHandler: Handler<Needs> = defineHandler(
  listPartitionReassignments,
  {
    handle({ topics }, { services }) {
      const image = services.image();
      const asked = topics === null
        ? Array.from(image.topics(), ({ name, partitions }) => ({ name, partitions }))
        : topics.map(({ name, partitionIndexes }) => ({
          name,
          partitions: partitionIndexes.flatMap((index) =>
            image.topicByName(name)?.partitions[index] ?? []
          ),
        }));
      return {
        errorCode: ErrorCode.NONE,
        errorMessage: null,
        topics: asked
          .map(({ name, partitions }) => ({
            name,
            partitions: partitions.filter(isMoving).map((partition) => ({
              partitionIndex: partition.partition,
              replicas: partition.replicas,
              addingReplicas: partition.addingReplicas,
              removingReplicas: partition.removingReplicas,
            })),
          }))
          .filter(({ partitions }) => partitions.length > 0),
      };
    },
    onError: (_request, errorCode, errorMessage) => ({ errorCode, errorMessage, topics: [] }),
  },
);

function isMoving({ addingReplicas, removingReplicas }: PartitionImage): boolean {
  return addingReplicas.length + removingReplicas.length > 0;
}
