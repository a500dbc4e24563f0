import { assertEquals, assertNotEquals } from "@std/assert";
import { MetadataState } from "../../src/metadata/metadata_state.ts";
import {
  decodeMetadataRecord,
  encodeMetadataRecord,
  type MetadataRecord,
  type MetadataRecordInput,
  metadataRecordTypes,
} from "../../src/metadata/records/metadata_record.ts";
import { CapturedState } from "../../src/metadata/snapshot_records.ts";
import { seedCount, test } from "../harness.ts";
import { Chance } from "../protocol/chance.ts";
import { broker, config, decoded, EVENTS, partition, topic } from "./fixture.ts";
import { dump, RandomRecords } from "./random_records.ts";

function applyNext(state: MetadataState, records: readonly MetadataRecordInput[]): void {
  state.apply(decoded(...records), state.offset + Math.max(1, records.length), 1);
}

function rebuilt(records: Iterable<MetadataRecord>): MetadataState {
  const state = new MetadataState();
  applyNext(state, [...records]);
  return state;
}

test("the records of a captured state rebuild it, and the rest of a log follows", () => {
  for (let seed = 1; seed <= seedCount(60, 1_000); seed++) {
    const chance = new Chance(seed);
    const random = new RandomRecords(chance);
    const state = new MetadataState();
    for (let batches = chance.below(120); batches > 0; batches--) {
      applyNext(state, random.next(state));
    }
    const copy = rebuilt(new CapturedState(state).records());
    assertEquals(dump(copy), dump(state), `seed ${seed}`);
    const names = (of: MetadataState) => Array.from(of.topics(), ({ name }) => name);
    assertEquals(names(copy), names(state), `seed ${seed}: the order of topics`);
    for (let batches = 40; batches > 0; batches--) {
      const records = random.next(state);
      applyNext(state, records);
      applyNext(copy, records);
    }
    assertEquals(dump(copy), dump(state), `seed ${seed}: after the rest of the log`);
  }
});

test("the records of a captured state do not change with the state", () => {
  for (let seed = 1; seed <= seedCount(20, 200); seed++) {
    const random = new RandomRecords(new Chance(seed));
    const state = new MetadataState();
    for (let batches = 60; batches > 0; batches--) applyNext(state, random.next(state));
    const before = dump(state);
    const drawn: MetadataRecord[] = [];
    for (const record of new CapturedState(state).records()) {
      drawn.push(record);
      applyNext(state, random.next(state));
    }
    assertEquals(dump(rebuilt(drawn)), before, `seed ${seed}`);
  }
});

test("registrations in a snapshot have no fields that the metadata.version of the cluster lacks", () => {
  for (const [featureLevel, version] of [[30, 3], [31, 3], [32, 4], [33, 4]]) {
    const state = new MetadataState();
    const level = { name: "metadata.version", featureLevel: featureLevel! };
    state.apply(decoded({ name: "FeatureLevelRecord", value: level }, broker(1)), 1, 0);
    const records = [...new CapturedState(state).records()];
    const versions = records.filter(({ name }) => name === "RegisterBrokerRecord")
      .map((record) => record.version);
    assertEquals(versions, [version], `metadata.version ${featureLevel}`);
  }
});

/** A record of each type that a state keeps, in the order of Kafka's snapshots. */
const IN_ORDER: readonly MetadataRecordInput[] = [
  { name: "FeatureLevelRecord", value: { name: "metadata.version", featureLevel: 33 } },
  { name: "FeatureLevelRecord", value: { name: "group.version", featureLevel: 1 } },
  broker(1),
  {
    name: "RegisterControllerRecord",
    value: {
      controllerId: 3,
      incarnationId: EVENTS,
      zkMigrationReady: false,
      endPoints: [],
      features: [],
    },
  },
  topic("events", EVENTS),
  partition(EVENTS, 0),
  config(2, "events", "retention.ms", "5"),
  {
    name: "ClientQuotaRecord",
    value: {
      entity: [{ entityType: "user", entityName: "ann" }],
      key: "producer_byte_rate",
      value: 5,
      remove: false,
    },
  },
  { name: "ProducerIdsRecord", value: { brokerId: 1, brokerEpoch: 7, nextProducerId: 1000 } },
  {
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
  },
  {
    name: "UserScramCredentialRecord",
    value: {
      name: "ann",
      mechanism: 1,
      salt: new Uint8Array([1]),
      storedKey: new Uint8Array([2]),
      serverKey: new Uint8Array([3]),
      iterations: 4096,
    },
  },
  {
    name: "DelegationTokenRecord",
    value: {
      owner: "User:ann",
      requester: "User:ann",
      renewers: [],
      issueTimestamp: 1,
      maxTimestamp: 3,
      expirationTimestamp: 2,
      tokenId: "t1",
    },
  },
];

test("records are in the order of Kafka's snapshots, metadata.version first", () => {
  const state = new MetadataState();
  const asWritten = (records: Iterable<MetadataRecordInput>) =>
    Array.from(records, (record) => decodeMetadataRecord(encodeMetadataRecord(record)));
  const [level, ...others] = IN_ORDER;
  applyNext(state, [...others, level!]);
  assertEquals(asWritten(new CapturedState(state).records()), asWritten(IN_ORDER));
});

test("every record type that Kafka keeps is in a snapshot or changes one that is", () => {
  const kept = new Set<string>(IN_ORDER.map(({ name }) => name));
  const changing: readonly MetadataRecordInput[] = [
    { name: "UnregisterBrokerRecord", value: { brokerId: 1, brokerEpoch: 1 } },
    {
      name: "PartitionChangeRecord",
      value: { topicId: EVENTS, partitionId: 0, lastKnownElr: [1] },
    },
    { name: "FenceBrokerRecord", value: { id: 1, epoch: 1 } },
    { name: "RemoveTopicRecord", value: { topicId: EVENTS } },
    {
      name: "BrokerRegistrationChangeRecord",
      value: {
        brokerId: 1,
        brokerEpoch: 1,
        fenced: 0,
        inControlledShutdown: 0,
        logDirs: [],
        cordonedLogDirs: [EVENTS],
      },
    },
    { name: "RemoveAccessControlEntryRecord", value: { id: EVENTS } },
    { name: "RemoveUserScramCredentialRecord", value: { name: "ann", mechanism: 1 } },
    { name: "RemoveDelegationTokenRecord", value: { tokenId: "t1" } },
    { name: "UnregisterControllerRecord", value: { controllerId: 3 } },
  ];
  for (const record of changing) {
    const state = new MetadataState();
    applyNext(state, IN_ORDER);
    const before = dump(state);
    applyNext(state, [record]);
    assertNotEquals(dump(state), before, record.name);
    assertEquals(dump(rebuilt(new CapturedState(state).records())), dump(state), record.name);
    kept.add(record.name);
  }
  const rest = metadataRecordTypes.map(({ name }) => name).filter((name) => !kept.has(name));
  assertEquals(rest, [
    // Undoes FenceBrokerRecord.
    "UnfenceBrokerRecord",
    "NoOpRecord",
    // Apache Kafka 4 does not keep it either.
    "ZkMigrationStateRecord",
    "BeginTransactionRecord",
    "EndTransactionRecord",
    "AbortTransactionRecord",
    // Clears fields of PartitionRecord.
    "ClearElrRecord",
  ]);
});
