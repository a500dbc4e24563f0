/**
 * A quorum of Apache Kafka and of our replica, over the network: each follows the other, and each adds and
 * removes the other as a voter.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { apiVersionsHandler } from "../../src/broker/handlers/api_versions.ts";
import { DataDirectory } from "../../src/log/directory/data_directory.ts";
import { METADATA_LOG_CONFIG } from "../../src/metadata/metadata_log.ts";
import { PeerConnection } from "../../src/network/peer_connection.ts";
import { errorName } from "../../src/protocol/errors.ts";
import { addRaftVoter } from "../../src/protocol/messages/add_raft_voter.ts";
import { describeQuorum } from "../../src/protocol/messages/describe_quorum.ts";
import { removeRaftVoter } from "../../src/protocol/messages/remove_raft_voter.ts";
import { decodeBatch, splitBatches } from "../../src/protocol/records/batch.ts";
import { NO_PAUSE } from "../../src/protocol/records/compression/steps.ts";
import { METADATA_TOPIC_ID } from "../../src/protocol/uuid.ts";
import { DEFAULT_RAFT_TIMING } from "../../src/raft/core/timing.ts";
import { type VoterEndpoint, VoterSet } from "../../src/raft/core/voter_set.ts";
import { RaftPeers } from "../../src/raft/peers.ts";
import { RaftReplica } from "../../src/raft/raft_replica.ts";
import { readRaftStart } from "../../src/raft/raft_start.ts";
import { formattedWith } from "../../src/raft/storage/format_directory.ts";
import { QuorumStateFile } from "../../src/raft/storage/quorum_state_file.ts";
import { RaftLog } from "../../src/raft/storage/raft_log.ts";
import { SnapshotFiles } from "../../src/raft/storage/snapshot_files.ts";
import { snapshotFileName } from "../../src/raft/storage/snapshot_names.ts";
import { RAFT_HANDLERS } from "../../src/raft/supported.ts";
import { hostRuntime } from "../../src/runtime/host.ts";
import { startServer } from "../network/server/server_fixture.ts";
import { Broker, freePort } from "./broker.ts";
import { Kafka } from "./kafka.ts";
import type { Setup } from "./setup.ts";

const CLUSTER_ID = "MkU3OEVBNTcwNTJENDM2Qk";
const DIRECTORY_ID = "K2cnTvHyQxq3oUBLrBqzkA";
const LISTENER = "CONTROLLER";
const HOST = "127.0.0.1";
/** Maximum time until a change is visible. */
const WITHIN_MS = 20_000;

const runtime = hostRuntime();
const { clock, files, random } = runtime;

/** Runs the checks. Each check prints a line; installation errors are thrown. */
export async function quorumPeers(setup: Setup, print: (line: string) => void): Promise<void> {
  const kafka = await Kafka.install(setup);
  const root = await Deno.makeTempDir({ prefix: "millrace-quorum-" });
  try {
    await new QuorumPeersTest(kafka, root, print).run();
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    print(`not ok quorum: ${text.replace(/\s+/g, " ")}`);
  } finally {
    await Deno.remove(root, { recursive: true });
  }
}

/** A running replica of ours. */
interface Ours {
  readonly replica: RaftReplica;
  readonly peers: RaftPeers;
  readonly snapshots: SnapshotFiles;
  committed(): number;
  close(): Promise<void>;
}

class QuorumPeersTest {
  readonly #kafkaPort = freePort();
  readonly #port = freePort();
  readonly #newPort = freePort();

  constructor(
    readonly kafka: Kafka,
    readonly root: string,
    readonly print: (line: string) => void,
  ) {}

