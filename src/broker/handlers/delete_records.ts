/**
 * DeleteRecords raises the log start offset of partitions. Records below it can no longer be read,
 * and closed segments that lie completely below it are deleted (KIP-107).
 *
 * Serves versions 0 to 2. Version 2 is flexible. Offset -1 stands for the high watermark. Records
 * of internal topics cannot be deleted: INVALID_TOPIC_EXCEPTION.
 *
 * @module
 */
import type { ResponseInputOf } from "../../protocol/api.ts";
import { ErrorCode, KafkaError } from "../../protocol/errors.ts";
import { deleteRecords } from "../../protocol/messages/delete_records.ts";
import type { Partition } from "../../replication/partition.ts";
import { defineHandler, type Handler } from "../../network/server/handler.ts";
import type { PartitionTable } from "../../replication/partition_table.ts";

type Response = ResponseInputOf<typeof deleteRecords>;
type PartitionResponse = Response["topics"][number]["partitions"][number];

const HIGH_WATERMARK = -1;

interface Needs {
  readonly partitions: Pick<PartitionTable, "byName">;
}

/** Serves DeleteRecords. */
export const deleteRecordsHandler: Handler<Needs> = defineHandler(deleteRecords, {
  handle: async ({ topics }, { services }) => ({
    topics: await Promise.all(topics.map(async ({ name, partitions }) => ({
      name,
      partitions: await Promise.all(
        partitions.map(async ({ partitionIndex, offset }): Promise<PartitionResponse> => {
          try {
            const partition = services.partitions.byName(name, partitionIndex);
            const lowWatermark = remove(partition, offset);
            // Answered only when a crash cannot restore the records.
            await partition.log.logStartOffsetSaved();
            return { partitionIndex, errorCode: 0, lowWatermark };
          } catch (error) {
            if (!(error instanceof KafkaError)) throw error;
            return failed(partitionIndex, error.code);
          }
        }),
      ),
    }))),
  }),
  onError: ({ topics }, code) => ({
    topics: topics.map(({ name, partitions }) => ({
      name,
      partitions: partitions.map(({ partitionIndex }) => failed(partitionIndex, code)),
    })),
  }),
});

function remove(partition: Partition, offset: number): number {
  const { highWatermark, name, isInternal } = partition;
  if (isInternal) {
    throw new KafkaError(
      ErrorCode.INVALID_TOPIC_EXCEPTION,
      `Cannot delete records of ${name}: the topic is one of Kafka's own`,
    );
  }
  partition.checkLeader();
  const { log, log: { config } } = partition;
  if (config.compact && !config.delete) {
    throw new KafkaError(
      ErrorCode.POLICY_VIOLATION,
      `Cannot delete records of ${name}: its cleanup.policy is compact, without delete`,
    );
  }
  partition.deleteRecordsBefore(offset === HIGH_WATERMARK ? highWatermark : offset);
  return log.logStartOffset;
}

function failed(partitionIndex: number, errorCode: number): PartitionResponse {
  return { partitionIndex, errorCode, lowWatermark: -1 };
}
