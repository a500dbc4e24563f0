/**
 * A replica of the quorum on files in memory, with a transport and a clock under the control of the test.
 *
 * @module
 */
import { assert } from "@std/assert";
import { DataDirectory } from "../../src/log/directory/data_directory.ts";
import { DEFAULT_LOG_CONFIG } from "../../src/log/log_config.ts";
import { ErrorCode, type KafkaError } from "../../src/protocol/errors.ts";
import { encodeBatch } from "../../src/protocol/records/batch.ts";
import { NO_PAUSE } from "../../src/protocol/records/compression/steps.ts";
import { METADATA_TOPIC_ID, ZERO_UUID } from "../../src/protocol/uuid.ts";
import type { Destination } from "../../src/raft/core/effects.ts";
import type {
  FetchAnswer,
  FetchedBatch,
  KnownLeader,
  PeerAnswer,
  PeerRequest,
  RequestFailure,
} from "../../src/raft/core/messages.ts";
import { DEFAULT_RAFT_TIMING } from "../../src/raft/core/timing.ts";
import { VoterSet } from "../../src/raft/core/voter_set.ts";
import { RaftReplica } from "../../src/raft/raft_replica.ts";
import { type RaftFiles, readRaftStart } from "../../src/raft/raft_start.ts";
import type { RaftReply } from "../../src/raft/requests.ts";
import { QuorumStateFile } from "../../src/raft/storage/quorum_state_file.ts";
import { RaftLog } from "../../src/raft/storage/raft_log.ts";
import { SnapshotFiles } from "../../src/raft/storage/snapshot_files.ts";
import { turnOfLoop } from "../../src/runtime/host_clock.ts";
import { hostRuntime } from "../../src/runtime/host.ts";
import { MemoryDisk, MemoryFileSystem } from "../../src/runtime/memory_files.ts";
import { TestClock } from "../groups/test_clock.ts";
import { HeldSyncs } from "../log/held_syncs.ts";
import { DIRECTORY } from "./storage/fixture.ts";

/** The endpoints of node `id`. */
export function endpointsOf(id: number) {
  return [{ name: "CONTROLLER", host: `h${id}`, port: 9093 }];
}

/** Returns a static voter set. */
export function votersOf(...ids: readonly number[]): VoterSet {
  return new VoterSet(ids.map((id) => ({
    id,
    directoryId: ZERO_UUID,
    endpoints: endpointsOf(id),
    kraftVersions: { min: 0, max: 1 },
  })));
}

/** A request that waits for the test to answer it. */
export interface Sent {
  readonly to: Destination;
  readonly request: PeerRequest;
  readonly answer: (answer: PeerAnswer | RequestFailure) => Promise<void>;
}

/** Node 1 with its replica. */
export class ReplicaMachine {
  readonly disk: MemoryDisk;
  readonly memory: MemoryFileSystem;
  readonly files: HeldSyncs;
  readonly clock = new TestClock();
  readonly events: string[] = [];
  readonly failures: KafkaError[] = [];
  readonly sent: Sent[] = [];
  isTransportClosed = false;
  /** Called by the observer when records are committed. */
  onCommitted: (offset: number) => void = () => {};
  /** Called by the observer when the replica is active. */
  onActive: () => void = () => {};
  directory!: DataDirectory;
  raft!: RaftFiles;
  replica!: RaftReplica;

  constructor(disk: MemoryDisk = new MemoryDisk()) {
    this.disk = disk;
    this.memory = new MemoryFileSystem(disk);
    this.files = new HeldSyncs(this.memory);
  }

  /** Opens the files, and makes a replica that has not started. */
  async open(voters: VoterSet): Promise<this> {
    const runtime = { ...hostRuntime(), files: this.files, clock: this.clock };
    this.directory = DataDirectory.open({ runtime, directory: "/data", nodeId: 1 });
    await this.directory.flushDirectory();
    const config = { ...DEFAULT_LOG_CONFIG, retentionMs: -1, fileDeleteDelayMs: 0 };
    const log = this.directory.create("__cluster_metadata", 0, METADATA_TOPIC_ID, config);
    await this.directory.flushDirectory();
    const snapshots = await SnapshotFiles.open(this.files, DIRECTORY);
    this.raft = {
      log: await RaftLog.open({ log, snapshots }),
      quorumState: new QuorumStateFile(this.files, DIRECTORY),
    };
    const self = {
      id: 1,
      directoryId: ZERO_UUID,
      endpoints: endpointsOf(1),
      kraftVersions: { min: 0, max: 1 },
      canVote: true,
    };
    const environment = {
      timing: DEFAULT_RAFT_TIMING,
      below: () => 0,
      bootstrapServers: [],
    };
    const start = await readRaftStart(this.raft, self, environment, voters, NO_PAUSE);
    this.replica = new RaftReplica(start, {
      clusterId: "cluster",
      clock: this.clock,
      logger: { log: (level, text) => void this.events.push(`${level}: ${text}`) },
      files: this.raft,
      pause: NO_PAUSE,
      transport: {
        send: (to, request) => this.#send(to, request),
        probe: () => Promise.resolve(null),
        close: () => {
          this.isTransportClosed = true;
          for (const { answer } of this.sent.splice(0)) {
            answer({ type: "failure", reason: "disconnected" });
          }
        },
      },
      observer: {
        onCommitted: (offset) => {
          this.events.push(`committed ${offset}`);
          this.onCommitted(offset);
        },
        onLeader: (epoch, leaderId) => void this.events.push(`leader ${leaderId} of ${epoch}`),
        onActive: (epoch, start) => {
          this.events.push(`active ${epoch} from ${start}`);
          this.onActive();
        },
        onInactive: (epoch) => void this.events.push(`inactive ${epoch}`),
        onFailed: (error) => void this.failures.push(error),
      },
    });
    return this;
  }

