import { assertEquals, assertThrows } from "@std/assert";
import { AssertionFailure } from "../../src/assert.ts";
import { ConfigResourceType } from "../../src/config/definition.ts";
import { MetadataState } from "../../src/metadata/metadata_state.ts";
import type { MetadataRecordInput } from "../../src/metadata/records/metadata_record.ts";
import { test } from "../harness.ts";
import {
  broker,
  CHAT,
  config,
  decoded,
  EVENTS,
  partition,
  partitionWith,
  topic,
} from "./fixture.ts";

const { TOPIC, BROKER } = ConfigResourceType;

/** Applies each list of records separately and returns the state. */
function stateOf(...batches: MetadataRecordInput[][]): MetadataState {
  const state = new MetadataState();
  for (const batch of batches) applyNext(state, ...batch);
  return state;
}

function applyNext(state: MetadataState, ...records: MetadataRecordInput[]) {
  return state.apply(decoded(...records), state.offset + records.length, 1);
}

test("topicByName() and topicById() find a topic", () => {
  const state = stateOf([topic("events", EVENTS), partition(EVENTS, 0), partition(EVENTS, 1)]);
  const found = state.topicByName("events")!;
  assertEquals(state.topicById(EVENTS), found);
  assertEquals(found.partitions.map(({ partition }) => partition), [0, 1]);
  assertEquals([state.topicCount, state.partitionCount], [1, 2]);
  assertEquals(state.topicByName("chat"), undefined);
  assertEquals(state.topicById(CHAT), undefined);
});

test("apply() returns created, changed and deleted topics", () => {
  const state = new MetadataState();
  const created = applyNext(state, topic("events", EVENTS), partition(EVENTS, 0));
  assertEquals(created.createdTopics, [state.topicByName("events")!]);
  const before = state.topicByName("events")!;
  const changed = applyNext(state, partition(EVENTS, 1));
  assertEquals(changed.changedTopics, [{ before, after: state.topicByName("events")! }]);
  assertEquals(before.partitions.length, 1, "returned images are immutable");
  const last = state.topicByName("events")!;
  const deleted = applyNext(state, { name: "RemoveTopicRecord", value: { topicId: EVENTS } });
  assertEquals(deleted.deletedTopics, [last]);
  assertEquals([...state.topics()], []);
  assertEquals([state.topicCount, state.partitionCount], [0, 0]);
});

test("apply() ignores a topic that is created and deleted by the same records", () => {
  const state = new MetadataState();
  const delta = applyNext(
    state,
    topic("events", EVENTS),
    partition(EVENTS, 0),
    { name: "RemoveTopicRecord", value: { topicId: EVENTS } },
  );
  assertEquals([delta.createdTopics, delta.deletedTopics], [[], []]);
  assertEquals(state.topicByName("events"), undefined);
});

test("a topic name can be reused with another id", () => {
  const state = stateOf([topic("events", EVENTS), partition(EVENTS, 0)]);
  applyNext(
    state,
    { name: "RemoveTopicRecord", value: { topicId: EVENTS } },
    topic("events", CHAT),
    partition(CHAT, 0),
  );
  assertEquals(state.topicByName("events")?.id, CHAT);
  assertEquals(state.topicById(EVENTS), undefined);
  assertEquals(state.partitionCount, 1);
});

test("a new leader increases the leader epoch, any change the partition epoch", () => {
  const state = stateOf([topic("events", EVENTS), partition(EVENTS, 0)]);
  const change = (value: { leader?: number; isr?: number[] }) => {
    applyNext(state, {
      name: "PartitionChangeRecord",
      value: { topicId: EVENTS, partitionId: 0, ...value },
    });
    const { leader, isr, leaderEpoch, partitionEpoch } = state.topicById(EVENTS)!.partitions[0]!;
    return { leader, isr, leaderEpoch, partitionEpoch };
  };
  assertEquals(change({ isr: [] }), { leader: 1, isr: [], leaderEpoch: 0, partitionEpoch: 1 });
  assertEquals(change({ leader: -1 }), { leader: -1, isr: [], leaderEpoch: 1, partitionEpoch: 2 });
  assertEquals(change({ leader: 1, isr: [1] }), {
    leader: 1,
    isr: [1],
    leaderEpoch: 2,
    partitionEpoch: 3,
  });
  // Electing the same leader again increases the epoch too, which fences its earlier requests.
  assertEquals(change({ leader: 1 }).leaderEpoch, 3);
});

