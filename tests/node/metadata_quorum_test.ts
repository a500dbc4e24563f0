import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { BrokerConfig } from "../../src/config/broker_config.ts";
import { OpenSegments } from "../../src/log/segments/open_segments.ts";
import type { MetadataImage } from "../../src/metadata/image.ts";
import type { MetadataState } from "../../src/metadata/metadata_state.ts";
import { CapturedState } from "../../src/metadata/snapshot_records.ts";
import type { MetadataQuorum } from "../../src/node/metadata_quorum.ts";
import { openQuorum } from "../../src/node/open_quorum.ts";
import { openStorage, type Storage } from "../../src/node/storage.ts";
import { errorName, KafkaError } from "../../src/protocol/errors.ts";
import { encodeBatch } from "../../src/protocol/records/batch.ts";
import { RaftReplica } from "../../src/raft/raft_replica.ts";
import { PartitionTable } from "../../src/replication/partition_table.ts";
import { turnOfLoop } from "../../src/runtime/host_clock.ts";
import { hostRuntime } from "../../src/runtime/host.ts";
import { MemoryDisk, MemoryFileSystem } from "../../src/runtime/memory_files.ts";
import { FileError } from "../../src/runtime/runtime.ts";
import { uuidOf } from "../controller/fixture.ts";
import { test } from "../harness.ts";

/** A snapshot after every batch, and no record that is in one is kept. */
const SMALL = {
  "metadata.log.max.record.bytes.between.snapshots": "1",
  "metadata.max.retention.bytes": "0",
};

/** The only voter of a quorum, which leads it. */
interface Opened {
  readonly quorum: MetadataQuorum;
  readonly storage: Storage;
  readonly files: MemoryFileSystem;
  readonly messages: string[];
  /** The errors for which the node would end. */
  readonly failures: string[];
  close(): Promise<void>;
}

async function open(disk: MemoryDisk, settings: Record<string, string> = {}): Promise<Opened> {
  const files = new MemoryFileSystem(disk);
  const runtime = { ...hostRuntime(), files };
  const messages: string[] = [];
  const logger = { log: (level: string, text: string) => void messages.push(`${level}: ${text}`) };
  const config = new BrokerConfig({ "log.dirs": "/data", ...settings });
  const partitions = new PartitionTable();
  const openSegments = new OpenSegments(100);
  const storage = await openStorage({
    runtime,
    config,
    logger,
    partitions,
    openSegments,
    clusterId: undefined,
  });
  const quorum = await openQuorum({ runtime, config, logger, storage, cluster: null });
  const failures: string[] = [];
  storage.failures.listen(({ error }) =>
    failures.push(`${errorName(error.code)}: ${error.message}`)
  );
  const close = async () => {
    await quorum.close();
    await storage.logs.close();
    assertEquals(files.openFiles, 0);
  };
  quorum.start();
  await until(() => quorum.replica.status.role === "leader" || failures.length > 0);
  return { quorum, storage, files, messages, failures, close };
}

/** Lets the host go on until `isSo`. */
async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await turnOfLoop();
}

/** Registers the node's broker and creates topics. */
async function createTopics({ quorum }: Opened, ...names: string[]): Promise<void> {
  await quorum.controller!.run((active) =>
    active.registerOwnBroker({
      nodeId: 1,
      incarnationId: uuidOf(1),
      endpoints: [{ name: "PLAINTEXT", host: "h", port: 9092, securityProtocol: 0 }],
      rack: null,
      logDirs: [uuidOf(200)],
    })
  );
  for (const name of names) await quorum.controller!.createTopics([{ name }]);
}

/** The whole state, as the records of a snapshot. */
function stateOf(image: MetadataImage): string {
  return JSON.stringify(
    [...new CapturedState(image as MetadataState).records()],
    (_, value) => typeof value === "bigint" ? String(value) : value,
  );
}

test("what the quorum commits is loaded, and restored from the log after a restart", async () => {
  const disk = new MemoryDisk();
  const first = await open(disk);
  await createTopics(first, "events", "chat");
  const state = stateOf(first.quorum.loader.image);
  assertStringIncludes(state, "events");
  assertEquals(first.quorum.current(), { id: 1, address: null });
  await first.close();
  const second = await open(disk);
  await second.quorum.caughtUp();
  await until(() => second.quorum.controller!.active !== null);
  assertEquals(stateOf(second.quorum.loader.image), state);
  assertEquals(second.storage.raft.log.snapshots.ids, []);
  assertEquals([first.failures, second.failures], [[], []]);
  await second.close();
});