  /** Starts the only voter, and resolves when it leads and all is durable. */
  async startAlone(): Promise<this> {
    await this.open(votersOf(1));
    this.replica.start();
    await settled();
    assert(this.events.some((event) => event.startsWith("active")), String(this.events));
    this.events.length = 0;
    return this;
  }

  /** Starts one of three voters, which follows node 2 in `epoch`, and returns its first fetch. */
  async startFollower(epoch = 5): Promise<Sent> {
    await this.open(votersOf(1, 2, 3));
    this.replica.start();
    await settled();
    // It has asked some voter for the leader.
    this.sent.length = 0;
    await this.follow(2, epoch);
    return this.takeFetch();
  }

  /** Announces a leader. */
  async follow(leaderId: number, epoch: number): Promise<void> {
    await this.replica.request({
      type: "begin-quorum-epoch",
      epoch,
      leaderId,
      voter: { id: 1, directoryId: ZERO_UUID },
      endpoints: endpointsOf(leaderId),
    });
    await settled();
  }

  /** Starts one of three voters, and resolves when it leads and is active. */
  async startLeader(): Promise<this> {
    await this.open(votersOf(1, 2, 3));
    this.replica.start();
    for (let passed = 0; passed < 200 && this.replica.status.role !== "leader"; passed++) {
      this.clock.advance(20);
      await settled();
      for (const { request, answer } of this.sent.splice(0)) {
        if (request.type !== "vote") continue;
        await answer({ type: "vote", errorCode: ErrorCode.NONE, isGranted: true, leader: NOBODY });
      }
      await settled();
    }
    await this.acknowledge();
    await settled();
    assert(this.events.some((event) => event.startsWith("active")), String(this.events));
    this.sent.length = 0;
    return this;
  }

  /** Fetches at the end of the log for node 2, which acknowledges all before. */
  acknowledge(offset: number = this.replica.status.logEndOffset): Promise<RaftReply> {
    const { epoch, highWatermark } = this.replica.status;
    return this.replica.request({
      type: "fetch",
      epoch,
      replica: { id: 2, directoryId: ZERO_UUID },
      offset,
      lastEpoch: offset === 0 ? 0 : epoch,
      highWatermark,
      maxWaitMs: 0,
      maxBytes: 1 << 20,
    });
  }

  /** Removes the fetch that was sent and returns it. */
  takeFetch(): Sent {
    const index = this.sent.findIndex(({ request }) =>
      request.type === "fetch" || request.type === "fetch-snapshot"
    );
    assert(index >= 0, `No fetch among ${this.sent.map(({ request }) => request.type)}`);
    return this.sent.splice(index, 1)[0]!;
  }

  /** The types of the requests that wait for an answer. */
  get pending(): string[] {
    return this.sent.map(({ to, request }) => `${request.type} to ${to.id}`);
  }

  take(): string[] {
    return this.events.splice(0);
  }

  /** Ends the replica and closes the files. */
  async close(): Promise<void> {
    this.files.heldAt = null;
    const ended = this.replica.shutdown();
    for (let passed = 0; passed < 3; passed++) {
      await settled();
      this.files.release();
      this.clock.advance(500);
    }
    await ended;
    await this.directory.close();
    assert(this.clock.pending === 0, `${this.clock.pending} timers are left`);
    assert(this.memory.openFiles === 0, `${this.memory.openFiles} files are open`);
  }

  #send(to: Destination, request: PeerRequest): Promise<PeerAnswer | RequestFailure> {
    return new Promise((resolve) => {
      const answer = async (given: PeerAnswer | RequestFailure) => {
        resolve(given);
        await settled();
      };
      this.sent.push({ to, request, answer });
    });
  }
}

/** No leader. */
export const NOBODY: KnownLeader = { epoch: 0, leaderId: -1, endpoints: [] };

/** Returns the answer to a fetch by node 2, the leader of `epoch`. */
export function fetched(epoch: number, answer: Partial<FetchAnswer> = {}): FetchAnswer {
  return {
    type: "fetch",
    errorCode: ErrorCode.NONE,
    leader: { epoch, leaderId: 2, endpoints: endpointsOf(2) },
    highWatermark: 0,
    logStartOffset: 0,
    diverging: null,
    snapshotId: null,
    batches: [],
    ...answer,
  };
}

/** Returns a batch of one record as it is fetched. */
export function fetchedBatch(offset: number, epoch: number, count = 1): FetchedBatch {
  return {
    baseOffset: offset,
    lastOffset: offset + count - 1,
    epoch,
    control: [],
    bytes: batchOf(count, { baseOffset: offset, epoch }),
  };
}

/** Returns a batch of `count` records. */
export function batchOf(
  count: number,
  { baseOffset = 0, epoch = 0 } = {},
): Uint8Array<ArrayBuffer> {
  return encodeBatch(
    Array.from({ length: count }, () => ({ value: Uint8Array.of(1, 2, 3), timestamp: 1 })),
    { baseOffset, partitionLeaderEpoch: epoch },
  );
}

/** Resolves when everything has settled that waits for no timer. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 10; turn++) await turnOfLoop();
}

/** Returns how a promise stands: "pending", "resolved", or the error's message. */
export async function stateOf(promise: Promise<unknown>): Promise<string> {
  let state = "pending";
  promise.then(() => state = "resolved", (error) => state = (error as Error).message);
  await settled();
  return state;
}