test("apply() sets, changes and removes configs", () => {
  const state = stateOf([config(TOPIC, "events", "retention.ms", "1")]);
  const held = state.configs(TOPIC, "events");
  const delta = applyNext(
    state,
    config(TOPIC, "events", "retention.ms", "2"),
    config(TOPIC, "events", "segment.ms", "3"),
    config(BROKER, "", "max.connections", "4"),
  );
  assertEquals([...held], [["retention.ms", "1"]], "returned configs are immutable");
  assertEquals([...state.configs(TOPIC, "events")], [["retention.ms", "2"], ["segment.ms", "3"]]);
  assertEquals(delta.changedConfigs, [
    { type: TOPIC, name: "events" },
    { type: BROKER, name: "" },
  ]);
  assertEquals([...state.configuredNames(BROKER)], [""]);
  applyNext(state, config(BROKER, "", "max.connections", null));
  assertEquals([...state.configuredNames(BROKER)], []);
  assertEquals(state.configs(BROKER, "").size, 0);
});

test("deleting a topic removes its configs", () => {
  const state = stateOf([
    topic("events", EVENTS),
    config(TOPIC, "events", "retention.ms", "1"),
    partition(EVENTS, 0),
  ]);
  const delta = applyNext(state, { name: "RemoveTopicRecord", value: { topicId: EVENTS } });
  assertEquals(state.configs(TOPIC, "events").size, 0);
  assertEquals(delta.changedConfigs, []);
});

test("topicCollidingWith() finds names that differ only in dots and underscores", () => {
  const state = stateOf([topic("a.b_c", EVENTS), partition(EVENTS, 0)]);
  assertEquals(state.topicCollidingWith("a_b.c"), "a.b_c");
  assertEquals(state.topicCollidingWith("a.b_c"), undefined);
  assertEquals(state.topicCollidingWith("abc"), undefined);
  applyNext(state, { name: "RemoveTopicRecord", value: { topicId: EVENTS } });
  assertEquals(state.topicCollidingWith("a_b.c"), undefined);
});

test("apply() registers, changes and unregisters brokers", () => {
  const state = stateOf([broker(1, { fenced: true, logDirs: [CHAT] })]);
  assertEquals(state.broker(1)?.fenced, true);
  const delta = applyNext(state, {
    name: "BrokerRegistrationChangeRecord",
    value: { brokerId: 1, brokerEpoch: 1, fenced: -1 },
  });
  assertEquals(delta.changedBrokers, [1]);
  assertEquals(state.broker(1)?.fenced, false);
  assertEquals(state.broker(1)?.logDirs, [CHAT]);
  applyNext(state, { name: "FenceBrokerRecord", value: { id: 1, epoch: 1 } });
  assertEquals(state.broker(1)?.fenced, true);
  applyNext(state, { name: "UnfenceBrokerRecord", value: { id: 1, epoch: 1 } });
  assertEquals(state.broker(1)?.fenced, false);
  applyNext(state, { name: "UnregisterBrokerRecord", value: { brokerId: 1, brokerEpoch: 1 } });
  assertEquals([...state.brokers()], []);
});

