import { assertEquals } from "@std/assert";
import {
  decideControlledShutdown,
  decideFence,
  decideOfflineDirectories,
  decideUnfence,
  decideUnregister,
  electLeaderless,
  isWithoutDirectory,
  leadsAny,
  moveLeaders,
} from "../../../src/controller/brokers/fencing.ts";
import type { MetadataImage } from "../../../src/metadata/image.ts";
import { MetadataState } from "../../../src/metadata/metadata_state.ts";
import type { MetadataRecordInput } from "../../../src/metadata/records/metadata_record.ts";
import { test } from "../../harness.ts";
import {
  config,
  decoded,
  EVENTS,
  type PartitionValue,
  partitionWith,
  topic,
} from "../../metadata/fixture.ts";
import { changes, directory, imageOf, refusal, registered } from "../fixture.ts";

const placed = (index: number, leader: number, isr: number[], replicas = [1, 2, 3]) =>
  partitionWith(EVENTS, index, {
    replicas,
    isr,
    leader,
    directories: replicas.map((id) => directory(id)),
  });

/** Brokers 1 to 3 and partitions led by broker 1, by broker 2, and by broker 1 alone. */
const CLUSTER = [
  registered(1),
  registered(2),
  registered(3),
  topic("events", EVENTS),
  placed(0, 1, [1, 2, 3]),
  placed(1, 2, [2, 1, 3]),
  placed(2, 1, [1]),
];

const flagsOf = (image: MetadataImage, id: number) => {
  const { fenced, inControlledShutdown, logDirs } = image.broker(id)!;
  return { fenced, inControlledShutdown, logDirs: logDirs.length };
};

test("decideFence() moves partitions first and fences last", () => {
  const records = [...decideFence(1, imageOf(...CLUSTER))];
  assertEquals(changes(records), [
    "0: leader=2 isr=2,3",
    "1: isr=2,3",
    "2: leader=-1",
    "BrokerRegistrationChangeRecord",
  ]);
  const after = imageOf(...CLUSTER, ...records);
  assertEquals(flagsOf(after, 1), { fenced: true, inControlledShutdown: false, logDirs: 1 });
  assertEquals([...decideFence(1, after)], [], "it is fenced");
  assertEquals([...decideFence(9, after)], [], "it is not registered");
});

test("decideFence() is completed by a repetition after any prefix", () => {
  const all = [...decideFence(1, imageOf(...CLUSTER))];
  for (let length = 0; length <= all.length; length++) {
    const prefix = imageOf(...CLUSTER, ...all.slice(0, length));
    assertEquals([...decideFence(1, prefix)], all.slice(length), `after ${length} records`);
    assertEquals(flagsOf(prefix, 1).fenced && leadsAny(1, prefix), false);
  }
});

test("decideFence() computes its records while earlier ones are applied", () => {
  const state = new MetadataState();
  state.apply(decoded(...CLUSTER), 10, 1);
  let offset = 10;
  const seen: MetadataRecordInput[] = [];
  for (const record of decideFence(1, state)) {
    state.apply(decoded(record), ++offset, 1);
    seen.push(record);
  }
  assertEquals(seen, [...decideFence(1, imageOf(...CLUSTER))]);
});

test("decideFence() elects an out-of-sync replica where the topic allows it", () => {
  const key = "unclean.leader.election.enable";
  const image = imageOf(...CLUSTER, config(2, "events", key, "true"));
  assertEquals(changes(decideFence(1, image))[2], "2: leader=2 isr=2 leaderRecoveryState=1");
});

test("decideUnfence() elects the broker where no other could lead", () => {
  const fenced = [...CLUSTER, ...decideFence(1, imageOf(...CLUSTER))];
  const records = [...decideUnfence(1, imageOf(...fenced))];
  assertEquals(changes(records), ["BrokerRegistrationChangeRecord", "2: leader=1"]);
  const after = imageOf(...fenced, ...records);
  assertEquals(flagsOf(after, 1).fenced, false);
  assertEquals([...decideUnfence(1, after)], [], "it is not fenced");
  assertEquals([...decideUnfence(9, after)], []);
});

