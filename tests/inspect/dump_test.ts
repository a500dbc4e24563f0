import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { dumpLogFile, type DumpOptions } from "../../src/inspect/dump.ts";
import { encodeTimeIndex } from "../../src/log/segments/index_format.ts";
import { Int64Array } from "../../src/log/segments/int64_array.ts";
import { MAX_INT64, MIN_INT64 } from "../../src/protocol/int64.ts";
import { encodeBatch } from "../../src/protocol/records/batch.ts";
import { KafkaError } from "../../src/protocol/errors.ts";
import { FileError, type Runtime } from "../../src/runtime/runtime.ts";
import { test } from "../harness.ts";
import { KAFKA_DUMP, KAFKA_METADATA_DUMP } from "./fixtures/kafka_4_3.ts";
import { kafkaBytes, kafkaDirectory, writeFile } from "./fixture.ts";

const FIRST = "/data/orders-0/00000000000000000000";

/** Returns the printed lines, without the directory that Kafka's tool did not see, and the problems. */
async function dump(
  runtime: Runtime,
  paths: readonly string[],
  options: DumpOptions = {},
): Promise<{ lines: string[]; problems: string[] }> {
  const lines: string[] = [];
  const problems: string[] = [];
  for (const path of paths) {
    const printed = dumpLogFile(path, {
      ...options,
      runtime,
      onProblem: (line) => void problems.push(line),
    });
    for await (const line of printed) lines.push(line.replaceAll("/data/", ""));
  }
  return { lines, problems };
}

test("dumpLogFile() prints every file of a partition as Apache Kafka's tool does", async () => {
  const { files, runtime } = kafkaDirectory();
  const paths = files.list("/data/orders-0").map(({ name }) => `/data/orders-0/${name}`)
    .filter((path) => /\.(log|index|timeindex|snapshot|txnindex)$/.test(path)).sort();
  const { lines, problems } = await dump(runtime, paths, { printData: true });
  assertEquals(lines, [...KAFKA_DUMP]);
  assertEquals(problems, []);
});

test("dumpLogFile() prints records of the metadata log as Apache Kafka's tool does", async () => {
  const { runtime } = kafkaDirectory();
  const log = "/data/__cluster_metadata-0/00000000000000000000.log";
  const decoded = await dump(runtime, [log, "/data/bootstrap.checkpoint"], {
    decoder: "cluster-metadata",
  });
  assertEquals(decoded.lines, [...KAFKA_METADATA_DUMP]);
  // A log with this name needs no flag.
  const { lines } = await dump(runtime, [log], { printData: true });
  assertEquals(lines, KAFKA_METADATA_DUMP.slice(0, lines.length));
});

test("dumpLogFile() prints only batches without deep, only keys and values with skipRecordMetadata", async () => {
  const { runtime } = kafkaDirectory();
  const shallow = await dump(runtime, [`${FIRST}.log`]);
  assertEquals(shallow.lines.length, 5);
  const { lines } = await dump(runtime, [`${FIRST}.log`], {
    printData: true,
    skipRecordMetadata: true,
  });
  assertEquals(lines.filter((line) => line.startsWith("|")).slice(0, 3), [
    "| key: a payload: first",
    "| payload: ",
    "| key: t payload: two, aborted",
  ]);
  const controls = await dump(runtime, ["/data/orders-0/00000000000000000011.log"], {
    decoder: "offsets",
    skipRecordMetadata: true,
  });
  assertEquals(controls.lines.filter((line) => line === "").length, 3);
});

test("dumpLogFile() ends before the batch that exceeds maxBytes", async () => {
  const { runtime } = kafkaDirectory();
  const { lines, problems } = await dump(runtime, [`${FIRST}.log`], { maxBytes: 161 });
  assertEquals(lines.length, 3);
  assertEquals(problems, []);
});

test("dumpLogFile() does not print an index that is only checked", async () => {
  const { runtime } = kafkaDirectory();
  const paths = [`${FIRST}.index`, `${FIRST}.timeindex`];
  const checked = await dump(runtime, paths, { verifyIndexOnly: true });
  assertEquals(checked.lines, paths.map((path) => `Dumping ${path.replace("/data/", "")}`));
  const sane = await dump(runtime, paths, { indexSanityCheck: true });
  assertEquals(
    sane.lines.filter((line) => line.includes("passed")),
    paths.map((path) => `${path.replace("/data/", "")} passed sanity check.`),
  );
});

test("dumpLogFile() reports an index that does not match its log", async () => {
  const { files, runtime } = kafkaDirectory();
  const index = kafkaBytes("orders-0/00000000000000000000.index").slice();
  index[3] = 1;
  writeFile(files, `${FIRST}.index`, index);
  const offsets = await dump(runtime, [`${FIRST}.index`]);
  assertEquals(offsets.problems, [
    `Mismatches in :${FIRST}.index`,
    "  Index offset: 1, log offset: 2",
  ]);
  const times = kafkaBytes("orders-0/00000000000000000000.timeindex").slice();
  times[7]! += 1;
  times[23]! -= 1;
  writeFile(files, `${FIRST}.timeindex`, times);
  const { problems } = await dump(runtime, [`${FIRST}.timeindex`]);
  assertEquals(problems, [
    `Found timestamp mismatch in :${FIRST}.timeindex`,
    "  Index timestamp: 1700000000015, log timestamp: 1700000000014",
    "The following indexed offsets are not found in the log.",
    "Indexed offset: 4, found log offset: 5",
  ]);
});

