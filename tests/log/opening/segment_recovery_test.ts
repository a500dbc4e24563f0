import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { LogConfig } from "../../../src/log/log_config.ts";
import type { AppendOptions, PartitionLog } from "../../../src/log/partition_log.ts";
import type { RecoveryReport } from "../../../src/log/opening/recovery_types.ts";
import { allBatches, batchOf, Machine, producedBatch, refusal } from "../fixture.ts";
import { test } from "../../harness.ts";
import { FilesOver } from "../files_over.ts";

const client: AppendOptions = { leaderEpoch: 0, origin: "client" };
const FIRST = "00000000000000000000.log";

/** Opens the log again after kill -9, and collects the repairs. */
function reopened(
  machine: Machine,
  config: Partial<LogConfig> = {},
  more: { wasShutDownCleanly?: boolean; logStartOffset?: number } = {},
): { machine: Machine; log: PartitionLog; reports: RecoveryReport[] } {
  const next = machine.kill();
  const reports: RecoveryReport[] = [];
  const log = next.open(config, { ...more, onRecovery: (report) => reports.push(report) });
  return { machine: next, log, reports };
}

test("a log is unchanged after kill -9", () => {
  const config = { segmentBytes: 500, indexIntervalBytes: 150 };
  const machine = new Machine();
  const log = machine.open(config);
  for (let i = 0; i < 30; i++) log.append(batchOf(1 + i % 4), { ...client, leaderEpoch: i >> 3 });
  const before = allBatches(log);
  const epochs = [0, 1, 2, 3, 4].map((epoch) => log.endOffsetForEpoch(epoch));
  const { log: again, reports } = reopened(machine, config);
  assertEquals(reports, []);
  assertEquals(allBatches(again), before);
  assertEquals(again.logEndOffset, log.logEndOffset);
  assertEquals(again.sizeInBytes, log.sizeInBytes);
  assertEquals(again.segmentCount, log.segmentCount);
  assertEquals([0, 1, 2, 3, 4].map((epoch) => again.endOffsetForEpoch(epoch)), epochs);
  assertEquals(again.append(batchOf(1), client).baseOffset, log.logEndOffset);
  again.close();
});

// Whatever part of the last batch is missing, zeroed or garbled, from any byte on, the log must end
// before it.
for (const how of ["missing", "zeroed", "garbled"] as const) {
  test(`a torn tail is truncated wherever the last batch's bytes are ${how}`, () => {
    const machine = new Machine();
    const log = machine.open();
    for (const sequence of [0, 2]) log.append(producedBatch(7, 0, sequence, 2), client);
    const end = log.sizeInBytes;
    log.append(producedBatch(7, 0, 4, 3), client);
    const whole = machine.read(FIRST).slice();
    log.close();
    for (let at = end; at < whole.length; at++) {
      const torn = how === "missing" ? whole.slice(0, at) : whole.slice();
      if (how === "zeroed") torn.fill(0, at);
      if (how === "garbled") { for (let i = at; i < torn.length; i++) torn[i]! ^= 0xa5; }
      // The last byte of this batch is zero in any case.
      const isWhole = torn.length === whole.length && torn.every((byte, i) => byte === whole[i]);
      const next = new Machine();
      next.files.makeDirectory("/data/events-0");
      next.write(FIRST, torn);
      const reports: RecoveryReport[] = [];
      const again = next.open({}, { onRecovery: (report) => reports.push(report) });
      const what = `byte ${at}`;
      // The leader epoch is not covered by the checksum: when garbled, it is another epoch.
      if (isWhole) {
        assertEquals(again.logEndOffset, 7, what);
        continue;
      }
      assertEquals(again.logEndOffset, 4, what);
      assertEquals(again.sizeInBytes, end, what);
      assertEquals(allBatches(again).map((batch) => batch.baseOffset), [0, 2], what);
      assertEquals(next.read(FIRST).length, end, what);
      if (torn.length > end) {
        assertEquals(reports.length, 1, what);
        assertEquals(reports[0]!.bytesCut, torn.length - end, what);
        assertEquals(reports[0]!.logEndOffset, 4, what);
        assertEquals(reports[0]!.file, `/data/events-0/${FIRST}`);
        assert(reports[0]!.reason.length > 0);
      } else assertEquals(reports, []);
      // The producer sends the lost batch again, and its restored state accepts it.
      assertEquals(again.append(producedBatch(7, 0, 4, 3), client).baseOffset, 4, what);
      again.close();
    }
  });
}

