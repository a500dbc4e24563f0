import { assertEquals, assertStringIncludes } from "@std/assert";
import {
  ABORTED_TRANSACTION_BYTES,
  decodeTransactionIndex,
  encodeAbortedTransaction,
} from "../../../src/log/segments/transaction_index_format.ts";
import { MAX_INT64 } from "../../../src/protocol/int64.ts";
import { hexadecimal, kafkaBytes } from "../../inspect/fixture.ts";
import { test } from "../../harness.ts";

const PATH = "orders-0/00000000000000000011.txnindex";

test("a .txnindex of Apache Kafka is decoded, and encoded to the same bytes", () => {
  const bytes = kafkaBytes(PATH);
  const { entries, problem } = decodeTransactionIndex(bytes);
  assertEquals(problem, null);
  assertEquals(
    entries,
    [
      { producerId: 1, firstOffset: 2, lastOffset: 12, lastStableOffset: 13 },
      { producerId: 0, firstOffset: 13, lastOffset: 18, lastStableOffset: 19 },
    ].map((entry, i) => ({ ...entry, lastStableOffset: entries[i]!.lastStableOffset })),
  );
  assertEquals(entries.map(encodeAbortedTransaction).map(hexadecimal).join(""), hexadecimal(bytes));
});

test("a torn last entry is reported, and the entries before it are returned", () => {
  const bytes = kafkaBytes(PATH);
  for (let length = ABORTED_TRANSACTION_BYTES + 1; length < bytes.length; length++) {
    const { entries, problem } = decodeTransactionIndex(bytes.subarray(0, length));
    assertEquals(entries.length, 1);
    assertStringIncludes(problem!, "are left at byte 34, an entry takes 34");
  }
  assertEquals(decodeTransactionIndex(new Uint8Array(0)), { entries: [], problem: null });
});

test("an unknown version and invalid entries are reported", () => {
  const transaction = { producerId: 7, firstOffset: 5, lastOffset: 9, lastStableOffset: 5 };
  const newer = encodeAbortedTransaction(transaction);
  newer[1] = 1;
  assertStringIncludes(decodeTransactionIndex(newer).problem!, "the version at byte 0 is 1");
  const backwards = encodeAbortedTransaction({ ...transaction, lastOffset: 4 });
  assertStringIncludes(decodeTransactionIndex(backwards).problem!, "from offset 5 to 4");
  const twice = new Uint8Array(68);
  twice.set(encodeAbortedTransaction(transaction));
  twice.set(encodeAbortedTransaction(transaction), 34);
  assertEquals(decodeTransactionIndex(twice).entries.length, 1);
  assertStringIncludes(decodeTransactionIndex(twice).problem!, "the entry at byte 34");
  const huge = encodeAbortedTransaction(transaction);
  // The last offset and the last stable offset follow the version, the producer id and the first
  // offset.
  for (const at of [18, 26]) {
    const damaged = huge.slice();
    damaged[at] = 0x7f;
    assertStringIncludes(decodeTransactionIndex(damaged).problem!, "beyond 2^53");
  }
});

test("a producer id of any size is encoded and decoded without loss", () => {
  for (const producerId of [0, 2n ** 53n, 2n ** 53n + 1n, MAX_INT64]) {
    const transaction = { producerId, firstOffset: 5, lastOffset: 9, lastStableOffset: 5 };
    const decoded = decodeTransactionIndex(encodeAbortedTransaction(transaction));
    assertEquals(decoded, { entries: [transaction], problem: null });
  }
});
