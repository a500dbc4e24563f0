import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { describeDamage, type VerifySummary } from "../../src/inspect/findings.ts";
import { verifyDataDirectory } from "../../src/inspect/verify.ts";
import { encodeProducerSnapshot } from "../../src/log/producers/producer_snapshot_format.ts";
import { encodeAbortedTransaction } from "../../src/log/segments/transaction_index_format.ts";
import { encodeMetadataRecord } from "../../src/metadata/records/metadata_record.ts";
import { KafkaError } from "../../src/protocol/errors.ts";
import { encodeBatch } from "../../src/protocol/records/batch.ts";
import type { FileSystem } from "../../src/runtime/runtime.ts";
import { test } from "../harness.ts";
import { KAFKA_FILES } from "./fixtures/kafka_4_3.ts";
import { everything, kafkaBytes, kafkaDirectory, readFile, writeFile } from "./fixture.ts";

const encoder = new TextEncoder();
const ORDERS = "/data/orders-0";
const FIRST = `${ORDERS}/00000000000000000000`;
const SECOND = `${ORDERS}/00000000000000000006`;
const THIRD = `${ORDERS}/00000000000000000011`;
const LAST = `${ORDERS}/00000000000000000019`;

/** Verifies Kafka's directory after `change`. */
async function verify(
  change: (files: FileSystem) => void,
  deep: boolean = false,
): Promise<VerifySummary> {
  const { files, runtime } = kafkaDirectory();
  change(files);
  const before = everything(files);
  const summary = await verifyDataDirectory("/data/", { runtime, deep });
  assertEquals(everything(files), before);
  return summary;
}

/** Returns the descriptions of the damages. */
async function found(
  change: (files: FileSystem) => void,
  deep: boolean = false,
): Promise<string[]> {
  return (await verify(change, deep)).damages.map(describeDamage);
}

/** Overwrites the bytes at `at`. */
function patch(files: FileSystem, path: string, at: number, ...bytes: number[]): void {
  const file = files.open(path, "write");
  file.writeAt(Uint8Array.from(bytes), at);
  file.close();
}

function truncate(files: FileSystem, path: string, length: number): void {
  const file = files.open(path, "write");
  file.truncate(length);
  file.close();
}

function crash(files: FileSystem): void {
  files.remove("/data/.kafka_cleanshutdown");
}

test("verifyDataDirectory() finds no damage in a directory of Apache Kafka", async () => {
  for (const deep of [false, true]) {
    const { damages, partitions, segments, batches, bytes } = await verify(() => {}, deep);
    assertEquals(damages.map(describeDamage), []);
    assertEquals([partitions, segments, batches, bytes], [2, 5, 26, 3_708]);
  }
});

test("verifyDataDirectory() reports a damaged batch with file, byte and offset, and no other", async () => {
  const [damage, ...more] = await found((files) => patch(files, `${FIRST}.log`, 230, 0));
  assertEquals(more, []);
  assertStringIncludes(
    damage!,
    `${FIRST}.log at byte 162 (offset 3): the batch is damaged: its CRC-32C is stored as`,
  );
  assertStringIncludes(damage!, "restore the file from a backup or another replica");
});

test("verifyDataDirectory() reports a torn tail as truncation after a crash, otherwise as loss", async () => {
  const size = kafkaBytes("orders-0/00000000000000000019.log").length;
  const tear = (files: FileSystem) => truncate(files, `${LAST}.log`, size - 1);
  const place =
    `${LAST}.log at byte 73 (offset 20): no batch begins here: it takes 73 bytes but only 72 are left`;
  const points = (text: string) => (files: FileSystem) => {
    writeFile(files, "/data/recovery-point-offset-checkpoint", encoder.encode(text));
    writeFile(files, "/data/replication-offset-checkpoint", encoder.encode("0\n0\n"));
    files.remove(`${ORDERS}/00000000000000000021.snapshot`);
    tear(files);
  };
  const clean = await found(points("0\n1\norders 0 20\n"));
  assertEquals(clean, [`${place}; restore the file from a backup or another replica`]);
  const crashed = await found((files) => {
    points("0\n1\norders 0 20\n")(files);
    crash(files);
  });
  assertEquals(crashed, [
    `${place}; the next start truncates the log here, at the torn end of a write`,
  ]);
  const below = await found((files) => {
    points("0\n1\norders 0 21\n")(files);
    crash(files);
  });
  assertEquals(below.length, 2);
  assertStringIncludes(below[0]!, "restore the file from a backup or another replica");
  assertEquals(
    below[1],
    "/data/recovery-point-offset-checkpoint (offset 20): it has offset 21 for orders-0, which ends at 20: records that were on disk are missing; restore the partition's files from a backup or another replica",
  );
});