test("electLeaderless() completes elections that a controller left undone", () => {
  const fenced = [...CLUSTER, ...decideFence(1, imageOf(...CLUSTER))];
  const [unfence] = decideUnfence(1, imageOf(...fenced));
  assertEquals(changes(electLeaderless(imageOf(...fenced))), []);
  assertEquals(changes(electLeaderless(imageOf(...fenced, unfence!))), ["2: leader=1"]);
});

test("decideUnfence() elects no replica in a directory that is not registered", () => {
  const image = imageOf(
    registered(1, { fenced: true, logDirs: [directory(1, 7)] }),
    topic("events", EVENTS),
    placed(0, -1, [1]),
  );
  assertEquals(changes(decideUnfence(1, image)), ["BrokerRegistrationChangeRecord"]);
});

test("decideControlledShutdown() leaves every ISR with another member", () => {
  const records = [...decideControlledShutdown(1, imageOf(...CLUSTER))];
  assertEquals(changes(records), [
    "BrokerRegistrationChangeRecord",
    "0: leader=2 isr=2,3",
    "1: isr=2,3",
    "2: leader=-1",
  ]);
  const begun = imageOf(...CLUSTER, records[0]!);
  assertEquals(flagsOf(begun, 1), { fenced: false, inControlledShutdown: true, logDirs: 1 });
  assertEquals([...decideControlledShutdown(1, begun)], records.slice(1));
  assertEquals([...decideControlledShutdown(9, begun)], []);
});

test("decideUnregister() moves partitions first and removes the broker last", () => {
  const records = [...decideUnregister(1, imageOf(...CLUSTER))];
  assertEquals(changes(records).slice(-2), ["2: leader=-1", "UnregisterBrokerRecord"]);
  assertEquals(records.at(-1)!.value, { brokerId: 1, brokerEpoch: 10 });
  assertEquals(imageOf(...CLUSTER, ...records).broker(1), undefined);
  assertEquals(
    refusal(() => decideUnregister(9, imageOf(...CLUSTER))),
    "BROKER_ID_NOT_REGISTERED: Cannot unregister broker 9: no such broker is registered",
  );
});

test("moveLeaders() removes a broker from the eligible replicas only if its end was unclean", () => {
  const state: Partial<PartitionValue> = {
    replicas: [1, 2],
    isr: [2],
    leader: 2,
    eligibleLeaderReplicas: [1],
  };
  const image = imageOf(...CLUSTER.slice(0, 4), partitionWith(EVENTS, 0, state));
  assertEquals(changes(moveLeaders(1, image)), []);
  assertEquals(changes(moveLeaders(1, image, { isUnclean: true })), ["0: eligibleLeaderReplicas="]);
});

test("decideOfflineDirectories() moves the leaders in failed directories only", () => {
  const logDirs = [directory(1), directory(1, 1)];
  const second = partitionWith(EVENTS, 1, {
    replicas: [1, 2],
    isr: [1, 2],
    leader: 1,
    directories: [directory(1, 1), directory(2)],
  });
  const base = [registered(1, { logDirs }), ...CLUSTER.slice(1, 5), second];
  const image = imageOf(...base);
  const broker = image.broker(1)!;
  const records = [...decideOfflineDirectories(broker, [directory(1, 1), directory(9)], image)];
  assertEquals(changes(records), ["1: leader=2 isr=2", "BrokerRegistrationChangeRecord"]);
  assertEquals(imageOf(...base, ...records).broker(1)!.logDirs, [directory(1)]);
  assertEquals([...decideOfflineDirectories(broker, [directory(9)], image)], []);
  assertEquals(isWithoutDirectory(broker, [directory(1)]), false);
  assertEquals(isWithoutDirectory(broker, logDirs), true);
  assertEquals(isWithoutDirectory({ ...broker, logDirs: [] }, logDirs), false);
});