test("dumpLogFile() prints a damaged batch as invalid, and continues after it", async () => {
  const { files, runtime } = kafkaDirectory();
  const log = kafkaBytes("orders-0/00000000000000000000.log").slice();
  log[75]! ^= 1;
  writeFile(files, `${FIRST}.log`, log);
  const { lines } = await dump(runtime, [`${FIRST}.log`]);
  assertEquals(lines.map((line) => / isvalid: (\w+)/.exec(line)?.[1]), [
    undefined,
    undefined,
    "false",
    "true",
    "true",
  ]);
});

test("dumpLogFile() reports the position of a torn tail", async () => {
  const { files, runtime } = kafkaDirectory();
  const log = kafkaBytes("orders-0/00000000000000000000.log");
  writeFile(files, `${FIRST}.log`, log.subarray(0, log.length - 1));
  const { lines, problems } = await dump(runtime, [`${FIRST}.log`]);
  assertEquals(
    lines.at(-1),
    "Found 131 invalid bytes at the end of 00000000000000000000.log",
  );
  assertEquals(problems, [
    `No batch begins at position 162 of ${FIRST}.log: it takes 132 bytes but only 131 are left`,
  ]);
});

test("dumpLogFile() reports missing offsets", async () => {
  const { files, runtime } = kafkaDirectory();
  const batches = [0, 5].map((baseOffset) =>
    encodeBatch([{ value: null, timestamp: 1 }], { baseOffset })
  );
  const log = new Uint8Array(batches[0]!.length * 2);
  log.set(batches[0]!);
  log.set(batches[1]!, batches[0]!.length);
  writeFile(files, `${FIRST}.log`, log);
  const { problems } = await dump(runtime, [`${FIRST}.log`], { deep: true });
  assertEquals(problems, [`Non-consecutive offsets in ${FIRST}.log`, "  0 is followed by 5"]);
});

test("dumpLogFile() rejects other files, a missing file and a damaged snapshot", async () => {
  const { files, runtime } = kafkaDirectory();
  await assertRejects(
    () => dump(runtime, ["/data/meta.properties"]),
    FileError,
    "Cannot dump /data/meta.properties: it is none of .log",
  );
  await assertRejects(() => dump(runtime, ["/data/orders-0/7.log"]), FileError);
  writeFile(files, "/data/orders-0/x.log", new Uint8Array(0));
  await assertRejects(
    () => dump(runtime, ["/data/orders-0/x.log"]),
    FileError,
    "its name must begin with the base offset",
  );
  writeFile(files, "/data/orders-0/00000000000000000005.snapshot", new Uint8Array(12));
  const error = await assertRejects(
    () => dump(runtime, ["/data/orders-0/00000000000000000005.snapshot"]),
    KafkaError,
  );
  assertStringIncludes(error.message, "00000000000000000005.snapshot: its version is 0");
});

test("dumpLogFile() throws for no flipped byte of a log", async () => {
  const { files, runtime } = kafkaDirectory();
  const log = kafkaBytes("orders-0/00000000000000000011.log");
  const path = "/data/orders-0/00000000000000000011.log";
  for (let at = 0; at < log.length; at++) {
    const garbled = log.slice();
    garbled[at]! ^= 0xff;
    writeFile(files, path, garbled);
    const { lines } = await dump(runtime, [path], { printData: true });
    assertEquals(lines[1], "Log starting offset: 11");
  }
});

test("dumpLogFile() prints timestamps and producer ids beyond 2^53 exactly", async () => {
  const { runtime } = kafkaDirectory();
  const nanoseconds = 1_700_000_000_000_000_001n;
  const batch = encodeBatch(
    [{ timestamp: nanoseconds }, { timestamp: MIN_INT64 }, { timestamp: MAX_INT64 }],
    { baseOffset: 777, producerId: MAX_INT64, producerEpoch: 0, baseSequence: 0 },
  );
  const timestamps = Int64Array.of(MAX_INT64);
  const index = encodeTimeIndex({ length: 1, timestamps, relativeOffsets: Uint32Array.of(2) });
  const path = "/data/orders-0/00000000000000000777";
  writeFile(runtime.files, `${path}.log`, batch);
  writeFile(runtime.files, `${path}.timeindex`, index);
  const { lines } = await dump(runtime, [`${path}.log`, `${path}.timeindex`], { deep: true });
  assertStringIncludes(lines.join("\n"), `producerId: ${MAX_INT64} `);
  assertStringIncludes(lines.join("\n"), `CreateTime: ${MAX_INT64} size: `);
  for (const timestamp of [nanoseconds, MIN_INT64, MAX_INT64]) {
    assertStringIncludes(lines.join("\n"), `CreateTime: ${timestamp} keySize: -1`);
  }
  assertEquals(lines.at(-1), `timestamp: ${MAX_INT64} offset: 779`);
});
