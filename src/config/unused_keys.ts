/**
 * Broker keys of Apache Kafka that tune something this version does not have, such as a thread pool or
 * a connection between brokers. They are accepted with a notice, since ordinary configurations contain
 * them. None of them affects retention, access or limits: such a key takes effect or is rejected.
 *
 * @module
 */
import type { ConfigDefinition, ConfigType } from "./definition.ts";

/** A key without effect. */
export interface UnusedKey {
  readonly definition: ConfigDefinition;
  /** Why it has no effect. */
  readonly reason: string;
}

type Entry = readonly [name: string, type: ConfigType, min?: number];

const GROUPS: readonly (readonly [reason: string, entries: readonly Entry[]])[] = [
  ["a broker is one event loop and has no thread pools", [
    ["num.network.threads", "int", 1],
    ["num.io.threads", "int", 1],
    ["num.recovery.threads.per.data.dir", "int", 1],
    ["num.replica.fetchers", "int", 1],
    ["num.replica.alter.log.dirs.threads", "int"],
    ["background.threads", "int", 1],
    ["log.cleaner.threads", "int", 1],
    ["group.coordinator.threads", "int", 1],
    ["group.coordinator.background.threads", "int", 1],
    ["share.coordinator.threads", "int", 1],
    ["queued.max.requests", "int", 1],
  ]],
  ["the runtime chooses the buffer sizes and the backlog of sockets", [
    ["socket.send.buffer.bytes", "int", -1],
    ["socket.receive.buffer.bytes", "int", -1],
    ["socket.listen.backlog.size", "int", 1],
  ]],
  ["requests to other nodes have times of their own", [
    ["controller.socket.timeout.ms", "int"],
    ["log.dir.failure.timeout.ms", "long", 1],
    ["request.timeout.ms", "int"],
    ["socket.connection.setup.timeout.ms", "long"],
    ["socket.connection.setup.timeout.max.ms", "long"],
  ]],
  ["records of the metadata log are sent to other nodes at once", [
    ["controller.quorum.append.linger.ms", "int", 0],
  ]],
  ["a partition has one replica", [
    ["auto.leader.rebalance.enable", "boolean"],
    ["leader.imbalance.check.interval.seconds", "long", 1],
    ["unclean.leader.election.interval.ms", "long", 1],
    ["replica.fetch.backoff.ms", "int", 0],
    ["replica.fetch.max.bytes", "int", 0],
    ["replica.fetch.min.bytes", "int"],
    ["replica.fetch.response.max.bytes", "int", 0],
    ["replica.fetch.wait.max.ms", "int"],
    ["replica.high.watermark.checkpoint.interval.ms", "long"],
    ["replica.lag.time.max.ms", "long"],
    ["replica.socket.receive.buffer.bytes", "int"],
    ["replica.socket.timeout.ms", "int"],
  ]],
  ["the state of groups and transactions is not stored in topics yet", [
    ["offsets.topic.num.partitions", "int", 1],
    ["offsets.topic.segment.bytes", "int", 1],
    ["offsets.topic.compression.codec", "int"],
    ["offsets.load.buffer.size", "int", 1],
    ["offsets.commit.timeout.ms", "int", 1],
    ["group.coordinator.append.linger.ms", "int", -1],
    ["group.coordinator.cached.buffer.max.bytes", "int", 524_288],
    ["transaction.state.log.num.partitions", "int", 1],
    ["transaction.state.log.segment.bytes", "int", 1],
    ["transaction.state.log.load.buffer.size", "int", 1],
    ["share.coordinator.state.topic.num.partitions", "int", 1],
    ["share.coordinator.state.topic.segment.bytes", "int", 1],
    ["share.coordinator.state.topic.compression.codec", "int"],
    ["share.coordinator.load.buffer.size", "int", 1],
  ]],
  ["the work it schedules is done immediately, or at log.retention.check.interval.ms", [
    ["producer.purgatory.purge.interval.requests", "int"],
    ["fetch.purgatory.purge.interval.requests", "int"],
    ["delete.records.purgatory.purge.interval.requests", "int"],
    ["share.fetch.purgatory.purge.interval.requests", "int"],
    ["log.flush.start.offset.checkpoint.interval.ms", "int", 0],
    ["log.initial.task.delay.ms", "long", 0],
    ["producer.id.expiration.check.interval.ms", "int", 1],
  ]],
];

/** Every key without effect, by name. */
export const UNUSED_KEYS: ReadonlyMap<string, UnusedKey> = new Map(
  GROUPS.flatMap(([reason, entries]) =>
    entries.map(([name, type, min]) =>
      [name, {
        reason,
        definition: {
          name,
          type,
          default: null,
          ...(min !== undefined && { min }),
          dynamic: false,
          documentation: `Has no effect: ${reason}.`,
        },
      }] as const
    )
  ),
);

/** Returns a notice about those of `names` that have no effect, or null if there is none. */
export function noticeOfUnusedKeys(names: Iterable<string>): string | null {
  const byReason = new Map<string, string[]>();
  for (const name of names) {
    const reason = UNUSED_KEYS.get(name)?.reason;
    if (reason !== undefined) byReason.set(reason, [...byReason.get(reason) ?? [], name]);
  }
  if (byReason.size === 0) return null;
  const parts = [...byReason].map(([reason, group]) => `${group.join(", ")} (${reason})`);
  return `These settings have no effect: ${parts.join("; ")}`;
}
