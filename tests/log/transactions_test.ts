import { assertEquals } from "@std/assert";
import type { PartitionLog } from "../../src/log/partition_log.ts";
import type { Int64 } from "../../src/protocol/int64.ts";
import { encodeBatch } from "../../src/protocol/records/batch.ts";
import {
  encodeControlRecordKey,
  encodeEndTransactionMarker,
} from "../../src/protocol/records/control_record.ts";
import { batchOf, Machine, START_MS } from "./fixture.ts";
import { test } from "../harness.ts";

const coordinator = { leaderEpoch: 0, origin: "coordinator" } as const;
const config = { segmentBytes: 500 };

function write(log: PartitionLog, producerId: Int64, baseSequence = 0): number {
  const batch = batchOf(1, { producerId, producerEpoch: 0, baseSequence, isTransactional: true });
  return log.append(batch, coordinator).baseOffset;
}

function end(log: PartitionLog, producerId: Int64, type: "commit" | "abort"): number {
  const marker = encodeBatch([{
    key: encodeControlRecordKey(type),
    value: encodeEndTransactionMarker(1),
    timestamp: START_MS,
  }], { producerId, producerEpoch: 0, isTransactional: true, isControl: true });
  return log.append(marker, coordinator).baseOffset;
}

function aborted(log: PartitionLog, from = 0, to = log.logEndOffset): Int64[][] {
  return log.abortedTransactions(from, to).map((transaction) => [
    transaction.producerId,
    transaction.firstOffset,
    transaction.lastOffset,
    transaction.lastStableOffset,
  ]);
}

test("PartitionLog.lastStableOffset is the start of the first transaction whose marker is not on all replicas", () => {
  const log = new Machine().open();
  assertEquals(log.lastStableOffset(0), 0);
  log.append(batchOf(3), { leaderEpoch: 0, origin: "client" });
  assertEquals(log.lastStableOffset(3), 3);
  write(log, 1);
  write(log, 2);
  assertEquals([log.lastStableOffset(5), log.lastStableOffset(2)], [3, 2]);
  const marker = end(log, 1, "commit");
  assertEquals(marker, 5);
  // The marker is not on every replica yet, so the transaction counts as open.
  assertEquals(log.lastStableOffset(5), 3);
  assertEquals(log.lastStableOffset(6), 4);
  end(log, 2, "abort");
  assertEquals([log.lastStableOffset(6), log.lastStableOffset(7)], [4, 7]);
  log.close();
});

test("aborted transactions are found across segments, after restarts and without index files", () => {
  const machine = new Machine();
  let log = machine.open(config);
  for (let i = 0; i < 8; i++) {
    write(log, i % 2, i >> 1);
    write(log, 2 + i % 2, i >> 1);
    end(log, i % 2, i % 2 === 0 ? "abort" : "commit");
    end(log, 2 + i % 2, "abort");
  }
  const all = aborted(log);
  assertEquals(all.length, 12);
  assertEquals(all[0], [0, 0, 2, 1]);
  assertEquals(all[1], [2, 1, 3, 4]);
  assertEquals(aborted(log, 4, 8), all.filter(([, first, last]) => last! >= 4 && first! < 8));
  const from = aborted(log, 17);
  let current = machine.kill();
  for (const damage of ["none", "garbled", "emptied"]) {
    const names = current.files.list("/data/events-0").map(({ name }) => name)
      .filter((name) => name.endsWith(".txnindex"));
    assertEquals(names.length > 2, true);
    if (damage === "garbled") {
      for (const name of names) current.write(name, current.read(name).map((byte) => byte ^ 1));
    }
    if (damage === "emptied") { for (const name of names) current.write(name, new Uint8Array(0)); }
    // After an unclean shutdown without known durable records, everything is read again.
    const recoveryPoint = damage === "emptied" ? 0 : 32;
    log = current.open(config, { recoveryPoint, wasShutDownCleanly: damage === "garbled" });
    assertEquals(aborted(log), all, damage);
    assertEquals(aborted(log, 17), from, damage);
    assertEquals(log.lastStableOffset(32), 32);
    current = current.kill();
  }
});

test("an open transaction is restored after a restart, and removed by a truncation of its records", async () => {
  const machine = new Machine();
  const log = machine.open();
  write(log, 1);
  end(log, 1, "abort");
  write(log, 1, 1);
  await log.flush();
  log.writeIndexes();
  log.close();
  const again = machine.kill().open({}, { wasShutDownCleanly: true, recoveryPoint: 3 });
  assertEquals(again.lastStableOffset(3), 2);
  assertEquals(again.activeProducers()[0]!.currentTransactionStartOffset, 2);
  await again.truncateTo(2);
  assertEquals([again.lastStableOffset(2), aborted(again).length], [2, 1]);
  await again.truncateTo(1);
  assertEquals([again.lastStableOffset(1), aborted(again).length], [0, 0]);
  again.close();
});

test("the last stable offset is not before the log start offset", () => {
  const log = new Machine().open();
  write(log, 1);
  log.append(batchOf(3, { producerId: 2, producerEpoch: 0, baseSequence: 0 }), coordinator);
  assertEquals(log.lastStableOffset(4), 0);
  log.deleteRecordsBefore(2);
  assertEquals([log.lastStableOffset(4), log.lastStableOffset(1)], [2, 1]);
  end(log, 1, "commit");
  assertEquals(log.lastStableOffset(5), 5);
  log.close();
});

test("abortedTransactions() includes those whose marker comes after that of a later transaction", () => {
  const log = new Machine().open();
  write(log, 1);
  write(log, 2);
  end(log, 2, "abort");
  end(log, 1, "abort");
  // Both have a record below 2. The marker of the first is written last.
  assertEquals(aborted(log, 0, 2), [[2, 1, 2, 0], [1, 0, 3, 4]]);
  assertEquals(aborted(log, 0, 1), [[1, 0, 3, 4]]);
});

test("transactions of producers whose ids differ only beyond 2^53 are distinguished", () => {
  const machine = new Machine();
  let log = machine.open();
  const [one, other] = [2n ** 60n, 2n ** 60n + 1n];
  write(log, one);
  write(log, other);
  assertEquals(log.lastStableOffset(2), 0);
  end(log, one, "abort");
  assertEquals(log.lastStableOffset(3), 1);
  end(log, other, "commit");
  assertEquals(log.lastStableOffset(4), 4);
  assertEquals(aborted(log), [[one, 0, 2, 1]]);
  log.writeIndexes();
  log.close();
  log = machine.open({}, { wasShutDownCleanly: true, recoveryPoint: 4 });
  assertEquals(aborted(log), [[one, 0, 2, 1]]);
  log.close();
});