test("one garbled byte in the checked part of the last batch is detected", () => {
  const machine = new Machine();
  const log = machine.open();
  log.append(batchOf(2), client);
  const end = log.sizeInBytes;
  log.append(batchOf(2), client);
  log.close();
  const whole = machine.read(FIRST).slice();
  for (let at = end; at < whole.length; at++) {
    // Epoch and base offset are not covered by the checksum, but a smaller offset is still
    // detected.
    if (at < end + 8 || at >= end + 12 && at < end + 16) continue;
    const next = new Machine();
    next.files.makeDirectory("/data/events-0");
    next.write(FIRST, whole);
    const damaged = whole.slice();
    damaged[at]! ^= 0x10;
    next.write(FIRST, damaged);
    const again = next.open();
    assertEquals(again.logEndOffset, 2, `byte ${at}`);
    again.close();
  }
});

test("after a clean shutdown checksums are not verified", () => {
  const machine = new Machine();
  machine.open().append(batchOf(2), client);
  const next = machine.kill();
  const bytes = next.read(FIRST).slice();
  bytes[bytes.length - 3]! ^= 1;
  next.write(FIRST, bytes);
  const { log, reports } = reopened(next, {}, { wasShutDownCleanly: true });
  assertEquals([log.logEndOffset, reports.length], [2, 0]);
  log.close();
});

test("an empty segment at the log end stays the active one", () => {
  const machine = new Machine();
  const log = machine.open();
  log.append(batchOf(3), client);
  log.roll();
  const { log: again, reports } = reopened(machine);
  assertEquals([again.segmentCount, again.logEndOffset, reports.length], [2, 3, 0]);
  assertEquals(again.append(batchOf(1), client).baseOffset, 3);
  again.close();
});

test("a torn tail before an empty segment is truncated and the segment removed", () => {
  const machine = new Machine();
  const log = machine.open();
  log.append(batchOf(3), client);
  log.append(batchOf(3), client);
  log.roll();
  let next = machine.kill();
  next.write(FIRST, next.read(FIRST).slice(0, -1));
  const { machine: after, log: again, reports } = reopened(next);
  assertEquals(again.logEndOffset, 3);
  assertEquals(reports.map((report) => report.bytesCut > 0), [true, false]);
  assertEquals(after.segments(), [FIRST]);
  again.append(batchOf(1), client);
  next = after.kill();
  assertEquals(next.open().logEndOffset, 4);
  next.kill();
});

test("damage before the tail is rejected with file, offset and remedy", () => {
  const config = { segmentBytes: 400 };
  const made = () => {
    const machine = new Machine();
    const log = machine.open(config);
    for (let i = 0; i < 9; i++) log.append(batchOf(2), client);
    assert(log.segmentCount >= 3);
    const next = machine.kill();
    return { next, names: next.segments() };
  };
  const whole = made();
  const second = whole.next.read(whole.names[1]!);
  const table: [string, (bytes: Uint8Array) => Uint8Array][] = [
    ["cut short", (bytes) => bytes.slice(0, -1)],
    ["emptied", () => new Uint8Array(0)],
    ["zeroed", (bytes) => new Uint8Array(bytes.length)],
    ["a wrong length", (bytes) => bytes.with(11, 1)],
    ["a batch less", (bytes) => bytes.slice(0, bytes.length / 2)],
    ["more behind it", (bytes) => Uint8Array.from([...bytes, 1, 2, 3])],
  ];
  for (const [what, damage] of table) {
    const { next, names } = made();
    const bytes = damage(second.slice());
    next.write(names[1]!, bytes);
    const { name, message } = refusal(() => next.open(config));
    assertEquals(name, "KAFKA_STORAGE_ERROR", what);
    assertStringIncludes(message, "Cannot open events-0: ", what);
    assertStringIncludes(message, names[1]!, what);
    assertStringIncludes(message, "offset", what);
    assertStringIncludes(message, "bring the", what);
    // Nothing may be changed and no file left open.
    assertEquals(next.read(names[1]!), bytes, what);
    next.files.remove("/data/events-0");
  }
});

