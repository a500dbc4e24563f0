import { assertEquals } from "@std/assert";
import {
  decideDirectoryAssignments,
  decideOnlineDirectories,
} from "../../src/controller/directories.ts";
import { decideCreatePartitions } from "../../src/controller/partitions.ts";
import { UNASSIGNED_DIRECTORY, ZERO_UUID } from "../../src/protocol/uuid.ts";
import { test } from "../harness.ts";
import { broker, CHAT, decoded, EVENTS, partition, topic } from "../metadata/fixture.ts";
import { imageOf } from "./fixture.ts";

const ONE = "4aKkGA0ISBCOdhh3DvpjpQ";
const TWO = "2p8GUW6bSo6YcxPnGUQ0zw";

test("decideDirectoryAssignments() returns records for changed directories only", () => {
  const records = [broker(1), topic("chat", CHAT), partition(CHAT, 0), partition(CHAT, 1)];
  const assign = (number: number, directoryId: string, topicId = CHAT) => ({
    topicId,
    partition: number,
    directoryId,
  });
  const first = decideDirectoryAssignments(
    1,
    [assign(0, ONE), assign(1, TWO)],
    imageOf(...records),
  );
  assertEquals(first.map(({ value }) => value), [
    { partitionId: 0, topicId: CHAT, directories: [ONE] },
    { partitionId: 1, topicId: CHAT, directories: [TWO] },
  ]);
  const image = imageOf(...records, ...first);
  assertEquals(image.topicByName("chat")!.partitions.map((it) => [it.directories, it.leader]), [
    [[ONE], 1],
    [[TWO], 1],
  ]);
  const again = [assign(0, ONE), assign(1, ONE), assign(2, ONE), assign(0, ONE, EVENTS)];
  assertEquals(decideDirectoryAssignments(1, again, image).map(({ value }) => value), [
    { partitionId: 1, topicId: CHAT, directories: [ONE] },
  ]);
  // Replicas of another broker are ignored.
  assertEquals(decideDirectoryAssignments(2, again, image), []);
});

test("decideDirectoryAssignments() keeps the directories of other replicas", () => {
  const replicated = {
    name: "PartitionRecord" as const,
    value: {
      topicId: CHAT,
      partitionId: 0,
      replicas: [1, 2, 3],
      isr: [1],
      removingReplicas: [],
      addingReplicas: [],
      leader: 1,
      leaderEpoch: 0,
      partitionEpoch: 0,
      directories: [ONE, UNASSIGNED_DIRECTORY],
    },
  };
  const image = imageOf(topic("chat", CHAT), replicated);
  const records = decideDirectoryAssignments(
    2,
    [{ topicId: CHAT, partition: 0, directoryId: TWO }],
    image,
  );
  assertEquals(records[0]!.value, {
    partitionId: 0,
    topicId: CHAT,
    directories: [ONE, TWO, ZERO_UUID],
  });
});

test("decideOnlineDirectories() reports the remaining directories once", () => {
  const image = imageOf(broker(1, { logDirs: [ONE, TWO] }));
  assertEquals(decideOnlineDirectories(1, [ONE, TWO], image), []);
  assertEquals(decideOnlineDirectories(9, [ONE], image), []);
  // An empty list would mean no change.
  assertEquals(decideOnlineDirectories(1, [], image), []);
  const records = decideOnlineDirectories(1, [TWO], image);
  const [record] = decoded(...records);
  assertEquals(record!.name, "BrokerRegistrationChangeRecord");
  const after = imageOf(broker(1, { logDirs: [ONE, TWO] }), ...records);
  assertEquals([after.broker(1)!.logDirs, after.broker(1)!.fenced], [[TWO], false]);
});

test("new partitions have no directory if the broker has several", () => {
  for (
    const [logDirs, directory] of [
      [[], ZERO_UUID],
      [[ONE], ONE],
      [[ONE, TWO], UNASSIGNED_DIRECTORY],
    ] as const
  ) {
    const image = imageOf(
      broker(1, { logDirs: [...logDirs] }),
      topic("chat", CHAT),
      partition(CHAT, 0),
    );
    const { records } = decideCreatePartitions([{ name: "chat", count: 2 }], {
      image,
      below: () => 0,
    });
    const [record] = decoded(...records);
    assertEquals(record!.name === "PartitionRecord" && record.value.directories, [directory]);
  }
});
