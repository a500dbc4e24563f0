import { assertEquals } from "@std/assert";
import { OpenTransactions } from "../../../src/log/producers/open_transactions.ts";
import { test } from "../../harness.ts";

test("lastStableOffset() treats a transaction as open until its marker is below the high watermark", () => {
  const transactions = new OpenTransactions();
  transactions.begin(1, 0);
  transactions.begin(2, 1);
  assertEquals(transactions.end(1, 4), 1);
  assertEquals(transactions.end(2, 6), 7);
  assertEquals(transactions.lastStableOffset(4), 0);
  // The first marker is now below the high watermark, the second exactly at it.
  assertEquals(transactions.lastStableOffset(6), 1);
  assertEquals(transactions.lastStableOffset(6), 1);
  assertEquals(transactions.lastStableOffset(7), 7);
  assertEquals(transactions.lastStableOffset(6), 6);
});

test("end() returns the last stable offset after the marker", () => {
  const transactions = new OpenTransactions();
  transactions.begin(1, 3);
  transactions.begin(2, 5);
  assertEquals(transactions.end(2, 8), 3);
  assertEquals(transactions.end(1, 9), 10);
  // A marker without a transaction has no effect.
  assertEquals(transactions.end(7, 12), 13);
  assertEquals(transactions.lastStableOffset(20), 20);
});
