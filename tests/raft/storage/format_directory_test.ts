/** Formatted directories: those of Apache Kafka, and our own. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { DataDirectory } from "../../../src/log/directory/data_directory.ts";
import { DEFAULT_LOG_CONFIG } from "../../../src/log/log_config.ts";
import { decodeBatch } from "../../../src/protocol/records/batch.ts";
import { METADATA_TOPIC_ID } from "../../../src/protocol/uuid.ts";
import { openBootstrapCheckpoint } from "../../../src/raft/storage/bootstrap_checkpoint.ts";
import {
  formatDirectory,
  type FormatOptions,
  formattedWith,
} from "../../../src/raft/storage/format_directory.ts";
import { RaftLog } from "../../../src/raft/storage/raft_log.ts";
import { type OpenSnapshot, SnapshotFiles } from "../../../src/raft/storage/snapshot_files.ts";
import {
  BOOTSTRAP_SNAPSHOT_ID,
  snapshotFileName,
} from "../../../src/raft/storage/snapshot_names.ts";
import type { SnapshotHeader } from "../../../src/raft/storage/snapshot_writer.ts";
import { MemoryFileSystem } from "../../../src/runtime/memory_files.ts";
import type { FileSystem } from "../../../src/runtime/runtime.ts";
import { Simulation } from "../../../src/simulator/simulation.ts";
import { FailingFiles, Machine, refusal, refusalOf } from "../../log/fixture.ts";
import { seedCount, test } from "../../harness.ts";
import { DIRECTORY, KAFKA_HEADER, KAFKA_SNAPSHOT, readFile, writeFile } from "./fixture.ts";

const CLUSTER = "MkU3OEVBNTcwNTJENDM2Qk";
const OWN_DIRECTORY = KAFKA_HEADER.voters![0]!.directoryId;
const RECORDS = [Uint8Array.of(1, 2, 3), Uint8Array.of(4)];
const BOOTSTRAP_PATH = `${DIRECTORY}/${snapshotFileName(BOOTSTRAP_SNAPSHOT_ID)}`;
/** As `kafka-storage format` writes it. */
const KAFKA_PROPERTIES = `#
#Mon Nov 30 18:14:20 UTC 2026
node.id=1
directory.id=${OWN_DIRECTORY}
version=1
cluster.id=${CLUSTER}
`;

function optionsFor(files: FileSystem, more: Partial<FormatOptions> = {}): FormatOptions {
  return {
    files,
    directory: "/data",
    clusterId: CLUSTER,
    nodeId: 1,
    directoryId: OWN_DIRECTORY,
    bootstrap: { kraftVersion: 1, voters: KAFKA_HEADER.voters, records: RECORDS },
    nowMs: 7,
    ...more,
  };
}

function contentOf({ reader, close }: OpenSnapshot): [SnapshotHeader, Uint8Array[]] {
  const values: Uint8Array[] = [];
  for (let batch = reader.next(); batch !== null; batch = reader.next()) {
    values.push(...decodeBatch(batch).records.map(({ value }) => value!.slice()));
  }
  close();
  return [reader.header, values];
}

async function bootstrapOf(files: FileSystem): Promise<[SnapshotHeader, Uint8Array[]]> {
  return contentOf((await SnapshotFiles.open(files, DIRECTORY)).read(BOOTSTRAP_SNAPSHOT_ID));
}

test("formatDirectory() writes meta.properties and the bootstrap snapshot", async () => {
  const files = new MemoryFileSystem();
  assertEquals(formattedWith(files, "/data"), null);
  await formatDirectory(optionsFor(files));
  assertEquals(formattedWith(files, "/data"), {
    clusterId: CLUSTER,
    nodeId: 1,
    directoryId: OWN_DIRECTORY,
  });
  assertEquals(await bootstrapOf(files), [
    { ...KAFKA_HEADER, lastContainedLogTimestamp: 7 },
    RECORDS,
  ]);
  const names = files.list("/data").map(({ name }) => name).sort();
  assertEquals(names, [".lock", "__cluster_metadata-0", "meta.properties"]);
  assertEquals(files.openFiles, 0);
});

test("formatDirectory() writes what each kind of node needs", async () => {
  for (const [kraftVersion, voters] of [[0, null], [1, null]] as const) {
    const files = new MemoryFileSystem();
    await formatDirectory(
      optionsFor(files, { bootstrap: { kraftVersion, voters, records: RECORDS } }),
    );
    const header = { lastContainedLogTimestamp: 7, kraftVersion, voters };
    assertEquals(await bootstrapOf(files), [header, RECORDS]);
  }
  const broker = new MemoryFileSystem();
  await formatDirectory(optionsFor(broker, { bootstrap: null }));
  assertEquals(broker.exists(DIRECTORY), false);
});

