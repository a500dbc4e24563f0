import { assertEquals } from "@std/assert";
import { decideOnlineDirectories, withDirectory } from "../../src/controller/directories.ts";
import { UNASSIGNED_DIRECTORY, ZERO_UUID } from "../../src/protocol/uuid.ts";
import { test } from "../harness.ts";
import { broker, CHAT, decoded, partition, topic } from "../metadata/fixture.ts";
import { decideCreatePartitions } from "./decisions.ts";
import { imageOf } from "./fixture.ts";

const ONE = "4aKkGA0ISBCOdhh3DvpjpQ";
const TWO = "2p8GUW6bSo6YcxPnGUQ0zw";

test("withDirectory() keeps the directories of other replicas", () => {
  const image = imageOf(topic("chat", CHAT), partition(CHAT, 0));
  const replicated = {
    ...image.topicByName("chat")!.partitions[0]!,
    replicas: [1, 2, 3],
    directories: [ONE, UNASSIGNED_DIRECTORY],
  };
  assertEquals(withDirectory(replicated, 2, TWO), [ONE, TWO, ZERO_UUID]);
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

test("decideOnlineDirectories() writes only what the metadata.version of the cluster has", () => {
  for (const [featureLevel, version] of [[30, 2], [32, 3]]) {
    const value = { name: "metadata.version", featureLevel: featureLevel! };
    const image = imageOf(
      { name: "FeatureLevelRecord", value },
      broker(1, { logDirs: [ONE, TWO] }),
    );
    const records = decideOnlineDirectories(1, [TWO], image);
    assertEquals(records.map((record) => record.version), [version]);
  }
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
