/**
 * The files of the metadata quorum, written by one implementation and read by the other: formatted
 * directories, snapshots, `quorum-state` and the metadata log.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { DataDirectory } from "../../src/log/directory/data_directory.ts";
import { METADATA_LOG_CONFIG } from "../../src/metadata/metadata_log.ts";
import { decodeMetadataRecord } from "../../src/metadata/records/metadata_record.ts";
import { decodeBatch } from "../../src/protocol/records/batch.ts";
import { atOnce } from "../../src/protocol/records/compression/steps.ts";
import { METADATA_TOPIC_ID } from "../../src/protocol/uuid.ts";
import { formatDirectory, formattedWith } from "../../src/raft/storage/format_directory.ts";
import { QuorumStateFile } from "../../src/raft/storage/quorum_state_file.ts";
import type { StoredQuorumState } from "../../src/raft/storage/quorum_state_format.ts";
import { RaftLog } from "../../src/raft/storage/raft_log.ts";
import { SnapshotFiles } from "../../src/raft/storage/snapshot_files.ts";
import {
  BOOTSTRAP_SNAPSHOT_ID,
  snapshotFileName,
  type SnapshotId,
} from "../../src/raft/storage/snapshot_names.ts";
import type { SnapshotHeader } from "../../src/raft/storage/snapshot_writer.ts";
import { hostRuntime } from "../../src/runtime/host.ts";
import { Broker, freePort } from "./broker.ts";
import { Kafka, run, type ToolResult } from "./kafka.ts";
import type { Setup } from "./setup.ts";

const CLUSTER_ID = "MkU3OEVBNTcwNTJENDM2Qk";
const DIRECTORY_ID = "MdwpXVE7Rs2v2Cviip_Vnw";
const FORMAT_TOOL = "kafka.tools.StorageTool";
const QUORUM_TOOL = "org.apache.kafka.tools.MetadataQuorumCommand";
/** What is added to the end of a log that a snapshot replaces. */
const OFFSETS_BEYOND = 1_000;

const MAIN = new URL("../../cli/main.ts", import.meta.url).pathname;
const OWN_CLI = [Deno.execPath(), "run", "-A", MAIN];

const runtime = hostRuntime();
const { files } = runtime;

/** A snapshot that was read as a whole. */
interface ReadSnapshot {
  readonly header: SnapshotHeader;
  /** The values of its records. */
  readonly values: readonly Uint8Array[];
}

/** Runs the checks. Each check prints a line; installation errors are thrown. */
export async function quorumFiles(
  setup: Setup,
  print: (line: string) => void,
): Promise<void> {
  const kafka = await Kafka.install(setup);
  for (const kraftVersion of [0, 1]) {
    const root = await Deno.makeTempDir({ prefix: "millrace-quorum-" });
    try {
      const test = new QuorumFilesTest(kafka, root, kraftVersion, print);
      await test.run();
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error);
      print(`not ok storage kraft.version ${kraftVersion}: ${text.replace(/\s+/g, " ")}`);
    } finally {
      await Deno.remove(root, { recursive: true });
    }
  }
}

class QuorumFilesTest {
  readonly #port = freePort();
  readonly #controllerPort = freePort();

  constructor(
    readonly kafka: Kafka,
    readonly root: string,
    readonly kraftVersion: number,
    readonly print: (line: string) => void,
  ) {}

