/**
 * Looks up the offsets of start positions.
 *
 * @module
 */
import { ErrorCode } from "../../protocol/errors.ts";
import { type Int64, toInt64 } from "../../protocol/int64.ts";
import { listOffsets } from "../../protocol/messages/list_offsets.ts";
import type { AssignedPartition, StartPosition } from "./assigned_partition.ts";
import type { ClusterClient } from "../cluster/cluster_client.ts";
import { responseError } from "../errors.ts";

const LATEST = -1;
const EARLIEST = -2;

/** Returns the timestamp of a start position in ListOffsets. */
function timestampOf(start: StartPosition): Int64 {
  if (start === "earliest") return EARLIEST;
  if (start === "latest") return LATEST;
  const { timestamp } = start as { timestamp: number | bigint };
  return typeof timestamp === "bigint" ? toInt64(timestamp) : timestamp;
}

/**
 * Sets each of `partitions` to the offset of its `start`. A time after the last record means the
 * end of the log. Throws a KafkaError if a leader returns an error, or does not respond within all
 * retries.
 */
export async function findStartOffsets(
  client: ClusterClient,
  partitions: readonly AssignedPartition[],
): Promise<void> {
  await client.retry(() => find(client, partitions));
}

async function find(
  client: ClusterClient,
  partitions: readonly AssignedPartition[],
): Promise<void> {
  const open = partitions.filter((one) => one.fetchOffset < 0 && !one.isRevoked);
  if (open.some((one) => client.view.leaderOf(one.topic, one.partition) === undefined)) {
    await client.refresh([...new Set(open.map(({ topic }) => topic))]);
  }
  const byLeader = new Map<number, AssignedPartition[]>();
  for (const one of open) {
    if (typeof one.start === "number") {
      one.moveTo(one.start);
      continue;
    }
    const leader = client.view.leaderOf(one.topic, one.partition);
    if (leader === undefined) {
      throw responseError(ErrorCode.LEADER_NOT_AVAILABLE, `Cannot find the leader of ${one.name}`);
    }
    const led = byLeader.get(leader);
    if (led === undefined) byLeader.set(leader, [one]);
    else led.push(one);
  }
  await Promise.all([...byLeader].map(([leader, led]) => ask(client, leader, led)));
}

async function ask(
  client: ClusterClient,
  leader: number,
  partitions: readonly AssignedPartition[],
): Promise<void> {
  const connection = await client.broker(leader);
  const topics = [...new Set(partitions.map(({ topic }) => topic))].map((name) => ({
    name,
    partitions: partitions.filter(({ topic }) => topic === name).map((one) => ({
      partitionIndex: one.partition,
      timestamp: timestampOf(one.start),
    })),
  }));
  const answer = await connection.request(listOffsets, {
    replicaId: -1,
    isolationLevel: 0,
    topics,
    timeoutMs: client.settings.requestTimeoutMs,
  });
  const isAtEnd: AssignedPartition[] = [];
  for (const one of partitions) {
    const found = answer.topics.find(({ name }) => name === one.topic)?.partitions
      .find(({ partitionIndex }) => partitionIndex === one.partition);
    const code = found?.errorCode ?? ErrorCode.UNKNOWN_TOPIC_OR_PARTITION;
    if (found === undefined || code !== ErrorCode.NONE) {
      client.view.forget(one.topic);
      throw responseError(code, `Cannot find the start of ${one.name}`);
    }
    if (found.offset >= 0) begin(one, found.offset);
    else isAtEnd.push(one);
  }
  if (isAtEnd.length === 0) return;
  for (const one of isAtEnd) one.start = "latest";
  await ask(client, leader, isAtEnd);
}

/** Starts a partition at `offset`, unless records have been returned already. */
function begin(one: AssignedPartition, offset: number): void {
  if (one.position < 0) one.moveTo(offset);
  else one.fetchOffset = offset;
}
