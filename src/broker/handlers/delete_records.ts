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
import { answerGroupsInTurns } from "../../network/server/turns.ts";
import type { Clock } from "../../runtime/runtime.ts";
import type { PartitionTable } from "../../replication/partition_table.ts";

type Response = ResponseInputOf<typeof deleteRecords>;
type PartitionResponse = Response["topics"][number]["partitions"][number];

const HIGH_WATERMARK = -1;

/** Records that have been removed, until a crash cannot restore them. */
interface Removal {
  readonly saved: Promise<void>;
  readonly partitionIndex: number;
  readonly lowWatermark: number;
}

interface Needs {
  readonly clock: Clock;
  readonly partitions: Pick<PartitionTable, "byName">;
}

/** Serves DeleteRecords. */
export const deleteRecordsHandler: Handler<Needs> = defineHandler(deleteRecords, {
  async handle({ topics }, context) {
    const { services } = context;
    // A fetch that follows on the same connection finds none of the records.
    const endStart = context.retain();
    // All are removed before any is waited for: the offsets of all logs are saved together.
    const removals = await answerGroupsInTurns(
      topics,
      ({ partitions }) => partitions,
      ({ partitionIndex, offset }, { name }): PartitionResponse | Removal => {
        try {
          const partition = services.partitions.byName(name, partitionIndex);
          const lowWatermark = remove(partition, offset);
          // Answered only when a crash cannot restore the records.
          const saved = partition.log.logStartOffsetSaved();
          // It is awaited later.
          saved.catch(() => {});
          return { saved, partitionIndex, lowWatermark };
        } catch (error) {
          return failedBy(error, partitionIndex);
        }
      },
      services.clock,
    );
    endStart();
    const partitionsOf = (all: readonly (PartitionResponse | Removal)[]) =>
      Promise.all(all.map((one) => "saved" in one ? completed(one) : one));
    return {
      topics: await Promise.all(topics.map(async ({ name }, at) => ({
        name,
        partitions: await partitionsOf(removals[at]!),
      }))),
    };
  },
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

async function completed(
  { saved, partitionIndex, lowWatermark }: Removal,
): Promise<PartitionResponse> {
  try {
    await saved;
    return { partitionIndex, errorCode: 0, lowWatermark };
  } catch (error) {
    return failedBy(error, partitionIndex);
  }
}

function failedBy(error: unknown, partitionIndex: number): PartitionResponse {
  if (!(error instanceof KafkaError)) throw error;
  return failed(partitionIndex, error.code);
}

function failed(partitionIndex: number, errorCode: number): PartitionResponse {
  return { partitionIndex, errorCode, lowWatermark: -1 };
}