  async run(): Promise<void> {
    const formatted = await this.#formatWithKafka(`${this.root}/kafka`);
    this.#ok(`a directory formatted by Apache Kafka is read: ${formatted.values.length} records`);
    const dir = `${this.root}/ours`;
    await this.#format(dir, formatted);
    await this.#dump(dir, BOOTSTRAP_SNAPSHOT_ID);
    this.#ok("Apache Kafka's tool reads the snapshot of a directory that we formatted");
    await this.#serve(dir);
    this.#ok("Apache Kafka starts on a directory that we formatted");
    const { out } = await this.#formatByCommand(`${this.root}/command`);
    await this.#serve(`${this.root}/command`);
    this.#ok(`Apache Kafka starts on a directory of "millrace format": ${out.split("\n")[1]}`);
    const { id, state } = await this.#replaceBySnapshot(dir);
    await this.#dump(dir, id);
    this.#ok("the log, the snapshot and the quorum-state of Apache Kafka are read");
    const status = await this.#serve(dir);
    const epoch = Number(/^LeaderEpoch:\s+(\d+)/m.exec(status)?.[1]);
    const highWatermark = Number(/^HighWatermark:\s+(\d+)/m.exec(status)?.[1]);
    if (!(epoch > state.leaderEpoch && highWatermark > id.endOffset)) {
      throw new Error(`Apache Kafka did not continue ${snapshotFileName(id)}: ${status}`);
    }
    this.#ok("Apache Kafka continues a log that a snapshot of ours has replaced");
  }

