import { assertEquals, assertThrows } from "@std/assert";
import {
  decodeMetadataRecord,
  encodeMetadataRecord,
  type MetadataRecord,
  metadataRecordTypes,
} from "../../../src/metadata/records/metadata_record.ts";
import { ProtocolError } from "../../../src/protocol/wire.ts";
import { test } from "../../harness.ts";

const topicId = "AAAAAAAAAAAAAAAAAAAAQg";

test("a metadata record comes back as it was written, with defaults for the rest", () => {
  const replicas = { replicas: [1, 2], isr: [1], removingReplicas: [], addingReplicas: [] };
  const bytes = encodeMetadataRecord({
    name: "PartitionRecord",
    value: { partitionId: 1, topicId, leader: 1, ...replicas },
  });
  assertEquals([...bytes.slice(0, 3)], [1, 3, 2]);
  const record: MetadataRecord = decodeMetadataRecord(bytes);
  assertEquals(record.name, "PartitionRecord");
  assertEquals(record.version, 2);
  if (record.name !== "PartitionRecord") throw new Error("narrowing failed");
  assertEquals(record.value.isr, [1]);
  assertEquals(record.value.leaderEpoch, -1);
  assertEquals(record.value.eligibleLeaderReplicas, null);
});

test("a record's bytes are those that Kafka writes", () => {
  const bytes = encodeMetadataRecord({ name: "TopicRecord", value: { name: "chat", topicId } });
  const id = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x42];
  assertEquals([...bytes], [1, 2, 0, 5, 99, 104, 97, 116, ...id, 0]);
});

test("every type is in the list once, in order", () => {
  const numbers = metadataRecordTypes.map(({ type }) => type);
  assertEquals(numbers, [...new Set(numbers)].sort((a, b) => a - b));
});

test("what cannot be a metadata record is a ProtocolError that says why", () => {
  for (
    const [bytes, message] of [
      [[], "the data ends at 0"],
      [[0, 2, 0], "frame version 0: only 1 is known"],
      [[1, 6, 0], "its type 6 is not known"],
      [[1, 200, 1, 0], "its type 200 is not known"],
      [[1, 2, 1], "a TopicRecord of version 1: versions 0 to 0 are known"],
      [[1, 20, 0, 0, 9, 9], "A NoOpRecord has 2 bytes too many"],
    ] as const
  ) {
    assertThrows(() => decodeMetadataRecord(Uint8Array.from(bytes)), ProtocolError, message);
  }
});
