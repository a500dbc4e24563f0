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

test("decodeMetadataRecord() returns the encoded record, with defaults for other fields", () => {
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

test("encodeMetadataRecord() writes the same bytes as Kafka", () => {
  const bytes = encodeMetadataRecord({ name: "TopicRecord", value: { name: "chat", topicId } });
  const id = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x42];
  assertEquals([...bytes], [1, 2, 0, 5, 99, 104, 97, 116, ...id, 0]);
});

test("metadataRecordTypes lists every type once, in order", () => {
  const numbers = metadataRecordTypes.map(({ type }) => type);
  assertEquals(numbers, [...new Set(numbers)].sort((a, b) => a - b));
});

test("decodeMetadataRecord() throws a ProtocolError with a reason for invalid records", () => {
  for (
    const [bytes, message] of [
      [[], "the data ends at 0"],
      [[0, 2, 0], "frame version 0: expected 1"],
      [[1, 6, 0], "unknown type 6"],
      [[1, 200, 1, 0], "unknown type 200"],
      [[1, 2, 1], "a TopicRecord of version 1: supported are 0 to 0"],
      [[1, 20, 0, 0, 9, 9], "A NoOpRecord has 2 trailing bytes"],
    ] as const
  ) {
    assertThrows(() => decodeMetadataRecord(Uint8Array.from(bytes)), ProtocolError, message);
  }
});