test("a missing segment is rejected, unless compaction may have left the gap", () => {
  const config = { segmentBytes: 400 };
  const machine = new Machine();
  const log = machine.open(config);
  for (let i = 0; i < 9; i++) log.append(batchOf(2), client);
  const next = machine.kill();
  next.files.remove(`/data/events-0/${next.segments()[1]!}`);
  assertStringIncludes(refusal(() => next.open(config)).message, "the next segment begins at");
  const compacted = { ...config, compact: true };
  const [, name] = next.segments();
  const { message } = refusal(() => next.open(compacted));
  assertStringIncludes(message, "00000000000000000006.log is missing");
  assertStringIncludes(message, "remove the other files of that number");
  assertEquals(name, "00000000000000000012.log");
  next.files.remove("/data/events-0/00000000000000000006.snapshot");
  const again = next.open(compacted);
  const offsets = allBatches(again).map((batch) => batch.baseOffset);
  assertEquals(again.logEndOffset, 18);
  assertEquals(offsets.length, 6);
  again.close();
});

test("data of a format before v2 are rejected, not truncated", () => {
  const machine = new Machine();
  machine.files.makeDirectory("/data/events-0");
  const old = new Uint8Array(100);
  new DataView(old.buffer).setInt32(8, 88);
  old[16] = 1;
  // The checksum of a message with 83 zeros.
  new DataView(old.buffer).setUint32(12, 0x2ecf4ab9);
  machine.write(FIRST, old);
  const { message } = refusal(() => machine.open());
  assertStringIncludes(message, "magic is 1");
  assertEquals(machine.read(FIRST).length, 100);
});

test("leader epochs are rebuilt when their file is missing, garbled or contradicts the log", () => {
  for (const text of [null, "", "garbage", "0\n1\n9 0\n", "0\n2\n0 0\n1 1\n"]) {
    const machine = new Machine();
    const log = machine.open();
    for (const leaderEpoch of [0, 0, 2, 5]) log.append(batchOf(2), { ...client, leaderEpoch });
    const next = machine.kill();
    if (text === null) next.files.remove("/data/events-0/leader-epoch-checkpoint");
    else {
      next.files.remove("/data/events-0/leader-epoch-checkpoint");
      const file = next.files.open("/data/events-0/leader-epoch-checkpoint", "create");
      file.writeAt(new TextEncoder().encode(text), 0);
      file.close();
    }
    const { log: again } = reopened(next);
    const ends = [0, 1, 2, 4, 5].map((epoch) => again.endOffsetForEpoch(epoch).endOffset);
    assertEquals(ends, [4, 4, 6, 6, 8], String(text));
    again.close();
  }
});

test("leader epochs of records in a torn tail are removed", () => {
  const machine = new Machine();
  const log = machine.open();
  log.append(batchOf(2), client);
  log.append(batchOf(2), { ...client, leaderEpoch: 3 });
  const next = machine.kill();
  next.write(FIRST, next.read(FIRST).slice(0, -1));
  const { log: again } = reopened(next);
  assertEquals(again.latestEpoch, 0);
  again.close();
});

test("deleted records do not reappear when the end of the log is lost", () => {
  const machine = new Machine();
  const log = machine.open();
  for (let i = 0; i < 4; i++) log.append(batchOf(2), client);
  log.deleteRecordsBefore(6);
  const next = machine.kill();
  next.write(FIRST, next.read(FIRST).slice(0, 100));
  const { machine: after, log: again } = reopened(next, {}, { logStartOffset: 6 });
  assertEquals([again.logStartOffset, again.logEndOffset], [6, 6]);
  assertEquals(after.segments(), ["00000000000000000006.log"]);
  assertEquals(again.append(batchOf(1), client).baseOffset, 6);
  again.close();
});

test("partition.metadata stores the topic id", () => {
  const topicId = "vwnYOrl8QJKJOWqndPArhA";
  const machine = new Machine();
  machine.open({}, { topicId }).close();
  assertEquals(
    new TextDecoder().decode(machine.read("partition.metadata")),
    `version: 0\ntopic_id: ${topicId}`,
  );
  const log = machine.open();
  assertEquals(log.topicId, topicId);
  log.close();
  const other = refusal(() => machine.open({}, { topicId: "4aKkGA0ISBCOdhh3DvpjpA" }));
  assertEquals(other.name, "INCONSISTENT_TOPIC_ID");
  const wrong = [
    "something else",
    `version: 1\ntopic_id: ${topicId}`,
    `version: 0\ntopic_id: ${topicId}x`,
  ];
  for (const text of wrong) {
    machine.write("partition.metadata", text);
    const { name, message } = refusal(() => machine.open());
    assertEquals(name, "KAFKA_STORAGE_ERROR", text);
    assertStringIncludes(message, "partition.metadata");
  }
  const whole = `version: 0\ntopic_id: ${topicId}`;
  for (let length = 1; length < whole.length; length++) {
    machine.write("partition.metadata", whole.slice(0, length));
    const torn = machine.open();
    assertEquals(torn.topicId, "AAAAAAAAAAAAAAAAAAAAAA", `${length}`);
    torn.close();
  }
  machine.write("partition.metadata", new Uint8Array(20));
  const bare = machine.open();
  bare.assignTopicId(topicId);
  bare.close();
  const again = machine.open();
  assertEquals(again.topicId, topicId);
  again.close();
});

