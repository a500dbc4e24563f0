/**
 * Starts on a data directory in which one file is damaged, for each file and each kind of damage. A
 * start repairs the file, so that all records can be read, or refuses the directory, or leaves the
 * partition out of service, with one sentence that names the file. It removes nothing: once the file is
 * restored, everything can be read.
 *
 * The directory was written by a broker, with several segments per partition, an idempotent producer,
 * deleted records and two topics, and was left by a clean shutdown or by `kill -9`.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { ALL_PARTS } from "../../src/node/parts/all_parts.ts";
import { Node } from "../../src/node/node.ts";
import { KafkaError } from "../../src/protocol/errors.ts";
import { createTopics } from "../../src/protocol/messages/create_topics.ts";
import { deleteRecords } from "../../src/protocol/messages/delete_records.ts";
import { listOffsets } from "../../src/protocol/messages/list_offsets.ts";
import { decodeBatch, encodeBatch, splitBatches } from "../../src/protocol/records/batch.ts";
import { hostRuntime } from "../../src/runtime/host.ts";
import { MemoryFileSystem } from "../../src/runtime/memory_files.ts";
import { FileError, type FileSystem } from "../../src/runtime/runtime.ts";
import { isWide, test } from "../harness.ts";
import { fetchFrom, produceTo } from "../broker/fixture.ts";
import { RawClient } from "../broker/raw_client.ts";

const ROOT = "/data";
/** Advertises a fixed address, so that a start writes no new registration. */
const CONFIG = {
  "listeners": "PLAINTEXT://127.0.0.1:0",
  "advertised.listeners": "PLAINTEXT://127.0.0.1:9",
};
const PARTITIONS = [["events", 0], ["events", 1], ["plain", 0]] as const;
/** One of so many cases is run: each kind of damage on every third file. */
const STRIDE = isWide ? 1 : 3;
/** The records of each partition, by its name. */
type Content = Map<string, string[]>;
type Files = Map<string, Uint8Array>;

const decoder = new TextDecoder();
const encoder = new TextEncoder();

/** A kind of damage: the new content of the file, null to remove it. */
interface Damage {
  readonly name: string;
  apply(bytes: Uint8Array, path: string): Uint8Array | null;
}

const DAMAGES: readonly Damage[] = [
  { name: "missing", apply: () => null },
  { name: "emptied", apply: () => new Uint8Array(0) },
  { name: "cut in half", apply: (bytes) => bytes.slice(0, bytes.length >> 1) },
  { name: "a byte too short", apply: (bytes) => bytes.slice(0, -1) },
  { name: "garbled in the middle", apply: (bytes) => flipped(bytes, bytes.length >> 1) },
  { name: "garbled at its beginning", apply: (bytes) => flipped(bytes, 0) },
  { name: "garbled at its end", apply: (bytes) => flipped(bytes, bytes.length - 2) },
  { name: "all zeros", apply: (bytes) => new Uint8Array(bytes.length) },
  { name: "with something behind it", apply: (bytes) => joined(bytes, encoder.encode("more")) },
  { name: "from a newer version", apply: (bytes, path) => newer(bytes, path) },
];

function flipped(bytes: Uint8Array, at: number): Uint8Array {
  return bytes.map((byte, i) => i === at ? byte ^ 0x55 : byte);
}

function joined(one: Uint8Array, other: Uint8Array): Uint8Array {
  const both = new Uint8Array(one.length + other.length);
  both.set(one);
  both.set(other, one.length);
  return both;
}

function isEqual(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && one.every((byte, i) => byte === other[i]);
}