test("formatDirectory() refuses directories that are formatted or in use, and wrong voters", async () => {
  const files = new MemoryFileSystem();
  await formatDirectory(optionsFor(files));
  const again = await refusalOf(formatDirectory(optionsFor(files, { nodeId: 2, bootstrap: null })));
  assertEquals(again.name, "KAFKA_STORAGE_ERROR");
  assertEquals(
    again.message,
    `Cannot format /data: it is formatted for node 1 of cluster "${CLUSTER}"; name another ` +
      "directory, or remove it first",
  );
  const other = new MemoryFileSystem();
  other.makeDirectory("/data/events-0");
  const { message } = await refusalOf(formatDirectory(optionsFor(other)));
  assertStringIncludes(message, "it holds events-0 and no meta.properties");
  const used = new MemoryFileSystem();
  used.makeDirectory(DIRECTORY);
  writeFile(used, `${DIRECTORY}/00000000000000000000.log`, KAFKA_SNAPSHOT);
  const holds = await refusalOf(formatDirectory(optionsFor(used)));
  assertStringIncludes(holds.message, "it holds __cluster_metadata-0 and no meta.properties");
  const lock = new MemoryFileSystem();
  lock.makeDirectory("/data");
  const held = lock.tryLock("/data/.lock")!;
  const inUse = await refusalOf(formatDirectory(optionsFor(lock)));
  assertStringIncludes(inUse.message, "another process has it open");
  held.release();
  const wrong = await refusalOf(
    formatDirectory(optionsFor(lock, { directoryId: CLUSTER })),
  );
  assertEquals(wrong.name, "INVALID_CONFIG");
  assertStringIncludes(wrong.message, `name the directory id ${OWN_DIRECTORY} for node 1`);
});

test("formatDirectory() on a disk that fails rejects, and can be repeated", async () => {
  const memory = new MemoryFileSystem();
  const files = new FailingFiles(memory);
  for (
    const [failsAt, operation] of [
      [".checkpoint", "write"],
      [".checkpoint", "sync"],
      ["meta.properties", "write"],
      ["meta.properties", "sync"],
    ] as const
  ) {
    memory.remove("/data/meta.properties");
    files.failsAt = failsAt;
    files.failing.add(operation);
    const { name } = await refusalOf(formatDirectory(optionsFor(files)));
    assertEquals(name, "KAFKA_STORAGE_ERROR");
    files.failing.clear();
  }
  memory.remove("/data/meta.properties");
  await formatDirectory(optionsFor(files));
  assertEquals((await bootstrapOf(memory))[1], RECORDS);
});

const SEEDS = seedCount(30, 300);

test(`an interrupted format can be repeated, and a finished one is durable, over ${SEEDS} seeds`, async () => {
  for (let seed = 0; seed < SEEDS; seed++) {
    const simulation = new Simulation(seed);
    let { files } = simulation.runtime("alpha");
    formatDirectory(optionsFor(files)).catch(() => {});
    await simulation.run(simulation.nowMs + simulation.random.below(6));
    if (simulation.random.below(3) === 0) simulation.kill("alpha");
    else simulation.crash("alpha", "random");
    files = simulation.restart("alpha").files;
    if (formattedWith(files, "/data") === null) {
      await simulation.run(formatDirectory(optionsFor(files)));
      simulation.crash("alpha", "random");
      files = simulation.restart("alpha").files;
    }
    assertEquals(formattedWith(files, "/data")?.nodeId, 1, `seed ${seed}`);
    assertEquals((await simulation.run(bootstrapOf(files)))[1], RECORDS, `seed ${seed}`);
  }
});

test("a node starts on a directory that Apache Kafka has formatted, and on our own", async () => {
  for (const formatter of ["Kafka", "Millrace"]) {
    const machine = new Machine();
    const { runtime } = machine;
    const { files } = runtime;
    if (formatter === "Millrace") await formatDirectory(optionsFor(files));
    else {
      files.makeDirectory(DIRECTORY);
      writeFile(files, "/data/meta.properties", new TextEncoder().encode(KAFKA_PROPERTIES));
      writeFile(files, BOOTSTRAP_PATH, KAFKA_SNAPSHOT);
    }
    const before = readFile(files, BOOTSTRAP_PATH);
    const directory = DataDirectory.open({
      runtime,
      directory: "/data",
      nodeId: 1,
      clusterId: CLUSTER,
    });
    assertEquals(directory.directoryId, OWN_DIRECTORY);
    const log = directory.create("__cluster_metadata", 0, METADATA_TOPIC_ID, DEFAULT_LOG_CONFIG);
    const snapshots = await SnapshotFiles.open(files, DIRECTORY);
    assertEquals(snapshots.latestOrBootstrap, BOOTSTRAP_SNAPSHOT_ID);
    const raftLog = await RaftLog.open({ log, snapshots });
    assertEquals(raftLog.outline(), { startOffset: 0, endOffset: 0, epochs: [], snapshots: [] });
    assertEquals(readFile(files, BOOTSTRAP_PATH), before);
    await directory.close();
  }
});

test("openBootstrapCheckpoint() reads the file of earlier releases of Apache Kafka", () => {
  const files = new MemoryFileSystem();
  files.makeDirectory("/data");
  assertEquals(openBootstrapCheckpoint(files, "/data"), null);
  writeFile(files, "/data/bootstrap.checkpoint", KAFKA_SNAPSHOT);
  const [header, values] = contentOf(openBootstrapCheckpoint(files, "/data")!);
  assertEquals([header, values.length], [KAFKA_HEADER, 6]);
  writeFile(files, "/data/bootstrap.checkpoint", KAFKA_SNAPSHOT.subarray(0, 100));
  const { name, message } = refusal(() => openBootstrapCheckpoint(files, "/data"));
  assertEquals(name, "KAFKA_STORAGE_ERROR");
  assertStringIncludes(message, "/data/bootstrap.checkpoint, at byte 0");
  assertEquals(files.openFiles, 0);
});
