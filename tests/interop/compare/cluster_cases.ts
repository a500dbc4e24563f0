/**
 * Metadata, topics, configs, groups and frames, with extreme and hostile values.
 *
 * @module
 */
import { MAX_INT64, MIN_INT64 } from "../../../src/protocol/int64.ts";
import { apiVersions } from "../../../src/protocol/messages/api_versions.ts";
import { createPartitions } from "../../../src/protocol/messages/create_partitions.ts";
import { createTopics } from "../../../src/protocol/messages/create_topics.ts";
import { deleteGroups } from "../../../src/protocol/messages/delete_groups.ts";
import { deleteTopics } from "../../../src/protocol/messages/delete_topics.ts";
import { describeConfigs } from "../../../src/protocol/messages/describe_configs.ts";
import { describeGroups } from "../../../src/protocol/messages/describe_groups.ts";
import { describeTopicPartitions } from "../../../src/protocol/messages/describe_topic_partitions.ts";
import { findCoordinator } from "../../../src/protocol/messages/find_coordinator.ts";
import { heartbeat } from "../../../src/protocol/messages/heartbeat.ts";
import { incrementalAlterConfigs } from "../../../src/protocol/messages/incremental_alter_configs.ts";
import { joinGroup } from "../../../src/protocol/messages/join_group.ts";
import { leaveGroup } from "../../../src/protocol/messages/leave_group.ts";
import { listGroups } from "../../../src/protocol/messages/list_groups.ts";
import { metadata } from "../../../src/protocol/messages/metadata.ts";
import { offsetCommit } from "../../../src/protocol/messages/offset_commit.ts";
import { offsetDelete } from "../../../src/protocol/messages/offset_delete.ts";
import { offsetFetch } from "../../../src/protocol/messages/offset_fetch.ts";
import { syncGroup } from "../../../src/protocol/messages/sync_group.ts";
import { ZERO_UUID } from "../../../src/protocol/uuid.ts";
import { ask, askBytes, type Case } from "./case.ts";

const UNKNOWN_ID = "AAAAAAAAAAAAAAAAAAAAAQ";
const TOPIC = 2;
const BROKER = 4;
const SOFTWARE = { clientSoftwareName: "compare", clientSoftwareVersion: "1" };
/** Fields that depend on the node instead of the request. */
const LAYOUT = ["brokers", "leaderEpoch", "topicAuthorizedOperations"];

const described = (
  name: string,
  topics: { topicId?: string; name: string | null }[],
  version = 12,
) =>
  ask(name, metadata, version, {
    topics: topics.map((topic) => ({ topicId: ZERO_UUID, ...topic })),
    allowAutoTopicCreation: false,
  }, { ignored: LAYOUT });

const creating = (
  name: string,
  topic: Partial<Parameters<typeof topicOf>[0]>,
  options: Partial<Case> = {},
): Case =>
  ask(name, createTopics, 7, { topics: [topicOf(topic)], validateOnly: true }, {
    ignored: ["configs"],
    ...options,
  });

function topicOf(topic: {
  name?: string;
  numPartitions?: number;
  replicationFactor?: number;
  assignments?: { partitionIndex: number; brokerIds: number[] }[];
  configs?: { name: string; value: string | null }[];
}) {
  return {
    name: "fresh",
    numPartitions: 1,
    replicationFactor: 1,
    assignments: [],
    configs: [],
    ...topic,
  };
}

const configured = (name: string, key: string, value: string | null): Case =>
  creating(name, { configs: [{ name: key, value }] });

const altered = (
  name: string,
  key: string,
  configOperation: number,
  value: string | null,
  [resourceType, resourceName]: readonly [number, string] = [TOPIC, "plain"],
): Case =>
  ask(name, incrementalAlterConfigs, 1, {
    resources: [{
      resourceType,
      resourceName,
      configs: [{ name: key, configOperation, value }],
    }],
    validateOnly: true,
  });

const committed = (name: string, committedOffset: number | bigint, topic = "plain"): Case =>
  ask(name, offsetCommit, 8, {
    groupId: "compared",
    generationIdOrMemberEpoch: -1,
    memberId: "",
    topics: [{
      name: topic,
      partitions: [{ partitionIndex: 0, committedOffset, committedMetadata: "note" }],
    }],
  });