function newer(bytes: Uint8Array, path: string): Uint8Array {
  const out = bytes.slice();
  if (path.endsWith(".log")) {
    if (out.length > 16) out[16] = 3;
  } else if (/\.(snapshot|txnindex)$/.test(path)) {
    if (out.length > 1) out[1] = 9;
  } else {
    return encoder.encode(
      decoder.decode(bytes).replace(/^0\n/, "9\n").replace(/(version["]?[:=] ?)[01]/, "$19"),
    );
  }
  return out;
}

/** Every file below the data directory. */
function filesOf(files: FileSystem, directory = ROOT): Files {
  const found: Files = new Map();
  for (const { name, isDirectory } of files.list(directory)) {
    const path = `${directory}/${name}`;
    if (isDirectory) {
      for (const [inner, bytes] of filesOf(files, path)) found.set(inner, bytes);
      continue;
    }
    const file = files.open(path, "read");
    const bytes = new Uint8Array(file.size());
    file.readAt(bytes, 0);
    file.close();
    found.set(path, bytes);
  }
  return found;
}

function write(files: FileSystem, path: string, bytes: Uint8Array): void {
  files.makeDirectory(path.slice(0, path.lastIndexOf("/")));
  const file = files.open(path, "create");
  file.truncate(0);
  if (bytes.length > 0) file.writeAt(bytes, 0);
  file.close();
}

function diskOf(content: Files): MemoryFileSystem {
  const files = new MemoryFileSystem();
  for (const [path, bytes] of content) write(files, path, bytes);
  return files;
}

const host = hostRuntime();

/** The outcome of a start. */
interface Start {
  readonly refusal: string | null;
  readonly messages: readonly string[];
  /** The records that can be read. A partition out of service is absent. */
  readonly content: Content;
}

async function start(files: FileSystem): Promise<Start> {
  const runtime = { ...host, files };
  const messages: string[] = [];
  let broker: Node;
  try {
    broker = await Node.start({
      parts: ALL_PARTS,
      runtime,
      directory: ROOT,
      config: CONFIG,
      logger: { log: (level, message) => level !== "debug" && messages.push(message) },
    });
  } catch (error) {
    // Any other error is a defect, and so is a stack trace in the message.
    if (!(error instanceof KafkaError || error instanceof Error && error.name === "Error")) {
      throw error;
    }
    return { refusal: error.message, messages, content: new Map() };
  }
  const client = await RawClient.connect(runtime, broker.address);
  try {
    const content: Content = new Map();
    for (const [topic, partition] of PARTITIONS) {
      const values = await readAll(client, topic, partition);
      if (values !== null) content.set(`${topic}-${partition}`, values);
    }
    return { refusal: null, messages, content };
  } finally {
    client.close();
    await broker.shutdown();
  }
}

/** Every record that a consumer receives, or null if the partition is out of service or unknown. */
async function readAll(
  client: RawClient,
  topic: string,
  partition: number,
): Promise<string[] | null> {
  const asked = await client.request(listOffsets, 7, {
    replicaId: -1,
    isolationLevel: 0,
    topics: [{ name: topic, partitions: [{ partitionIndex: partition, timestamp: -2 }] }],
  });
  const { errorCode, offset } = asked.topics[0]!.partitions[0]!;
  if (errorCode !== 0) return null;
  const values: string[] = [];
  for (let fetchOffset = offset;;) {
    const answer = await fetchFrom(client, topic, partition, fetchOffset);
    if (answer.errorCode !== 0) return null;
    const bytes = answer.records as Uint8Array;
    for (const { start } of splitBatches(bytes)) {
      let batch;
      try {
        batch = decodeBatch(bytes, start, { codecs: host.codecs() });
      } catch (error) {
        // Damage below the recovery point is found when it is read: a consumer checks the checksum.
        values.push(`refused by its reader: ${(error as Error).message}`);
        return values;
      }
      fetchOffset = batch.lastOffset + 1;
      for (const record of batch.records) {
        if (record.offset >= offset) {
          values.push(`${record.offset}:${decoder.decode(record.value!)}`);
        }
      }
    }
    if (fetchOffset >= answer.highWatermark) return values;
    if (bytes.length === 0) throw new Error(`Nothing at ${fetchOffset} of ${topic}-${partition}`);
  }
}

/** A directory as a broker leaves it after a clean shutdown, or when it is killed. */
async function makeDirectory(isClean: boolean): Promise<Files> {
  const files = new MemoryFileSystem();
  const broker = await Node.start({
    parts: ALL_PARTS,
    runtime: { ...host, files },
    directory: ROOT,
    config: CONFIG,
    logger: { log: () => {} },
  });
  const client = await RawClient.connect(host, broker.address);
  const specs = [["events", 2], ["plain", 1]] as const;
  await client.request(createTopics, 7, {
    topics: specs.map(([name, numPartitions]) => ({
      name,
      numPartitions,
      replicationFactor: 1,
      assignments: [],
      configs: [
        { name: "segment.ms", value: "1000" },
        { name: "retention.ms", value: "-1" },
        { name: "message.timestamp.after.max.ms", value: "9223372036854775807" },
      ],
    })),
    timeoutMs: 1_000,
  });
  for (const [topic, partition] of PARTITIONS) {
    for (let i = 0; i < 8; i++) {
      const records = [0, 1, 2].map((n) => ({
        key: null,
        value: encoder.encode(`${topic} ${partition} ${i} ${n}`),
        // Two batches per segment.
        timestamp: 1_000_000 + (i >> 1) * 10_000,
      }));
      const producer = topic === "events"
        ? { producerId: 7, producerEpoch: 0, baseSequence: 3 * i }
        : {};
      const { errorCode } = await produceTo(
        client,
        topic,
        partition,
        encodeBatch(records, producer),
      );
      assertEquals(errorCode, 0);
    }
  }
  await client.request(deleteRecords, 2, {
    topics: [{ name: "events", partitions: [{ partitionIndex: 1, offset: 4 }] }],
    timeoutMs: 1_000,
  });
  client.close();
  const killed = filesOf(files);
  await broker.shutdown();
  return isClean ? filesOf(files) : killed;
}

/** The partition that the file at `path` belongs to, or null. */
function partitionOf(path: string): string | null {
  const name = /^\/data\/([^/]+)\//.exec(path)?.[1];
  return name === undefined || name.startsWith("__") ? null : name;
}

/** A refusal is one sentence that names the file or its directory and says what to do. */
function checkSentence(sentence: string, path: string): void {
  assertEquals(sentence.split("\n").length, 1, sentence);
  const directory = path.slice(0, path.lastIndexOf("/"));
  assert(sentence.includes(path) || sentence.includes(directory), `${sentence} of ${path}`);
  assert(/[;:,] .{6,}/.test(sentence), `no remedy: ${sentence}`);
}

/** Returns the outcome of a start on a damaged directory. Throws if it is not as expected. */
function judge(
  { refusal, messages, content }: Start,
  whole: Content,
  path: string,
  isClean: boolean,
  isMissing = false,
): "refused" | "offline" | "cut" | "found by its reader" | "mended" {
  if (refusal !== null) {
    checkSentence(refusal, path);
    return "refused";
  }
  const damaged = partitionOf(path);
  for (const [name, values] of whole) {
    const found = content.get(name);
    if (found !== undefined && JSON.stringify(found) === JSON.stringify(values)) continue;
    assertEquals(name, damaged, `${name} has suffered from ${path}`);
    if (found === undefined) {
      const told = messages.find((message) => message.startsWith(`${name} is offline: `));
      assert(told !== undefined, `nothing was said of ${path}: ${messages}`);
      checkSentence(told, path);
      return "offline";
    }
    const reached = found.findIndex((value) => value.startsWith("refused by its reader"));
    if (reached >= 0) {
      assertEquals(found.slice(0, reached), values.slice(0, reached));
      return "found by its reader";
    }
    assert(!isClean, `${found.length} of ${values.length} records of ${name} are left`);
    assert(!isMissing, `nobody has missed ${path}`);
    // A missing end can be noticed only if a part of a batch is left, which is truncated and logged.
    assertEquals(found, values.slice(0, found.length));
    return "cut";
  }
  return "mended";
}

for (const isClean of [true, false]) {
  const ending = isClean ? "an orderly end" : "kill -9";
  test(`a start after ${ending} repairs or refuses any damaged file`, async () => {
    const original = await makeDirectory(isClean);
    const { content: whole, refusal } = await start(diskOf(original));
    assertEquals(refusal, null);
    assertEquals([...whole.values()].map((values) => values.length), [24, 20, 24]);
    assert(original.size > 20, `${original.size} files`);
    const failures: string[] = [];
    const outcomes = new Set<string>();
    let number = 0;
    for (const [path, bytes] of original) {
      for (const { name, apply } of DAMAGES) {
        if (number++ % STRIDE !== 0) continue;
        const damaged = apply(bytes, path);
        if (damaged !== null && isEqual(damaged, bytes)) continue;
        const files = diskOf(original);
        if (damaged === null) files.remove(path);
        else write(files, path, damaged);
        try {
          const isMissing = damaged === null;
          const outcome = judge(await start(files), whole, path, isClean, isMissing);
          outcomes.add(outcome);
          // Once the file is restored, everything can be read: nothing else was removed. A node that has
          // served has appended to its metadata log, so a copy of that alone would be too old.
          const isOld = path.includes("/__cluster_metadata-0/") && outcome !== "refused";
          for (const [one, content] of isOld ? original : [[path, bytes] as const]) {
            write(files, one, content);
          }
          const again = await start(files);
          if (again.refusal !== null) throw new Error(`not again: ${again.refusal}`);
          if (JSON.stringify([...again.content]) !== JSON.stringify([...whole])) {
            throw new Error(`not as before: ${[...again.content.values()].map((it) => it.length)}`);
          }
        } catch (error) {
          failures.push(`${path} ${name}: ${(error as Error).message}`);
        }
      }
    }
    assertEquals(failures, []);
    const expected = ["refused", "offline", "mended", isClean ? "found by its reader" : "cut"];
    for (const outcome of expected) assert(outcomes.has(outcome), `nothing was ${outcome}`);
  });
}

test("a start refuses or ignores a read-only file", async () => {
  for (const isClean of [true, false]) {
    const original = await makeDirectory(isClean);
    const { content: whole } = await start(diskOf(original));
    for (const path of [...original.keys(), ROOT, `${ROOT}/events-0`]) {
      const files = diskOf(original);
      try {
        judge(await start(new ReadOnly(files, path)), whole, path, isClean);
        const again = await start(files);
        assertEquals([again.refusal, again.content], [null, whole]);
      } catch (error) {
        throw new Error(`${path} read-only: ${(error as Error).message}`, { cause: error });
      }
    }
  }
});

/** Files of which one, or all in one directory, are read-only. */
class ReadOnly implements FileSystem {
  constructor(private readonly files: FileSystem, private path: string) {}

  open: FileSystem["open"] = (path, mode) => {
    // In a read-only directory, files can be written but not created.
    const makes = mode === "create" && !this.files.exists(path);
    if (mode !== "read" && path === this.path || makes && this.#holds(path)) {
      this.#refuse("open", path);
    }
    return this.files.open(path, mode);
  };
  makeDirectory: FileSystem["makeDirectory"] = (path) => {
    if (!this.files.exists(path) && this.#holds(path)) this.#refuse("make", path);
    this.files.makeDirectory(path);
  };
  rename: FileSystem["rename"] = (from, to) => {
    if (this.#holds(from) || this.#holds(to)) this.#refuse("rename", from);
    this.files.rename(from, to);
    // A renamed file replaces it.
    if (to === this.path) this.path = "";
  };
  remove: FileSystem["remove"] = (path) => {
    if (this.files.exists(path) && this.#holds(path)) this.#refuse("remove", path);
    this.files.remove(path);
  };
  tryLock: FileSystem["tryLock"] = (path) => {
    if (path === this.path) this.#refuse("open", path);
    return this.files.tryLock(path);
  };
  list: FileSystem["list"] = (path) => this.files.list(path);
  exists: FileSystem["exists"] = (path) => this.files.exists(path);
  syncDirectory: FileSystem["syncDirectory"] = (path) => this.files.syncDirectory(path);

  #holds(path: string): boolean {
    return path.slice(0, path.lastIndexOf("/")) === this.path;
  }

  #refuse(action: string, path: string): never {
    throw new FileError(
      `Cannot ${action} "${path}": permission denied, check its owner and mode`,
      "permission",
    );
  }
}