test("a batch of an older leader epoch after a newer one is truncated after an unclean shutdown", () => {
  for (const [kept, lost] of [[3, 2], [9, 1]] as const) {
    const machine = new Machine();
    const log = machine.open();
    log.append(batchOf(2), { ...client, leaderEpoch: kept });
    log.append(batchOf(2), { ...client, leaderEpoch: kept });
    const size = log.sizeInBytes;
    // The offsets are contiguous: only the epoch shows that the truncation of this batch was lost.
    log.append(batchOf(2), { ...client, leaderEpoch: lost });
    const { log: again, reports } = reopened(machine);
    assertEquals([again.logEndOffset, again.sizeInBytes, again.latestEpoch], [4, size, kept]);
    assertEquals(reports.map(({ logEndOffset }) => logEndOffset), [4]);
    assertStringIncludes(reports[0]!.reason, `leader epoch ${lost}, batches of ${kept}`);
    again.close();
  }
});

test("batches of the same or a newer leader epoch are kept after an unclean shutdown", () => {
  const machine = new Machine();
  const log = machine.open();
  for (const leaderEpoch of [2, 2, 3, 3, 7]) log.append(batchOf(2), { ...client, leaderEpoch });
  const { log: again, reports } = reopened(machine);
  assertEquals([again.logEndOffset, again.latestEpoch, reports.length], [10, 7, 0]);
  again.close();
});

test("after a clean shutdown, a damaged one-record batch exactly at the recovery point is rejected", () => {
  for (const isDamaged of [false, true]) {
    const machine = new Machine();
    const log = machine.open();
    log.append(batchOf(2), client);
    log.append(batchOf(1), client);
    const next = machine.kill();
    const bytes = next.read(FIRST).slice();
    if (isDamaged) bytes[bytes.length - 3]! ^= 1;
    next.write(FIRST, bytes);
    const open = () => next.open({}, { wasShutDownCleanly: true, recoveryPoint: 2 });
    if (isDamaged) {
      const { name, message } = refusal(open);
      assertEquals(name, "KAFKA_STORAGE_ERROR");
      assertStringIncludes(message, "ends at offset 3, and the log ended at 2");
      continue;
    }
    const again = open();
    assertEquals(again.logEndOffset, 3);
    again.close();
  }
});

test("a first segment that lost its records in a power failure is kept, and later ones are removed", () => {
  const machine = new Machine();
  const config = { segmentBytes: batchOf(2).length };
  const log = machine.open(config);
  for (let batch = 0; batch < 3; batch++) log.append(batchOf(2), client);
  const next = machine.kill();
  next.write(FIRST, "");
  const removed = new RemovalsNoted(next.memory);
  next.files = removed;
  const reports: RecoveryReport[] = [];
  const again = next.open(config, {
    recoveryPoint: 0,
    onRecovery: (report) => reports.push(report),
  });
  assertEquals([again.logStartOffset, again.logEndOffset, again.segmentCount], [0, 0, 1]);
  assertEquals(reports.map(({ file }) => file.slice(-FIRST.length)), [
    "00000000000000000002.log",
    "00000000000000000004.log",
  ]);
  // A power failure may undo one removal and not another: without its `.log`, the `.index` of the
  // first segment would look as if the `.log` had been removed by hand.
  assert(!removed.names.includes(FIRST), `${FIRST} was removed`);
  again.close();
});

/** Records the names of removed files. */
class RemovalsNoted extends FilesOver {
  readonly names: string[] = [];

  open(...args: Parameters<FilesOver["open"]>): ReturnType<FilesOver["open"]> {
    return this.files.open(...args);
  }

  override remove(path: string): void {
    this.names.push(path.slice(path.lastIndexOf("/") + 1));
    super.remove(path);
  }
}
