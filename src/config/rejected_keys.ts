/**
 * Apache Kafka's broker keys that are rejected because no feature would honour them, with the reason:
 * by full name, or by a prefix that ends with a dot.
 *
 * @module
 */

/** Names and prefixes of rejected keys, by reason. */
export const REJECTED_KEYS: readonly (readonly [names: readonly string[], reason: string])[] = [
  [
    [
      "auto.include.jmx.reporter",
      "broker.id.generation.enable",
      "control.plane.listener.name",
      "inter.broker.protocol.version",
      "log.message.downconversion.enable",
      "log.message.format.version",
      "offsets.commit.required.acks",
      "reserved.broker.max.id",
    ],
    "Apache Kafka 4 has removed it",
  ],
  [
    [
      "ssl.",
      "sasl.",
      "security.",
      "listener.name.",
      "authorizer.",
      "super.users",
      "allow.everyone.if.no.acl.found",
      "password.encoder.",
      "principal.builder.class",
      "delegation.token.",
      "connection.failed.authentication.delay.ms",
    ],
    "this version has no TLS, SASL or access control yet",
  ],
  [["remote.", "log.remote."], "this version has no remote storage"],
  [
    [
      "quota.",
      "client.quota.",
      "controller.quota.",
      "replication.quota.",
      "alter.log.dirs.replication.quota.",
    ],
    "this version has no quotas yet",
  ],
  [
    [
      "leader.replication.throttled.",
      "follower.replication.throttled.",
      "replica.alter.log.dirs.",
      "replica.selector.class",
    ],
    "this version has no replication yet",
  ],
  [["controller."], "this version has no such setting of a controller"],
  [["early.start.listeners"], "the listeners of a node start together"],
  [
    ["transaction.", "transactional.", "add.partitions.to.txn."],
    "this version has no transactions yet",
  ],
  [
    ["group.consumer.", "group.share.", "group.streams.", "share.", "errors.deadletterqueue."],
    "this version has classic consumer groups only",
  ],
  [["offsets."], "committed offsets are kept in memory, while the node runs"],
  [
    ["metrics.", "kafka.metrics.", "telemetry.", "client.metrics."],
    "this version reports no metrics yet",
  ],
  [
    ["alter.config.policy.class.name", "create.topic.policy.class.name", "config.providers"],
    "Java classes cannot be loaded",
  ],
  [["max.decompressed.message.bytes"], "the limits of decompression are fixed in this version"],
  [
    ["internal.", "unstable."],
    "Apache Kafka reserves it for its own tests",
  ],
  [["confluent."], "it is a key of Confluent Server, not of Apache Kafka"],
  [["zookeeper."], "Apache Kafka 4 no longer uses ZooKeeper, a node is its own controller"],
  [
    ["advertised.host.name", "advertised.port", "host.name", "port"],
    'Apache Kafka 4 has removed it, set "listeners" and "advertised.listeners"',
  ],
  [
    ["log.message.timestamp.difference.max.ms"],
    'Apache Kafka 4 has removed it, set "log.message.timestamp.before.max.ms" and ' +
    '"log.message.timestamp.after.max.ms"',
  ],
];

/** Returns why an unsupported key is rejected, or null if Apache Kafka has no such key. */
export function rejectionReason(name: string): string | null {
  for (const [names, reason] of REJECTED_KEYS) {
    const isMeant = names.some((one) => one.endsWith(".") ? name.startsWith(one) : name === one);
    if (isMeant) return reason;
  }
  return null;
}