test("apply() records features and producer ids", () => {
  const state = new MetadataState();
  const feature = (name: string, featureLevel: number): MetadataRecordInput => ({
    name: "FeatureLevelRecord",
    value: { name, featureLevel },
  });
  assertEquals(applyNext(state, feature("group.version", 1)).featuresChanged, true);
  assertEquals([...state.features], [["group.version", 1]]);
  applyNext(state, feature("group.version", 0));
  assertEquals([...state.features], []);
  const ids = (nextProducerId: number): MetadataRecordInput => ({
    name: "ProducerIdsRecord",
    value: { brokerId: 1, nextProducerId },
  });
  applyNext(state, ids(2_000));
  applyNext(state, ids(1_000));
  assertEquals(state.nextProducerId, 2_000, "never decreases");
});

test("ClearElrRecord clears lastKnownElr even if there are no eligible replicas", () => {
  const state = stateOf([topic("events", EVENTS), partition(EVENTS, 0)]);
  applyNext(state, {
    name: "PartitionChangeRecord",
    value: { topicId: EVENTS, partitionId: 0, lastKnownElr: [3] },
  });
  assertEquals(state.topicById(EVENTS)!.partitions[0]!.lastKnownElr, [3]);
  applyNext(state, { name: "ClearElrRecord", value: { topicName: "events" } });
  assertEquals(state.topicById(EVENTS)!.partitions[0]!.lastKnownElr, []);
});

test("ClearElrRecord clears the eligible replicas of a topic", () => {
  const state = stateOf([topic("events", EVENTS), partition(EVENTS, 0)]);
  applyNext(state, {
    name: "PartitionChangeRecord",
    value: { topicId: EVENTS, partitionId: 0, eligibleLeaderReplicas: [2] },
  });
  assertEquals(state.topicById(EVENTS)!.partitions[0]!.eligibleLeaderReplicas, [2]);
  const clear: MetadataRecordInput = { name: "ClearElrRecord", value: { topicName: "events" } };
  const { partitionEpoch } = state.topicById(EVENTS)!.partitions[0]!;
  applyNext(state, clear);
  const cleared = state.topicById(EVENTS)!.partitions[0]!;
  assertEquals(cleared.eligibleLeaderReplicas, []);
  assertEquals(cleared.partitionEpoch, partitionEpoch + 1, "as for a PartitionChangeRecord");
  applyNext(state, clear);
  assertEquals(state.topicById(EVENTS)!.partitions[0], cleared, "nothing is left to clear");
});

test("ClearElrRecord clears what records before it in the same change have set", () => {
  const withElr = partitionWith(EVENTS, 0, { eligibleLeaderReplicas: [2] });
  for (const topicName of ["events", ""]) {
    const clear: MetadataRecordInput = { name: "ClearElrRecord", value: { topicName } };
    const created = stateOf([topic("events", EVENTS), withElr, clear]);
    assertEquals(created.topicByName("events")?.partitions[0]?.eligibleLeaderReplicas, []);
    const changed = stateOf([topic("events", EVENTS), partition(EVENTS, 0)], [withElr, clear]);
    assertEquals(changed.topicByName("events")?.partitions[0]?.eligibleLeaderReplicas, []);
    const deleted = stateOf(
      [topic("events", EVENTS), withElr],
      [{ name: "RemoveTopicRecord", value: { topicId: EVENTS } }, clear],
    );
    assertEquals(deleted.topicCount, 0);
  }
});

test("apply() increases version and offset", () => {
  const state = stateOf([broker(1)]);
  assertEquals([state.offset, state.epoch, state.version], [0, 1, 1]);
  state.apply([], 5, 3);
  assertEquals([state.offset, state.epoch, state.version], [5, 3, 2]);
});

test("apply() throws for records that contradict the state", () => {
  const refuse = (...records: MetadataRecordInput[]) =>
    assertThrows(() => stateOf(records), AssertionFailure);
  refuse(partition(EVENTS, 0));
  refuse({ name: "RemoveTopicRecord", value: { topicId: EVENTS } });
  refuse(topic("events", EVENTS), partition(EVENTS, 1));
  refuse({ name: "FenceBrokerRecord", value: { id: 1, epoch: 1 } });
  refuse(topic("events", EVENTS), {
    name: "PartitionChangeRecord",
    value: { topicId: EVENTS, partitionId: 0, leader: 1 },
  });
  assertThrows(() => stateOf([broker(1)]).apply([], 0, 1), AssertionFailure);
});

