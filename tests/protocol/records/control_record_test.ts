import { assertEquals } from "@std/assert";
import { decodeBatch, encodeBatch } from "../../../src/protocol/records/batch.ts";
import * as control from "../../../src/protocol/records/control_record.ts";
import { test } from "../../harness.ts";
import { reasonOf } from "./record_helpers.ts";

test("control record keys encode Kafka's types", () => {
  const types = [
    "abort",
    "commit",
    "leader-change",
    "snapshot-header",
    "snapshot-footer",
    "kraft-version",
    "kraft-voters",
  ] as const;
  for (const [id, type] of types.entries()) {
    assertEquals(control.encodeControlRecordKey(type), Uint8Array.of(0, 0, 0, id));
    assertEquals(control.decodeControlRecordKey(Uint8Array.of(0, 0, 0, id)), type);
  }
  assertEquals(control.decodeControlRecordKey(Uint8Array.of(0, 0, 0, 7)), "unknown");
  assertEquals(control.decodeControlRecordKey(Uint8Array.of(0, 0, 0xff, 0xff)), "unknown");
  // A later version may append fields.
  assertEquals(control.decodeControlRecordKey(Uint8Array.of(0, 1, 0, 1, 9)), "commit");
});

test("control record keys that are too short or of a negative version are rejected", () => {
  for (const key of [null, new Uint8Array(0), new Uint8Array(3), Uint8Array.of(0xff, 0xff, 0, 1)]) {
    assertEquals(reasonOf(() => control.decodeControlRecordKey(key)), "invalid");
  }
});

test("transaction markers preserve the coordinator epoch in a control batch", () => {
  const bytes = encodeBatch([{
    key: control.encodeControlRecordKey("abort"),
    value: control.encodeEndTransactionMarker(70_000),
    timestamp: 5,
  }], { isControl: true, isTransactional: true, producerId: 3, producerEpoch: 1 });
  const batch = decodeBatch(bytes);
  assertEquals(batch.isControl, true);
  assertEquals(batch.isTransactional, true);
  const { key, value } = batch.records[0]!;
  assertEquals(control.decodeControlRecordKey(key), "abort");
  assertEquals(value, Uint8Array.of(0, 0, 0, 1, 0x11, 0x70));
  assertEquals(control.decodeEndTransactionMarker(value), 70_000);
  assertEquals(reasonOf(() => control.decodeEndTransactionMarker(new Uint8Array(5))), "invalid");
});