const COMMITTED: Case = ask("what was committed last", offsetFetch, 8, {
  groups: [{ groupId: "compared", topics: [{ name: "plain", partitionIndexes: [0, 1] }] }],
  requireStable: false,
}, { ignored: ["committedLeaderEpoch"] });

function join(options: Record<string, unknown> = {}) {
  return {
    groupId: "joined",
    sessionTimeoutMs: 10_000,
    rebalanceTimeoutMs: 10_000,
    memberId: "",
    protocolType: "consumer",
    protocols: [{ name: "range", metadata: new Uint8Array(4) }],
    ...options,
  };
}

/** The cases. */
export const CLUSTER_CASES: readonly Case[] = [
  described("a topic by name", [{ name: "plain" }]),
  described("a topic that does not exist", [{ name: "missing" }]),
  described("an illegal name", [{ name: "no/such name" }]),
  described("an empty name", [{ name: "" }]),
  described("a name of 250 characters", [{ name: "x".repeat(250) }]),
  described("an unknown id without a name", [{ topicId: UNKNOWN_ID, name: null }]),
  described("an unknown id with an empty name", [{ topicId: UNKNOWN_ID, name: "" }]),
  ask("a topic by its id with an empty name", metadata, 12, (peer) => ({
    topics: [{ topicId: peer.topicIds.get("plain")!, name: "" }],
    allowAutoTopicCreation: false,
  }), { ignored: LAYOUT }),
  ask("a topic by its id", metadata, 13, (peer) => ({
    topics: [{ topicId: peer.topicIds.get("plain")!, name: null }],
    allowAutoTopicCreation: false,
  }), { ignored: LAYOUT }),
  described("one name twice", [{ name: "plain" }, { name: "plain" }]),
  ask("no topics", metadata, 12, { topics: [] }, { ignored: LAYOUT }),
  ask("no topics in version 0, which means all", metadata, 0, { topics: [] }, {
    ignored: [...LAYOUT, "topics"],
  }),

  creating("a topic", {}),
  creating("a name that exists", { name: "plain" }),
  creating("a name that differs from another in . and _ only", { name: "dot_name" }),
  creating("the name .", { name: "." }),
  creating("the name ..", { name: ".." }),
  creating("an empty name", { name: "" }),
  creating("a name of 250 characters", { name: "x".repeat(250) }),
  creating("a name with a slash", { name: "a/b" }),
  creating("__consumer_offsets", { name: "__consumer_offsets" }),
  creating("__cluster_metadata", { name: "__cluster_metadata" }),
  creating("no partitions", { numPartitions: 0 }),
  creating("-1 partitions", { numPartitions: -1 }),
  creating("-2 partitions", { numPartitions: -2 }),
  creating("replication factor 0", { replicationFactor: 0 }),
  creating("replication factor 3 on one node", { replicationFactor: 3 }),
  creating("an assignment", {
    numPartitions: -1,
    replicationFactor: -1,
    assignments: [{ partitionIndex: 0, brokerIds: [1] }],
  }),
  creating("an assignment beside a count", {
    assignments: [{ partitionIndex: 0, brokerIds: [1] }],
  }),
  creating("an assignment to an unknown broker", {
    numPartitions: -1,
    replicationFactor: -1,
    assignments: [{ partitionIndex: 0, brokerIds: [77] }],
  }),
  creating("an assignment with a gap", {
    numPartitions: -1,
    replicationFactor: -1,
    assignments: [{ partitionIndex: 1, brokerIds: [1] }],
  }),
  creating("an assignment that names a broker twice", {
    numPartitions: -1,
    replicationFactor: -1,
    assignments: [{ partitionIndex: 0, brokerIds: [1, 1] }],
  }),
  configured("an unknown config", "no.such.key", "1"),
  configured("a config that is not a number", "retention.ms", "soon"),
  configured("retention.ms -1", "retention.ms", "-1"),
  configured("retention.ms -2", "retention.ms", "-2"),
  configured("retention.ms beyond 64 bits", "retention.ms", "9223372036854775808"),
  configured("segment.bytes too small", "segment.bytes", "13"),
  configured("an unknown cleanup.policy", "cleanup.policy", "keep"),
  configured("min.insync.replicas 0", "min.insync.replicas", "0"),
  configured("a null value", "retention.ms", null),
  ask(
    "one name twice",
    createTopics,
    7,
    { topics: [topicOf({}), topicOf({})], validateOnly: true },
    {
      ignored: ["configs"],
    },
  ),

  ask("fewer partitions", createPartitions, 3, {
    topics: [{ name: "plain", count: 1, assignments: null }],
    timeoutMs: 1_000,
    validateOnly: true,
  }),
  ask("as many partitions", createPartitions, 3, {
    topics: [{ name: "plain", count: 2, assignments: null }],
    timeoutMs: 1_000,
    validateOnly: true,
  }),
  ask("an unknown topic", createPartitions, 3, {
    topics: [{ name: "missing", count: 2, assignments: null }],
    timeoutMs: 1_000,
    validateOnly: true,
  }),
  ask("an assignment of the wrong length", createPartitions, 3, {
    topics: [{ name: "plain", count: 4, assignments: [{ brokerIds: [1] }] }],
    timeoutMs: 1_000,
    validateOnly: true,
  }),

  ask("an unknown name", deleteTopics, 6, {
    topics: [{ name: "missing", topicId: ZERO_UUID }],
    timeoutMs: 1_000,
  }),
  ask("an unknown id", deleteTopics, 6, {
    topics: [{ name: null, topicId: UNKNOWN_ID }],
    timeoutMs: 1_000,
  }),
  ask("a name and an id", deleteTopics, 6, {
    topics: [{ name: "plain", topicId: UNKNOWN_ID }],
    timeoutMs: 1_000,
  }),
  ask("neither a name nor an id", deleteTopics, 6, {
    topics: [{ name: null, topicId: ZERO_UUID }],
    timeoutMs: 1_000,
  }),

  ask("an unknown topic", describeConfigs, 4, {
    resources: [{ resourceType: TOPIC, resourceName: "missing", configurationKeys: null }],
  }),
  ask("one key of a topic", describeConfigs, 4, {
    resources: [{
      resourceType: TOPIC,
      resourceName: "compacted",
      configurationKeys: ["cleanup.policy", "no.such.key"],
    }],
  }),
  ask("a broker that is not this one", describeConfigs, 4, {
    resources: [{ resourceType: BROKER, resourceName: "77", configurationKeys: null }],
  }),
  ask("a broker whose id is not a number", describeConfigs, 4, {
    resources: [{ resourceType: BROKER, resourceName: "one", configurationKeys: null }],
  }),
  ask("an unknown type of resource", describeConfigs, 4, {
    resources: [{ resourceType: 99, resourceName: "x", configurationKeys: null }],
  }),
  altered("an unknown key", "no.such.key", 0, "1"),
  {
    ...altered("an unknown operation", "retention.ms", 9, "1"),
    difference: "Apache Kafka answers UNKNOWN_SERVER_ERROR, which hides the cause",
  },
  altered("an append to a key that is not a list", "retention.ms", 2, "1"),
  altered("an append to a list", "cleanup.policy", 2, "compact"),
  altered("a null value", "retention.ms", 0, null),
  altered("an unknown topic", "retention.ms", 0, "1", [TOPIC, "missing"]),
  altered("a broker key that only a restart changes", "log.dirs", 0, "/x", [BROKER, "1"]),

  ask("a limit of 0", describeTopicPartitions, 0, {
    topics: [{ name: "plain" }],
    responsePartitionLimit: 0,
    cursor: null,
  }, { ignored: LAYOUT }),
  ask("a limit of 1", describeTopicPartitions, 0, {
    topics: [{ name: "plain" }],
    responsePartitionLimit: 1,
    cursor: null,
  }, { ignored: LAYOUT }),
  ask("a cursor with a negative partition", describeTopicPartitions, 0, {
    topics: [{ name: "plain" }],
    responsePartitionLimit: 10,
    cursor: { topicName: "plain", partitionIndex: -1 },
  }, { ignored: LAYOUT }),

  committed("an offset", 3),
  committed("offset -1", -1),
  committed("offset -2", -2),
  committed("2^53 + 1", (1n << 53n) + 1n),
  COMMITTED,
  committed("Long.MIN_VALUE", MIN_INT64),
  committed("Long.MAX_VALUE", MAX_INT64),
  { ...COMMITTED, name: "OffsetFetch 8, Long.MAX_VALUE" },
  committed("a topic that does not exist", 1, "missing"),
  ask("with a generation and no member", offsetCommit, 8, {
    groupId: "compared",
    generationIdOrMemberEpoch: 4,
    memberId: "",
    topics: [],
  }),
  ask("of an unknown member", offsetCommit, 8, {
    groupId: "compared",
    generationIdOrMemberEpoch: 4,
    memberId: "stranger",
    topics: [{
      name: "plain",
      partitions: [{ partitionIndex: 0, committedOffset: 1, committedMetadata: null }],
    }],
  }),
  ask("of a group with an empty name", offsetCommit, 8, {
    groupId: "",
    generationIdOrMemberEpoch: -1,
    memberId: "",
    topics: [{
      name: "plain",
      partitions: [{ partitionIndex: 0, committedOffset: 1, committedMetadata: null }],
    }],
  }),
  ask("an unknown group", offsetFetch, 8, {
    groups: [{ groupId: "nothing", topics: null }],
    requireStable: false,
  }),

  ask("a short session", joinGroup, 7, join({ sessionTimeoutMs: 10 })),
  ask("a long session", joinGroup, 7, join({ sessionTimeoutMs: 2_000_000_000 })),
  ask("no protocols", joinGroup, 7, join({ protocols: [] })),
  ask("no type of protocol", joinGroup, 7, join({ protocolType: "" })),
  ask("no group", joinGroup, 7, join({ groupId: "" })),
  ask("no member id yet", joinGroup, 7, join()),
  ask("an unknown member", joinGroup, 7, join({ memberId: "stranger" })),
  ask("of an unknown group", heartbeat, 4, {
    groupId: "nothing",
    generationId: 1,
    memberId: "stranger",
  }),
  ask("of no group", heartbeat, 4, { groupId: "", generationId: 1, memberId: "stranger" }),
  ask("of an unknown group", syncGroup, 5, {
    groupId: "nothing",
    generationId: 1,
    memberId: "stranger",
    protocolType: "consumer",
    protocolName: "range",
    assignments: [],
  }),
  ask("of an unknown group", leaveGroup, 5, {
    groupId: "nothing",
    members: [{ memberId: "stranger", groupInstanceId: null, reason: null }],
  }),
  ask("an unknown group", describeGroups, 6, { groups: ["nothing"] }),
  ask("a group that only committed", describeGroups, 6, { groups: ["compared"] }),
  ask("by an unknown state", listGroups, 5, { statesFilter: ["Sleeping"], typesFilter: [] }),
  ask("by an unknown type", listGroups, 5, { statesFilter: [], typesFilter: ["herd"] }),
  ask("an unknown group", deleteGroups, 3, { groupsNames: ["nothing"] }),
  ask("a group with an empty name", deleteGroups, 3, { groupsNames: [""] }),
  ask("of an unknown group", offsetDelete, 0, {
    groupId: "nothing",
    topics: [{ name: "plain", partitions: [{ partitionIndex: 0 }] }],
  }),
  ask("of an unknown topic", offsetDelete, 0, {
    groupId: "compared",
    topics: [{ name: "missing", partitions: [{ partitionIndex: 0 }] }],
  }),
  ask("an unknown type", findCoordinator, 4, { keyType: 9, coordinatorKeys: ["x"] }),
  ask("a group with an empty name", findCoordinator, 4, { keyType: 0, coordinatorKeys: [""] }, {
    ignored: ["nodeId"],
  }),

  ask("a node that is not this one", apiVersions, 5, {
    ...SOFTWARE,
    clusterId: "another-cluster-000000",
    nodeId: 1,
  }),
  ask("a node without its cluster", apiVersions, 5, { ...SOFTWARE, clusterId: null, nodeId: 1 }),
  ask("a client without a name", apiVersions, 4, { ...SOFTWARE, clientSoftwareName: "" }),
  askBytes("an unknown version", metadata, 12, { topics: [] }, (frame) => {
    frame[3] = 99;
    return frame;
  }),
  askBytes("an unknown API", metadata, 12, { topics: [] }, (frame) => {
    frame[1] = 250;
    return frame;
  }),
  askBytes("an unknown ApiVersions version", apiVersions, 4, SOFTWARE, (frame) => {
    frame[3] = 99;
    return frame;
  }),
  askBytes(
    "a truncated frame",
    metadata,
    12,
    { topics: [{ topicId: ZERO_UUID, name: "plain" }] },
    (frame) => frame.slice(0, -8),
  ),
  askBytes("an empty frame", metadata, 12, { topics: [] }, () => new Uint8Array(0)),
  askBytes("a frame of four bytes", metadata, 12, { topics: [] }, (frame) => frame.slice(0, 4)),
];