test("apply() handles ten thousand topics, one record each", () => {
  const state = new MetadataState();
  const idOf = (i: number) => `${String(i).padStart(21, "a")}A`;
  for (let i = 0; i < 10_000; i++) {
    applyNext(state, topic(`topic-${i}`, idOf(i)), partition(idOf(i), 0));
  }
  assertEquals([state.topicCount, state.partitionCount], [10_000, 10_000]);
  assertEquals(state.topicByName("topic-9999")?.id, idOf(9_999));
});

test("apply() stores client quotas by entity and removes single limits", () => {
  const quota = (
    entity: readonly (readonly [string, string | null])[],
    key: string,
    value: number,
    remove = false,
  ): MetadataRecordInput => ({
    name: "ClientQuotaRecord",
    value: {
      entity: entity.map(([entityType, entityName]) => ({ entityType, entityName })),
      key,
      value,
      remove,
    },
  });
  const rate = "producer_byte_rate";
  const state = stateOf([
    quota([["user", "ann"], ["client-id", null]], rate, 1000),
    quota([["client-id", null], ["user", "ann"]], "request_percentage", 12.5),
    quota([["ip", null]], "connection_creation_rate", 3),
  ]);
  const all = () => [...state.clientQuotas()].map((it) => [[...it.entity], [...it.limits]]);
  const [ann] = state.clientQuotas();
  assertEquals(all(), [
    [[["client-id", null], ["user", "ann"]], [[rate, 1000], ["request_percentage", 12.5]]],
    [[["ip", null]], [["connection_creation_rate", 3]]],
  ]);
  applyNext(state, quota([["user", "ann"], ["client-id", null]], rate, 0, true));
  assertEquals(all()[0], [[["client-id", null], ["user", "ann"]], [["request_percentage", 12.5]]]);
  assertEquals(ann!.limits.size, 2, "returned quotas are immutable");
  applyNext(state, quota([["ip", null]], "connection_creation_rate", 0, true));
  assertEquals(all().length, 1);
});

test("apply() stores whole SCRAM credentials by user and mechanism", () => {
  const credential = (
    name: string,
    mechanism: number,
    iterations: number,
  ): MetadataRecordInput => ({
    name: "UserScramCredentialRecord",
    value: {
      name,
      mechanism,
      salt: new Uint8Array([1]),
      storedKey: new Uint8Array([2, 3]),
      serverKey: new Uint8Array([4, 5, mechanism]),
      iterations,
    },
  });
  const remove = (name: string, mechanism: number): MetadataRecordInput => ({
    name: "RemoveUserScramCredentialRecord",
    value: { name, mechanism },
  });
  const iterationsOf = (user: string) =>
    Array.from(state.scramCredentials(user), ([mechanism, { iterations }]) => [
      mechanism,
      iterations,
    ]);
  const state = stateOf([credential("ann", 1, 4096), credential("ann", 2, 8192)]);
  const before = state.scramCredentials("ann");
  assertEquals(iterationsOf("ann"), [[1, 4096], [2, 8192]]);
  const { salt, storedKey, serverKey } = before.get(2)!;
  assertEquals([[...salt], [...storedKey], [...serverKey]], [[1], [2, 3], [4, 5, 2]]);
  applyNext(state, remove("ann", 1));
  assertEquals(iterationsOf("ann"), [[2, 8192]]);
  assertEquals(before.size, 2, "returned credentials are immutable");
  applyNext(state, remove("ann", 2), credential("bob", 1, 5000));
  assertEquals([...state.scramUsers()], ["bob"]);
  assertEquals([...state.scramCredentials("nobody")], []);
});