test("verifyDataDirectory() reports a missing segment at the next one", async () => {
  const damages = await found((files) => {
    for (const suffix of ["log", "index", "timeindex"]) files.remove(`${SECOND}.${suffix}`);
  });
  assertEquals(damages, [
    `${THIRD}.log at byte 0 (offset 6): the segment begins at offset 11, the previous one ends at 6; ` +
    "restore the missing or damaged file from a backup or another replica",
  ]);
});

test("verifyDataDirectory() accepts missing offsets in a compacted topic only", async () => {
  const cut = (files: FileSystem) => {
    const log = readFile(files, `${THIRD}.log`);
    writeFile(files, `${THIRD}.log`, Uint8Array.of(...log.subarray(0, 237), ...log.subarray(361)));
    for (const name of ["index", "timeindex"]) files.remove(`${THIRD}.${name}`);
  };
  const damages = await found(cut);
  assertEquals(damages.length, 1);
  assertStringIncludes(
    damages[0]!,
    `${THIRD}.log at byte 237 (offset 18): the offsets 14 to 17 are missing before it`,
  );
  const compacted = await found((files) => {
    const path = "/data/__cluster_metadata-0/00000000000000000000.log";
    const log = readFile(files, path);
    const value = encodeMetadataRecord({
      name: "ConfigRecord",
      value: { resourceType: 2, resourceName: "orders", name: "cleanup.policy", value: "compact" },
    });
    const options = { baseOffset: 39, partitionLeaderEpoch: 1 };
    const batch = encodeBatch([{ value, timestamp: 1 }], options);
    writeFile(files, path, Uint8Array.of(...log, ...batch));
    cut(files);
  });
  assertEquals(compacted, []);
});

test("verifyDataDirectory() reports each index entry that does not match the log", async () => {
  assertEquals(await found((files) => patch(files, `${FIRST}.index`, 3, 1)), [
    `${FIRST}.index at byte 0 (offset 1): the batch at byte 81 of the log ends at 2; ` +
    "remove the file, the next start rebuilds it",
  ]);
  assertEquals(await found((files) => patch(files, `${FIRST}.index`, 15, 163)), [
    `${FIRST}.index at byte 8 (offset 5): no batch begins at byte 163 of the log; ` +
    "remove the file, the next start rebuilds it",
  ]);
  assertEquals(await found((files) => patch(files, `${FIRST}.timeindex`, 7, 15)), [
    `${FIRST}.timeindex at byte 0 (offset 2): it has timestamp 1700000000015, the batch has 1700000000014; ` +
    "remove the file, the next start rebuilds it",
  ]);
  assertEquals(await found((files) => truncate(files, `${FIRST}.timeindex`, 23)), [
    `${FIRST}.timeindex: its size, 23 bytes, is not a multiple of 12, the size of an entry; ` +
    "remove the file, the next start rebuilds it",
  ]);
});

test("verifyDataDirectory() accepts missing and preallocated indexes", async () => {
  const damages = await found((files) => {
    for (const stem of [FIRST, SECOND, THIRD]) files.remove(`${stem}.index`);
    for (const stem of [FIRST, SECOND, THIRD]) files.remove(`${stem}.timeindex`);
    truncate(files, `${LAST}.index`, 4_096);
    truncate(files, `${LAST}.timeindex`, 4_092);
  });
  assertEquals(damages, []);
});

test("verifyDataDirectory() reports missing and extra entries of the transaction index", async () => {
  assertEquals(await found((files) => truncate(files, `${THIRD}.txnindex`, 34)), [
    `${THIRD}.txnindex (offset 18): it lacks the transaction of producer 0 that began at offset 13 ` +
    "and was aborted at 18; remove the file, the next start rebuilds it",
  ]);
  const extra = { producerId: 2, firstOffset: 14, lastOffset: 17, lastStableOffset: 17 };
  const damages = await found((files) => {
    const bytes = readFile(files, `${THIRD}.txnindex`);
    const [first, second] = [bytes.subarray(0, 34), bytes.subarray(34)];
    const entry = encodeAbortedTransaction(extra);
    writeFile(files, `${THIRD}.txnindex`, Uint8Array.of(...first, ...entry, ...second));
  });
  assertEquals(damages, [
    `${THIRD}.txnindex at byte 34 (offset 17): there is no abort marker of producer 2 at offset 17; ` +
    "remove the file, the next start rebuilds it",
  ]);
});

