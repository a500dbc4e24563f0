/**
 * Apache Kafka's broker keys that nothing here reads, by the beginning of their names, and why. Who
 * brings a `server.properties` along learns what became of each line.
 *
 * @module
 */

const REASONS: readonly (readonly [prefixes: readonly string[], reason: string])[] = [
  [["broker.id"], 'the key is "node.id"'],
  [
    [
      "num.network.threads",
      "num.io.threads",
      "num.replica.fetchers",
      "num.recovery.threads",
      "num.replica.alter.log.dirs.threads",
      "background.threads",
      "log.cleaner.threads",
      "group.coordinator.threads",
      "queued.max.request",
    ],
    "a broker here is one event loop, it has no thread pools to size",
  ],
  [
    [
      "ssl.",
      "sasl.",
      "security.",
      "listener.",
      "inter.broker.listener",
      "authorizer.",
      "super.users",
      "password.",
      "principal.",
      "delegation.",
      "connections.max.reauth",
      "connection.failed.authentication",
    ],
    "this version has no TLS, SASL or access control yet",
  ],
  [["remote."], "this version has no remote storage"],
  [["log.local.", "follower.fetch.last.tiered"], "this version has no remote storage"],
  [
    [
      "log.flush.start.offset.checkpoint",
      "log.preallocate",
      "log.index.size.max.bytes",
    ],
    "the log here has no file or timer that it would govern",
  ],
  [
    ["controller.", "broker.", "metadata.", "replica.", "controlled.", "unclean.", "early.start."],
    "this version is one node: it has no quorum and no replication yet",
  ],
  [
    ["leader.", "follower.", "auto.leader.", "cordoned.", "log.dir.failure"],
    "this version is one node",
  ],
  [
    ["quota.", "client.quota.", "alter.log.dirs.", "replication.quota"],
    "this version has no quotas yet",
  ],
  [
    ["transaction.", "transactional.", "add.partitions.to.txn"],
    "this version has no transactions yet",
  ],
  [
    ["group.consumer.", "group.share.", "group.streams.", "share.", "group.coordinator."],
    "this version has classic consumer groups only",
  ],
  [["offsets."], "committed offsets are kept in memory in this version"],
  [
    ["metric", "kafka.metrics", "telemetry.", "auto.include.jmx", "client.metrics."],
    "this version reports no metrics yet",
  ],
  [
    ["socket.send.buffer", "socket.receive.buffer", "socket.listen.backlog", "socket.connection."],
    "the runtime sizes the socket's buffers",
  ],
  [["log.dir"], 'the key is "log.dirs"'],
];

/** Why Apache Kafka's key `name` does nothing here, or null when Kafka has no such key either. */
export function reasonKeyDoesNothing(name: string): string | null {
  for (const [prefixes, reason] of REASONS) {
    if (prefixes.some((prefix) => name.startsWith(prefix))) return reason;
  }
  return null;
}