test("snapshots are written when due, move the log's start, and restore the state", async () => {
  const disk = new MemoryDisk();
  const first = await open(disk, SMALL);
  const { log } = first.storage.raft;
  await createTopics(first, "events", "chat", "third");
  // Older snapshots are removed.
  await until(() =>
    log.snapshots.ids.length === 1 && log.startOffset === log.snapshots.latest!.endOffset
  );
  const state = stateOf(first.quorum.loader.image);
  await first.close();
  assert(log.startOffset > 0);
  // Records follow the snapshot.
  const second = await open(disk);
  await second.quorum.caughtUp();
  await until(() => second.quorum.controller!.active !== null);
  assertEquals(stateOf(second.quorum.loader.image), state);
  await second.quorum.controller!.createTopics([{ name: "later" }]);
  const later = stateOf(second.quorum.loader.image);
  assertEquals(second.storage.raft.log.startOffset, log.startOffset);
  await second.close();
  const third = await open(disk);
  await third.quorum.caughtUp();
  await until(() => third.quorum.controller!.active !== null);
  assertEquals(stateOf(third.quorum.loader.image), later);
  assertEquals([first.failures, second.failures, third.failures], [[], [], []]);
  await third.close();
});

test("a node that has its whole log and a snapshot begins with the snapshot", async () => {
  const disk = new MemoryDisk();
  const settings = { "metadata.log.max.record.bytes.between.snapshots": "1" };
  const first = await open(disk, settings);
  await createTopics(first, "events", "chat");
  const { log } = first.storage.raft;
  await until(() => log.snapshots.latest?.endOffset === first.quorum.loader.nextOffset);
  await first.close();
  assertEquals(log.startOffset, 0);
  const snapshotEnd = log.snapshots.latest!.endOffset;

  const offsets: number[] = [];
  const { prototype } = RaftReplica;
  const { readCommitted } = prototype;
  prototype.readCommitted = function (offset, maxBytes) {
    offsets.push(offset);
    return readCommitted.call(this, offset, maxBytes);
  };
  try {
    const second = await open(disk, settings);
    await second.quorum.caughtUp();
    await until(() => second.quorum.controller!.active !== null);
    assertStringIncludes(stateOf(second.quorum.loader.image), "chat");
    await createTopics(second, "later");
    await second.close();
  } finally {
    prototype.readCommitted = readCommitted;
  }
  assertEquals(offsets[0], snapshotEnd);
});

test("no snapshot is written before one is due", async () => {
  const opened = await open(new MemoryDisk());
  await createTopics(opened, "events", "chat");
  assertEquals(opened.storage.raft.log.snapshots.ids, []);
  assertEquals(opened.storage.raft.log.startOffset, 0);
  await opened.close();
});

test("a snapshot that cannot be written is reported once and not tried with every batch", async () => {
  const opened = await open(new MemoryDisk(), SMALL);
  const { files, messages } = opened;
  const openFile = files.open.bind(files);
  let attempts = 0;
  files.open = (path, mode) => {
    if (!path.endsWith(".part")) return openFile(path, mode);
    attempts++;
    throw new FileError(`Cannot open ${path}: no space`, "no-space");
  };
  const failed = () => messages.filter((text) => text.includes("Cannot write a snapshot"));
  await createTopics(opened, "events");
  await until(() => failed().length > 0);
  await createTopics(opened, "chat", "third");
  await until(() => opened.quorum.loader.nextOffset === opened.quorum.replica.status.highWatermark);
  assertEquals([attempts, failed().length], [1, 1]);
  assertStringIncludes(failed()[0]!, "no space");
  assertEquals(opened.failures, []);
  await opened.close();
});

test("a record of a newer version ends the node with one sentence", async () => {
  const opened = await open(new MemoryDisk());
  await createTopics(opened, "events");
  const { quorum, failures } = opened;
  const changed = quorum.changed();
  // Frame version 1, a record type that does not exist, version 0.
  const unknown = encodeBatch([{ value: Uint8Array.of(1, 0xff, 0x7f, 0, 0), timestamp: 1 }], {});
  assert(quorum.replica.propose(unknown, 1) !== null);
  await until(() => failures.length > 0);
  const request = quorum.controller!.createTopics([{ name: "chat" }]);
  const error = await assertRejects(() => request, KafkaError);
  assertEquals(errorName(error.code), "NOT_CONTROLLER");
  await assertRejects(() => quorum.loader.waitFor(10_000));
  await opened.close();
  await changed;
  assertEquals(failures.length, 1);
  assertStringIncludes(failures[0]!, "a newer version may have written it");
});

test("close() fails requests that wait for their commit", async () => {
  const opened = await open(new MemoryDisk());
  await createTopics(opened);
  const request = opened.quorum.controller!.createTopics([{ name: "events" }]);
  const ended = request.then(() => "answered", (error: KafkaError) => errorName(error.code));
  await opened.close();
  assert(["answered", "NOT_CONTROLLER"].includes(await ended));
  const late = opened.quorum.controller!.createTopics([{ name: "events" }]);
  await assertRejects(() => late, KafkaError);
  assertEquals(opened.failures, []);
});
