/**
 * ListOffsets finds the offset that belongs to a timestamp.
 *
 * Versions 1 to 11. Version 2 adds isolation levels, 4 leader epochs (KIP-320), 6 is flexible, 7 adds
 * the record with the largest timestamp (-3, KIP-734), 8 to 11 offsets of tiered storage (-4, -5, -6,
 * KIP-405, KIP-1005, KIP-1023), which does not exist here: -4 (the earliest local offset) is the log
 * start offset, -5 (the latest tiered offset) and -6 (the earliest one that waits to be tiered) are
 * unknown.
 *
 * A batch that is too large to be searched in one turn of the event loop is searched in slices, as
 * Produce checks such batches.
 *
 * @module
 */
import type { ResponseInputOf } from "../../protocol/api.ts";
import { ErrorCode, KafkaError } from "../../protocol/errors.ts";
import type { Int64 } from "../../protocol/int64.ts";
import { listOffsets, type ListOffsetsRequest } from "../../protocol/messages/list_offsets.ts";
import type { PartitionLog } from "../../log/partition_log.ts";
import type { SlicedWork } from "../../log/sliced_work.ts";
import { asKafkaError } from "../../log/storage_error.ts";
import { LargeBatch, type TimestampedOffset } from "../../log/segments/timestamp_lookup.ts";
import { defineHandler, type Handler, type RequestContext } from "../../network/server/handler.ts";
import type { Clock, HostCodecs } from "../../runtime/runtime.ts";
import type { PartitionTable } from "../../replication/partition_table.ts";
import { answerInTurns } from "../../network/server/turns.ts";

type Response = ResponseInputOf<typeof listOffsets>;
type PartitionResponse = Response["topics"][number]["partitions"][number];
type Asked = ListOffsetsRequest["topics"][number]["partitions"][number];

const LATEST = -1;
const EARLIEST = -2;
const MAX_TIMESTAMP = -3;
const EARLIEST_LOCAL = -4;
const LATEST_TIERED = -5;
const EARLIEST_PENDING_UPLOAD = -6;
/** The first version that has each special timestamp; earlier ones answer UNSUPPORTED_VERSION. */
const KNOWN_SINCE = new Map<Int64, number>([
  [MAX_TIMESTAMP, 7],
  [EARLIEST_LOCAL, 8],
  [LATEST_TIERED, 9],
  [EARLIEST_PENDING_UPLOAD, 11],
]);
const READ_COMMITTED = 1;

interface Needs {
  readonly clock: Clock;
  readonly partitions: Pick<PartitionTable, "byName">;
  readonly slicedWork: SlicedWork;
  codecs(): HostCodecs;
}

/** Serves ListOffsets. */
export const listOffsetsHandler: Handler<Needs> = defineHandler(listOffsets, {
  handle(request, context) {
    const asked = new Set<string>();
    const repeated = new Set<string>();
    for (const { name, partitions } of request.topics) {
      for (const { partitionIndex } of partitions) {
        const key = `${name}-${partitionIndex}`;
        (asked.has(key) ? repeated : asked).add(key);
      }
    }
    const answers = answerInTurns(
      request.topics.flatMap(({ name, partitions }) =>
        partitions.map((partition) => ({ name, partition }))
      ),
      ({ name, partition }) =>
        repeated.has(`${name}-${partition.partitionIndex}`)
          ? failed(partition.partitionIndex, ErrorCode.INVALID_REQUEST)
          : lookUp(name, partition, request.isolationLevel === READ_COMMITTED, context),
      context.services.clock,
    );
    return answers instanceof Promise
      ? answers.then((later) => response(request, later))
      : response(request, answers);
  },
  onError: ({ topics }, code) => ({
    topics: topics.map(({ name, partitions }) => ({
      name,
      partitions: partitions.map(({ partitionIndex }) => failed(partitionIndex, code)),
    })),
  }),
});

function response({ topics }: ListOffsetsRequest, answers: readonly PartitionResponse[]): Response {
  let next = 0;
  return {
    topics: topics.map(({ name, partitions }) => ({
      name,
      partitions: partitions.map(() => answers[next++]!),
    })),
  };
}

function lookUp(
  topic: string,
  { partitionIndex, currentLeaderEpoch, timestamp }: Asked,
  committedOnly: boolean,
  { services, apiVersion }: RequestContext<Needs>,
): PartitionResponse | Promise<PartitionResponse> {
  try {
    const since = KNOWN_SINCE.get(timestamp);
    if (timestamp < EARLIEST_PENDING_UPLOAD || since !== undefined && apiVersion < since) {
      return failed(partitionIndex, ErrorCode.UNSUPPORTED_VERSION);
    }
    const partition = services.partitions.byName(topic, partitionIndex);
    partition.checkLeaderEpoch(currentLeaderEpoch);
    const { log, highWatermark, lastStableOffset, leaderEpoch } = partition;
    const end = committedOnly ? lastStableOffset : highWatermark;
    const found = (offset: number, at: Int64, epoch: number): PartitionResponse => ({
      partitionIndex,
      errorCode: 0,
      timestamp: at,
      offset,
      leaderEpoch: epoch,
    });
    switch (timestamp) {
      case LATEST:
        return found(end, -1, leaderEpoch);
      case EARLIEST:
      case EARLIEST_LOCAL: {
        const epoch = log.epochForOffset(log.logStartOffset);
        return found(log.logStartOffset, -1, epoch < 0 ? leaderEpoch : epoch);
      }
      case LATEST_TIERED:
      case EARLIEST_PENDING_UPLOAD:
        return found(-1, -1, -1);
    }
    // Consumers must not learn of a record that they may not read yet.
    const answer = (record: TimestampedOffset | null): PartitionResponse =>
      record === null || record.offset >= end
        ? found(-1, -1, -1)
        : found(record.offset, record.timestamp, record.leaderEpoch);
    const record = log.lookUpTimestamp({
      timestampMs: timestamp === MAX_TIMESTAMP ? "newest" : timestamp,
      codecs: services.codecs(),
      leavesLarge: true,
    });
    return record instanceof LargeBatch
      ? searchFrom(record, log, services.slicedWork)
        .then(answer, (error) => refused(partitionIndex, error))
      : answer(record);
  } catch (error) {
    return refused(partitionIndex, error);
  }
}

/** Searches `batch` and, if the record is not in it, the batches behind it. */
async function searchFrom(
  batch: LargeBatch,
  log: PartitionLog,
  slicedWork: SlicedWork,
): Promise<TimestampedOffset | null> {
  for (;;) {
    const record = await slicedWork.run((pause) => batch.find(pause));
    if (record !== null) return record;
    const next = log.lookUpTimestamp(batch.next);
    if (!(next instanceof LargeBatch)) return next;
    batch = next;
  }
}

function refused(partitionIndex: number, error: unknown): PartitionResponse {
  const answered = asKafkaError(`Cannot look into partition ${partitionIndex}`, error);
  if (!(answered instanceof KafkaError)) throw answered;
  return failed(partitionIndex, answered.code);
}

function failed(partitionIndex: number, errorCode: number): PartitionResponse {
  return { partitionIndex, errorCode, timestamp: -1, offset: -1, leaderEpoch: -1 };
}