  /** Formats a directory with Kafka's tool and returns its bootstrap snapshot. */
  async #formatWithKafka(dir: string): Promise<ReadSnapshot> {
    const properties = await this.#properties(dir);
    const flags = this.kraftVersion === 0 ? [] : ["--standalone"];
    done(
      await this.kafka.tool(FORMAT_TOOL, "format", "-t", CLUSTER_ID, "-c", properties, ...flags),
    );
    const found = formattedWith(files, dir);
    assertEquals([found?.clusterId, found?.nodeId], [CLUSTER_ID, 1]);
    const snapshots = await SnapshotFiles.open(files, metadataLogOf(dir));
    const read = readSnapshot(snapshots, BOOTSTRAP_SNAPSHOT_ID);
    assertEquals(read.header.kraftVersion, this.kraftVersion);
    const expected = this.kraftVersion === 0 ? undefined : found?.directoryId;
    assertEquals(read.header.voters?.[0]?.directoryId, expected);
    const names = read.values.map((value) => decodeMetadataRecord(value).name);
    assertEquals(new Set(names), new Set(["FeatureLevelRecord"]));
    return read;
  }

  /** Formats a directory like the one of which `formatted` is the bootstrap snapshot. */
  async #format(dir: string, { header, values }: ReadSnapshot): Promise<void> {
    const voters = header.voters?.map((voter) => ({ ...voter, directoryId: DIRECTORY_ID })) ?? null;
    await formatDirectory({
      files,
      directory: dir,
      clusterId: CLUSTER_ID,
      nodeId: 1,
      directoryId: DIRECTORY_ID,
      bootstrap: { kraftVersion: this.kraftVersion, voters, records: values },
      nowMs: runtime.clock.now(),
    });
  }

  /** Formats a directory with our command, from the configuration of Apache Kafka. */
  async #formatByCommand(dir: string): Promise<ToolResult> {
    const flags = this.kraftVersion === 0 ? [] : ["--standalone"];
    const properties = await this.#properties(dir);
    const result = done(await run([...OWN_CLI, "format", "--config", properties, ...flags]));
    await this.#dump(dir, BOOTSTRAP_SNAPSHOT_ID, this.kraftVersion === 0 ? [] : ["KRaftVoters"]);
    return result;
  }

  /** Starts Apache Kafka on the directory and stops it. Returns what its tool says of the quorum. */
  async #serve(dir: string): Promise<string> {
    const properties = await this.#properties(dir);
    const command = [...this.kafka.java, "kafka.Kafka", properties];
    const broker = await Broker.start(command, this.#port, dir);
    try {
      const status = done(
        await this.kafka.tool(
          QUORUM_TOOL,
          ...["--bootstrap-server", broker.bootstrap, "describe", "--status"],
        ),
      );
      await broker.stop();
      return status.out;
    } finally {
      await broker.kill();
    }
  }

  /** Reads everything, and replaces the log by a snapshot with the records of the latest one. */
  async #replaceBySnapshot(dir: string): Promise<{ id: SnapshotId; state: StoredQuorumState }> {
    const directory = DataDirectory.open({ runtime, directory: dir, nodeId: 1 });
    try {
      const log = directory.create("__cluster_metadata", 0, METADATA_TOPIC_ID, METADATA_LOG_CONFIG);
      const snapshots = await SnapshotFiles.open(files, metadataLogOf(dir));
      const raftLog = await RaftLog.open({ log, snapshots });
      const state = await new QuorumStateFile(files, metadataLogOf(dir)).load();
      if (state === null || snapshots.latest === null) throw new Error("Kafka wrote no snapshot");
      assertEquals([state.version, state.leaderId, state.leaderEpoch], [
        ...[this.kraftVersion, 1, raftLog.lastEpoch],
      ]);
      const { header, values } = readSnapshot(snapshots, snapshots.latest);
      assertEquals(header.kraftVersion, this.kraftVersion);
      const id = { endOffset: raftLog.endOffset + OFFSETS_BEYOND, epoch: raftLog.lastEpoch };
      const draft = snapshots.create(id);
      const writer = draft.writer(header, () => runtime.clock.now());
      for (const value of values) writer.append(value);
      writer.finish();
      await draft.publish();
      await raftLog.truncateFully(id);
      return { id, state };
    } finally {
      await directory.close();
    }
  }

  /** Prints a snapshot with Kafka's tool, which must not complain, and must print the texts `more`. */
  async #dump(
    dir: string,
    id: SnapshotId,
    more: readonly string[] = this.kraftVersion === 0 ? [] : [DIRECTORY_ID],
  ): Promise<void> {
    const path = `${metadataLogOf(dir)}/${snapshotFileName(id)}`;
    const { out } = done(await this.kafka.dump([path], "--cluster-metadata-decoder"));
    const wanted = [
      `Snapshot end offset: ${id.endOffset}, epoch: ${id.epoch}`,
      "SnapshotHeader {",
      '"type":"FEATURE_LEVEL_RECORD"',
      "SnapshotFooter {",
      ...this.kraftVersion === 0 ? [] : ['KRaftVersion {"version":0,"kRaftVersion":1}'],
      ...more,
    ];
    const missing = wanted.filter((text) => !out.includes(text));
    if (missing.length > 0 || out.includes("isvalid: false")) {
      throw new Error(`Kafka's tool does not print ${missing.join(" and ")}: ${out}`);
    }
  }

  async #properties(dir: string): Promise<string> {
    const path = `${dir}.properties`;
    const controller = `127.0.0.1:${this.#controllerPort}`;
    await Deno.writeTextFile(
      path,
      [
        "process.roles=broker,controller",
        "node.id=1",
        this.kraftVersion === 0
          ? `controller.quorum.voters=1@${controller}`
          : `controller.quorum.bootstrap.servers=${controller}`,
        `listeners=PLAINTEXT://127.0.0.1:${this.#port},CONTROLLER://${controller}`,
        "controller.listener.names=CONTROLLER",
        "listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
        `log.dirs=${dir}`,
        "metadata.log.max.record.bytes.between.snapshots=1",
      ].join("\n"),
    );
    return path;
  }

  #ok(what: string): void {
    this.print(`ok storage kraft.version ${this.kraftVersion}: ${what}`);
  }
}

function metadataLogOf(dir: string): string {
  return `${dir}/__cluster_metadata-0`;
}

function readSnapshot(snapshots: SnapshotFiles, id: SnapshotId): ReadSnapshot {
  atOnce(snapshots.check(id));
  const { reader, close } = snapshots.read(id);
  const values: Uint8Array[] = [];
  for (let batch = reader.next(); batch !== null; batch = reader.next()) {
    values.push(...decodeBatch(batch).records.map(({ value }) => value!.slice()));
  }
  close();
  return { header: reader.header, values };
}

/** Throws if the tool has failed. */
function done(result: ToolResult): ToolResult {
  if (result.code === 0) return result;
  throw new Error(`a tool of Apache Kafka failed: ${result.out} ${result.err.slice(-600)}`);
}
