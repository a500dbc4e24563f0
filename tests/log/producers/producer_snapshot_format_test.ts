import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import {
  decodeProducerSnapshot,
  encodeProducerSnapshot,
  type ProducerSnapshotEntry,
} from "../../../src/log/producers/producer_snapshot_format.ts";
import { ErrorCode, KafkaError } from "../../../src/protocol/errors.ts";
import { MAX_INT64, MIN_INT64 } from "../../../src/protocol/int64.ts";
import { crc32c } from "../../../src/protocol/records/crc32c.ts";
import { ProtocolError } from "../../../src/protocol/wire.ts";
import { hexadecimal, kafkaBytes } from "../../inspect/fixture.ts";
import { test } from "../../harness.ts";

const PATH = "orders-0/00000000000000000011.snapshot";

const ENTRY: ProducerSnapshotEntry = {
  producerId: 2 ** 53 - 1,
  producerEpoch: 32_767,
  lastSequence: 2 ** 31 - 1,
  lastOffset: 2 ** 52,
  offsetDelta: 2 ** 31 - 1,
  lastTimestamp: 1_700_000_000_000,
  coordinatorEpoch: 3,
  currentTransactionStartOffset: 0,
};

test("a producer snapshot of Apache Kafka is decoded, and encoded to the same bytes", () => {
  const bytes = kafkaBytes(PATH);
  const entries = decodeProducerSnapshot(bytes, PATH);
  assertEquals(entries, [
    {
      producerId: 0,
      producerEpoch: 0,
      lastSequence: 2,
      lastOffset: 5,
      offsetDelta: 2,
      lastTimestamp: 1_700_000_000_035,
      coordinatorEpoch: -1,
      currentTransactionStartOffset: 3,
    },
    {
      producerId: 1,
      producerEpoch: 0,
      lastSequence: 0,
      lastOffset: 2,
      offsetDelta: 0,
      lastTimestamp: 1_700_000_000_014,
      coordinatorEpoch: -1,
      currentTransactionStartOffset: 2,
    },
    {
      producerId: 2,
      producerEpoch: 0,
      lastSequence: 4,
      lastOffset: 10,
      offsetDelta: 4,
      lastTimestamp: 1_700_000_000_070,
      coordinatorEpoch: -1,
      currentTransactionStartOffset: -1,
    },
  ]);
  assertEquals(hexadecimal(encodeProducerSnapshot(entries)), hexadecimal(bytes));
});

test("a snapshot without producers has ten bytes, like Kafka's", () => {
  const bytes = kafkaBytes("__cluster_metadata-0/00000000000000000039.snapshot");
  assertEquals(decodeProducerSnapshot(bytes, "x"), []);
  assertEquals(hexadecimal(encodeProducerSnapshot([])), hexadecimal(bytes));
});

test("producer ids and timestamps of any size are encoded and decoded without loss", () => {
  for (const value of [-1, -2, 2n ** 53n, 2n ** 53n + 1n, MAX_INT64, MIN_INT64]) {
    const entry = { ...ENTRY, producerId: value, lastTimestamp: value };
    assertEquals(decodeProducerSnapshot(encodeProducerSnapshot([entry]), "x"), [entry]);
  }
});

test("an offset beyond 2^53 is rejected", () => {
  // The last offset and the start of the open transaction, in the first entry.
  for (const at of [10 + 14, 10 + 38]) {
    const bytes = encodeProducerSnapshot([ENTRY]).slice();
    bytes[at] = 0x7f;
    new DataView(bytes.buffer).setInt32(2, crc32c(bytes.subarray(6)));
    assertThrows(() => decodeProducerSnapshot(bytes, "x"), KafkaError, "is beyond 2^53");
  }
});

test("the largest numbers are encoded, larger ones are rejected", () => {
  assertEquals(decodeProducerSnapshot(encodeProducerSnapshot([ENTRY]), "x"), [ENTRY]);
  assertThrows(
    () => encodeProducerSnapshot([{ ...ENTRY, producerEpoch: 32_768 }]),
    ProtocolError,
    "32768 cannot be written as int16",
  );
});

test("every flipped bit and every truncation is detected, and the error names the file", () => {
  const bytes = encodeProducerSnapshot([ENTRY]);
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    const flipped = bytes.slice();
    flipped[bit >> 3]! ^= 1 << (bit & 7);
    assertThrows(() => decodeProducerSnapshot(flipped, "/d/7.snapshot"), KafkaError);
  }
  for (let length = 0; length < bytes.length; length++) {
    const error = assertThrows(
      () => decodeProducerSnapshot(bytes.subarray(0, length), "/d/7.snapshot"),
      KafkaError,
    );
    assertEquals(error.code, ErrorCode.KAFKA_STORAGE_ERROR);
    assertStringIncludes(error.message, "Cannot read the producer snapshot /d/7.snapshot: it");
    assertStringIncludes(error.message, "remove it");
  }
});

test("an unknown version is named in the error", () => {
  const bytes = encodeProducerSnapshot([]).slice();
  bytes[1] = 2;
  assertThrows(
    () => decodeProducerSnapshot(bytes, "x"),
    KafkaError,
    "its version is 2, 1 is known",
  );
});