test("apply() registers, replaces and unregisters controllers", () => {
  const state = new MetadataState();
  const controller = (controllerId: number, incarnationId: string): MetadataRecordInput => ({
    name: "RegisterControllerRecord",
    value: {
      controllerId,
      incarnationId,
      zkMigrationReady: false,
      endPoints: [{ name: "CONTROLLER", host: "h", port: 9093, securityProtocol: 0 }],
      features: [{ name: "kraft.version", minSupportedVersion: 0, maxSupportedVersion: 1 }],
    },
  });
  const delta = applyNext(state, controller(3, EVENTS), controller(4, EVENTS));
  assertEquals(delta.changedControllers, [3, 4]);
  assertEquals(state.controller(3), {
    id: 3,
    incarnationId: EVENTS,
    zkMigrationReady: false,
    endpoints: [{ name: "CONTROLLER", host: "h", port: 9093, securityProtocol: 0 }],
    features: new Map([["kraft.version", { min: 0, max: 1 }]]),
  });
  applyNext(state, controller(3, CHAT));
  assertEquals([...state.controllers()].map(({ id, incarnationId }) => [id, incarnationId]), [
    [3, CHAT],
    [4, EVENTS],
  ]);
  const removal: MetadataRecordInput = {
    name: "UnregisterControllerRecord",
    value: { controllerId: 3 },
  };
  assertEquals(applyNext(state, removal).changedControllers, [3]);
  assertEquals([...state.controllers()].map(({ id }) => id), [4]);
});

test("apply() stores and removes ACLs and delegation tokens", () => {
  const acl: MetadataRecordInput = {
    name: "AccessControlEntryRecord",
    value: {
      id: EVENTS,
      resourceType: 2,
      resourceName: "events",
      patternType: 3,
      principal: "User:ann",
      host: "*",
      operation: 3,
      permissionType: 3,
    },
  };
  const token: MetadataRecordInput = {
    name: "DelegationTokenRecord",
    value: {
      owner: "User:ann",
      requester: "User:bob",
      renewers: ["User:eve"],
      issueTimestamp: 1,
      maxTimestamp: 3,
      expirationTimestamp: 2,
      tokenId: "t1",
    },
  };
  const state = stateOf([acl, token]);
  assertEquals([...state.acls()], [acl.value]);
  assertEquals([...state.delegationTokens()], [token.value]);
  applyNext(
    state,
    { name: "RemoveAccessControlEntryRecord", value: { id: EVENTS } },
    { name: "RemoveDelegationTokenRecord", value: { tokenId: "t1" } },
  );
  assertEquals([[...state.acls()], [...state.delegationTokens()]], [[], []]);
});

test("apply() ignores a level of kraft.version, as the quorum has its own record of it", () => {
  const level = (name: string): MetadataRecordInput => ({
    name: "FeatureLevelRecord",
    value: { name, featureLevel: 1 },
  });
  const state = stateOf([level("kraft.version"), level("group.version")]);
  assertEquals([...state.features], [["group.version", 1]]);
});

test("a BrokerRegistrationChangeRecord cordons and uncordons log directories", () => {
  const state = stateOf([broker(1, { logDirs: [EVENTS, CHAT] })]);
  const change = (cordonedLogDirs: string[] | null): MetadataRecordInput => ({
    name: "BrokerRegistrationChangeRecord",
    value: {
      brokerId: 1,
      brokerEpoch: 1,
      fenced: 0,
      inControlledShutdown: 0,
      logDirs: [],
      cordonedLogDirs,
    },
  });
  assertEquals(state.broker(1)!.cordonedLogDirs, null, "the broker has not said which");
  const cordoned = (...records: MetadataRecordInput[]) => {
    applyNext(state, ...records);
    return state.broker(1)!.cordonedLogDirs;
  };
  assertEquals(cordoned(change([CHAT])), [CHAT]);
  assertEquals(cordoned(change(null)), [CHAT]);
  assertEquals(cordoned(change([])), []);
});
