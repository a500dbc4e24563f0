import { assertEquals } from "@std/assert";
import { TransactionReader } from "../../src/metadata/transaction_reader.ts";
import { test } from "../harness.ts";
import { config, decoded } from "./fixture.ts";

const [BEGIN, END, ABORT, RECORD] = decoded(
  { name: "BeginTransactionRecord", value: {} },
  { name: "EndTransactionRecord", value: {} },
  { name: "AbortTransactionRecord", value: {} },
  config(2, "events", "key", "value"),
);

test("read() returns records outside of transactions and those of transactions that end", () => {
  const reader = new TransactionReader();
  assertEquals(reader.read([RECORD!, BEGIN!, RECORD!, RECORD!]), [RECORD]);
  assertEquals([reader.isOpen, reader.read([RECORD!])], [true, []]);
  assertEquals(reader.read([END!, RECORD!]), [RECORD, RECORD, RECORD, RECORD]);
  assertEquals(reader.isOpen, false);
  assertEquals(reader.read([BEGIN!, RECORD!, ABORT!, RECORD!]), [RECORD]);
  assertEquals(reader.isOpen, false);
});

test("read() returns a transaction of any length", () => {
  const reader = new TransactionReader();
  reader.read([BEGIN!]);
  const batch = new Array(10_000).fill(RECORD!);
  for (let batches = 0; batches < 50; batches++) reader.read(batch);
  assertEquals(reader.read([END!]).length, 500_000);
});

test("clear() drops an open transaction", () => {
  const reader = new TransactionReader();
  reader.read([BEGIN!, RECORD!]);
  reader.clear();
  assertEquals([reader.isOpen, reader.read([RECORD!])], [false, [RECORD]]);
});