  async run(): Promise<void> {
    const command = await this.#formatKafka(1, "--standalone");
    const directory = formattedWith(files, `${this.root}/kafka1`)!.directoryId;
    const theirs = await Broker.start(command, this.#kafkaPort, this.root);
    try {
      await this.#until("a snapshot of Kafka", async () => (await this.#snapshotsOf(1)).length > 0);
      const ours = await this.#startOurs();
      try {
        await this.#exchange(ours, directory);
      } finally {
        await ours.close();
      }
    } catch (error) {
      throw new Error(`${(error as Error).message}; Kafka: ${theirs.tail()}`, { cause: error });
    } finally {
      await theirs.kill();
    }
  }

  async #exchange(ours: Ours, directoryId: string): Promise<void> {
    const { replica, peers, committed } = ours;
    const levels = await peers.probe({ id: 1, address: this.#address(1) });
    assertEquals(levels, { min: 0, max: 1 });
    await this.#until("following Kafka", () => {
      const { logStartOffset, logEndOffset } = replica.status;
      return committed() === logEndOffset && logEndOffset > logStartOffset;
    });
    const { epoch, leaderId, logStartOffset } = replica.status;
    assertEquals(leaderId, 1);
    assert(logStartOffset > 0, "Our observer has not fetched a snapshot");
    this.#ok(`our observer has fetched a snapshot that ends at offset ${logStartOffset}`);
    this.#ok(`our observer follows Apache Kafka to offset ${committed()} of epoch ${epoch}`);

    await this.#add(1, 2, DIRECTORY_ID);
    await this.#until("becoming a voter", () => replica.status.voters.size === 2);
    this.#ok("Apache Kafka adds our replica as a voter");
    await this.#untilDescribed(1, (voters) => voters.every(({ lag }) => lag <= 1));
    this.#ok("Apache Kafka counts what our voter has");

    await this.#remove(1, 1, directoryId);
    await this.#until("leading", () => replica.status.role === "leader");
    this.#ok(
      `our replica leads epoch ${replica.status.epoch} when Apache Kafka has removed itself`,
    );
    await this.#until("Kafka as an observer", () => {
      const { replicas, logEndOffset } = replica.status;
      return replicas.some(({ key, endOffset }) => key.id === 1 && endOffset === logEndOffset);
    });
    this.#ok("Apache Kafka follows our leader");
    await this.#serveSnapshot(ours);

    await this.#add(2, 1, directoryId);
    await this.#until("Kafka as a voter", () => {
      const { voters, highWatermark, logEndOffset } = replica.status;
      return voters.size === 2 && highWatermark === logEndOffset;
    });
    this.#ok("our leader adds Apache Kafka as a voter, whose fetches commit");
    await this.#untilDescribed(2, (voters) => voters.every(({ lag }) => lag === 0));
    this.#ok("our leader describes both voters");
    const ended = replica.status.epoch;
    replica.resign();
    await this.#until("another leader", () => {
      const { status } = replica;
      return status.epoch > ended && status.leaderId >= 0 && committed() === status.logEndOffset;
    });
    const { status } = replica;
    this.#ok(`node ${status.leaderId} leads epoch ${status.epoch} after our leader has resigned`);
  }

  /** Lets a new controller of Kafka begin with a snapshot of our leader. */
  async #serveSnapshot({ replica, snapshots }: Ours): Promise<void> {
    const { highWatermark, logStartOffset } = replica.status;
    const { reader, close } = snapshots.read(snapshots.latest!);
    const { draft, writer } = replica.beginSnapshot(highWatermark, clock.now());
    for (let batch = reader.next(); batch !== null; batch = reader.next()) {
      for (const { value } of decodeBatch(batch).records) writer.append(value!);
    }
    close();
    const bytes = replica.readCommitted(logStartOffset, 1 << 24);
    for (const { start } of splitBatches(bytes)) {
      const { isControl, records } = decodeBatch(bytes, start);
      if (!isControl) { for (const { value } of records) writer.append(value!); }
    }
    writer.finish();
    await replica.publishSnapshot(draft, { maxBytes: -1, maxAgeMs: -1 });

    const command = await this.#formatKafka(3, "--no-initial-controllers");
    const newcomer = await Broker.start(command, this.#newPort, this.root);
    try {
      await this.#until("a new controller", () => {
        const { replicas, logEndOffset } = replica.status;
        return replicas.some(({ key, endOffset }) => key.id === 3 && endOffset === logEndOffset);
      });
      const names = await this.#snapshotsOf(3);
      assertEquals(names, [snapshotFileName(draft.id)]);
      this.#ok(`a new controller of Apache Kafka begins with our snapshot ${names[0]}`);
    } catch (error) {
      throw new Error(`${(error as Error).message}; newcomer: ${newcomer.tail()}`);
    } finally {
      await newcomer.kill();
    }
  }

  /** Returns the names of the snapshots of a node of Kafka, apart from that of the format. */
  async #snapshotsOf(id: number): Promise<string[]> {
    const names: string[] = [];
    for await (const { name } of Deno.readDir(`${this.root}/kafka${id}/__cluster_metadata-0`)) {
      if (name.endsWith(".checkpoint") && !/^0+-0+\./.test(name)) names.push(name);
    }
    return names;
  }

  /** Formats the directory of a node of Kafka and returns the command that starts it. */
  async #formatKafka(id: number, voters: string): Promise<string[]> {
    const path = `${this.root}/kafka${id}.properties`;
    const address = `${HOST}:${id === 1 ? this.#kafkaPort : this.#newPort}`;
    await Deno.writeTextFile(
      path,
      [
        "process.roles=controller",
        `node.id=${id}`,
        `controller.quorum.bootstrap.servers=${HOST}:${this.#kafkaPort},${HOST}:${this.#port}`,
        `listeners=${LISTENER}://${address}`,
        `controller.listener.names=${LISTENER}`,
        `log.dirs=${this.root}/kafka${id}`,
        // The first one soon has a snapshot, the other none of its own.
        ...(id === 1 ? ["metadata.log.max.record.bytes.between.snapshots=200"] : []),
      ].join("\n"),
    );
    const { code, out, err } = await this.kafka.tool(
      "kafka.tools.StorageTool",
      ...["format", "-t", CLUSTER_ID, "-c", path, voters],
    );
    if (code !== 0) throw new Error(`the directory cannot be formatted: ${out} ${err}`);
    return [...this.kafka.java, "kafka.Kafka", path];
  }

  async #startOurs(): Promise<Ours> {
    const directory = DataDirectory.open({ runtime, directory: `${this.root}/ours`, nodeId: 2 });
    const path = `${this.root}/ours/__cluster_metadata-0`;
    const log = directory.create("__cluster_metadata", 0, METADATA_TOPIC_ID, METADATA_LOG_CONFIG);
    await directory.flushDirectory();
    const snapshots = await SnapshotFiles.open(files, path);
    const raftFiles = {
      log: await RaftLog.open({ log, snapshots }),
      quorumState: new QuorumStateFile(files, path),
    };
    const endpoints: VoterEndpoint[] = [{ name: LISTENER, ...this.#address(2) }];
    const found = await readRaftStart(
      raftFiles,
      {
        id: 2,
        directoryId: DIRECTORY_ID,
        endpoints,
        kraftVersions: { min: 0, max: 1 },
        canVote: true,
      },
      {
        timing: DEFAULT_RAFT_TIMING,
        below: (bound) => random.below(bound),
        bootstrapServers: [this.#address(1)],
      },
      new VoterSet([]),
      NO_PAUSE,
    );
    const peers = new RaftPeers({
      runtime,
      clusterId: CLUSTER_ID,
      listener: LISTENER,
      clientId: "raft-client-2",
      requestTimeoutMs: DEFAULT_RAFT_TIMING.requestTimeoutMs,
    });
    let committed = 0;
    const logger = { log: () => {} };
    const replica = new RaftReplica(found, {
      clusterId: CLUSTER_ID,
      clock,
      logger,
      files: raftFiles,
      transport: peers,
      observer: {
        onCommitted: (offset) => void (committed = offset),
        onLeader: () => {},
        onActive: () => {},
        onInactive: () => {},
        onFailed: (error) => this.print(`not ok quorum: our replica failed: ${error.message}`),
      },
      pause: NO_PAUSE,
    });
    const { server } = await startServer(runtime, {
      handlers: [apiVersionsHandler, ...RAFT_HANDLERS],
      services: {
        raft: replica,
        clock,
        nodeId: 2,
        clusterId: CLUSTER_ID,
        image: () => ({ features: new Map<string, number>(), offset: 0 }),
      },
      logger,
      interceptors: [async ({ name }, next) => {
        const answer = await next();
        if (name !== "ApiVersions") return answer;
        const levels = { name: "kraft.version", minVersion: 0, maxVersion: 1 };
        return { ...answer as object, supportedFeatures: [levels] };
      }],
    }, this.#address(2));
    replica.start();
    return {
      replica,
      peers,
      snapshots,
      committed: () => committed,
      close: async () => {
        await replica.shutdown();
        await server.close();
        await directory.close();
      },
    };
  }

  #address(id: number) {
    return { host: HOST, port: id === 1 ? this.#kafkaPort : this.#port };
  }

  /** Asks node `id` for something. */
  async #ask<T>(id: number, ask: (connection: PeerConnection) => Promise<T>): Promise<T> {
    const connection = await PeerConnection.open({
      runtime,
      address: this.#address(id),
      clientId: "interop",
      requestTimeoutMs: WITHIN_MS,
      connectTimeoutMs: WITHIN_MS,
      maxResponseBytes: 10_000_000,
    });
    try {
      return await ask(connection);
    } finally {
      connection.close();
    }
  }

  async #add(leader: number, voterId: number, voterDirectoryId: string): Promise<void> {
    await this.#repeat(
      `node ${leader} adding voter ${voterId}`,
      () =>
        this.#ask(leader, (connection) =>
          connection.request(addRaftVoter, {
            clusterId: CLUSTER_ID,
            timeoutMs: WITHIN_MS,
            voterId,
            voterDirectoryId,
            listeners: [{ name: LISTENER, ...this.#address(voterId) }],
          })),
    );
  }

  async #remove(leader: number, voterId: number, voterDirectoryId: string): Promise<void> {
    await this.#repeat(
      `node ${leader} removing voter ${voterId}`,
      () =>
        this.#ask(leader, (connection) =>
          connection.request(removeRaftVoter, {
            clusterId: CLUSTER_ID,
            voterId,
            voterDirectoryId,
          })),
    );
  }

  /** Repeats a change of the voters until it is not too early for it. */
  async #repeat(
    what: string,
    change: () => Promise<{ errorCode: number; errorMessage: string | null }>,
  ): Promise<void> {
    let last = "";
    const isDone = async () => {
      const { errorCode, errorMessage } = await change();
      last = `${errorName(errorCode)} ${errorMessage}`;
      return errorCode === 0;
    };
    try {
      await this.#until(what, isDone);
    } catch (error) {
      throw new Error(`${(error as Error).message}, the last answer was ${last}`);
    }
  }

  async #untilDescribed(
    leader: number,
    holds: (voters: readonly { readonly id: number; readonly lag: number }[]) => boolean,
  ): Promise<void> {
    await this.#until("the description", async () => {
      const { topics } = await this.#ask(
        leader,
        (connection) =>
          connection.request(describeQuorum, {
            topics: [{ topicName: "__cluster_metadata", partitions: [{ partitionIndex: 0 }] }],
          }),
      );
      const { currentVoters } = topics[0]!.partitions[0]!;
      const end = Math.max(...currentVoters.map(({ logEndOffset }) => logEndOffset));
      return currentVoters.length === 2 && holds(
        currentVoters.map(({ replicaId, logEndOffset }) => ({
          id: replicaId,
          lag: end - logEndOffset,
        })),
      );
    });
  }

  async #until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
    const began = performance.now();
    while (!await holds()) {
      if (performance.now() - began > WITHIN_MS) throw new Error(`${what} took too long`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  #ok(what: string): void {
    this.print(`ok quorum: ${what}`);
  }
}