test("verifyDataDirectory() reports snapshots that are damaged or beyond the log", async () => {
  const damaged = await found((files) => patch(files, `${THIRD}.snapshot`, 20, 9));
  assertEquals(damaged.length, 1);
  assertStringIncludes(damaged[0]!, `Cannot read the producer snapshot ${THIRD}.snapshot`);
  const entry = {
    producerId: 4,
    producerEpoch: 0,
    lastSequence: 0,
    lastOffset: 25,
    offsetDelta: 0,
    lastTimestamp: 1,
    coordinatorEpoch: -1,
    currentTransactionStartOffset: -1,
  };
  const path = `${ORDERS}/00000000000000000024.snapshot`;
  const beyond = await found((files) => writeFile(files, path, encodeProducerSnapshot([entry])));
  assertEquals(beyond, [
    `${path} (offset 24): its offset is 24, the log ends at 21; remove the file, the next start rebuilds it`,
    `${path} (offset 25): its producer 4 has offset 25, but it covers only offsets below 24; ` +
    "remove the file, the next start rebuilds it",
  ]);
});

test("verifyDataDirectory() reports leader epochs that differ between file and log", async () => {
  const path = `${ORDERS}/leader-epoch-checkpoint`;
  const write = (text: string) => (files: FileSystem) =>
    writeFile(files, path, encoder.encode(text));
  assertEquals(await found(write("0\n2\n0 0\n1 30\n")), [
    `${path} (offset 30): epoch 1 begins at 30, the log ends at 21; ` +
    "remove the file, the next start rebuilds it",
  ]);
  assertEquals(
    await found(write("0\n1\n0 4\n")),
    [
      `${path} (offset 0): it has epoch 0 start at 4, but the log has a batch of it at offset 0; ` +
      "remove the file, the next start rebuilds it",
    ],
  );
  const garbled = await found(write("0\n7\n0 0\n"));
  assertEquals(garbled.length, 1);
  assertStringIncludes(garbled[0]!, "entries instead of");
  const fallen = await found((files) => patch(files, `${FIRST}.log`, 12, 0, 0, 0, 3));
  assertEquals(fallen.length > 1, true);
  assertStringIncludes(fallen[0]!, "its leader epoch is 0, that of an earlier batch is 3");
});

test("verifyDataDirectory() reports damaged files of the directory and an index without a log", async () => {
  const garble = async (name: string, text: string) => {
    const damages = await found((files) => writeFile(files, `/data/${name}`, encoder.encode(text)));
    assertEquals(damages.length, 1);
    assertStringIncludes(damages[0]!, `/data/${name}`);
    return damages[0]!;
  };
  await garble("meta.properties", "version=9\n");
  assertStringIncludes(await garble("meta.properties", ""), "it is missing or empty");
  await garble(".kafka_cleanshutdown", "{");
  await garble("recovery-point-offset-checkpoint", "0\n1\norders 0\n");
  await garble("log-start-offset-checkpoint", "0\n1\norders 0 99\n");
  await garble("replication-offset-checkpoint", "nonsense");
  await garble("cleaner-offset-checkpoint", "1\n0\n");
  await garble("orders-0/partition.metadata", "version: 5\n");
  assertStringIncludes(
    await garble("orders-0/00000000000000000003.index", ""),
    "its segment 00000000000000000003.log is missing",
  );
  assertStringIncludes(
    await garble("orders-0/00000000000000000000.log.swap", ""),
    "compaction was interrupted",
  );
});

test("verifyDataDirectory() finds every flipped byte of a log, its indexes and its snapshots", async () => {
  const paths = Object.keys(KAFKA_FILES)
    .filter((path) => /^orders-0\/.*(log|index|snapshot)$/.test(path));
  assert(paths.length > 10);
  for (const path of paths) {
    const { files, runtime } = kafkaDirectory();
    const bytes = kafkaBytes(path);
    for (let at = 0; at < bytes.length; at++) {
      patch(files, `/data/${path}`, at, bytes[at]! ^ 0x41);
      const { damages } = await verifyDataDirectory("/data", { runtime });
      assert(damages.length > 0, `byte ${at} of ${path}`);
      patch(files, `/data/${path}`, at, bytes[at]!);
    }
  }
});

test("verifyDataDirectory() rejects a directory in use and one that is not a data directory", async () => {
  const { files, runtime } = kafkaDirectory();
  const lock = files.tryLock("/data/.lock");
  await assertRejects(
    () => verifyDataDirectory("/data", { runtime }),
    KafkaError,
    "Cannot verify /data: another process has it open",
  );
  lock!.release();
  assertEquals((await verifyDataDirectory("/data", { runtime })).damages, []);
  await assertRejects(
    () => verifyDataDirectory(ORDERS, { runtime }),
    KafkaError,
    "it is not a data directory",
  );
  await assertRejects(() => verifyDataDirectory("/nowhere", { runtime }), KafkaError);
});
