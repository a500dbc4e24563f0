/**
 * A node's part in the metadata quorum: its replica of the log, the loader that applies what is committed,
 * and the snapshots that keep the log short.
 *
 * @module
 */
import type { BrokerConfig } from "../config/broker_config.ts";
import { Controller, type ControllerQuorum } from "../controller/controller.ts";
import { pauseAtStart, pauseBetweenSlices } from "../log/sliced_work.ts";
import type { Logger } from "../logger.ts";
import { MetadataLoader } from "../metadata/loader.ts";
import {
  encodeMetadataRecord,
  type MetadataRecordInput,
} from "../metadata/records/metadata_record.ts";
import { ErrorCode, KafkaError } from "../protocol/errors.ts";
import {
  isControl,
  readAttributes,
  readPartitionLeaderEpoch,
  splitBatches,
} from "../protocol/records/batch.ts";
import { RecordError } from "../protocol/records/record_error.ts";
import type { RaftIdentity } from "../raft/core/state.ts";
import type { VoterSet } from "../raft/core/voter_set.ts";
import { type RaftFiles, readRaftStart } from "../raft/raft_start.ts";
import { type RaftObserver, RaftReplica, type RaftTransport } from "../raft/raft_replica.ts";
import { decodeControlBatch } from "../raft/storage/control_batches.ts";
import type { Address, Runtime, Timer } from "../runtime/runtime.ts";

const READ_BYTES = 1 << 20;
/** After so long without an active controller the node says what it waits for, ms. */
const NOTICE_AFTER_MS = 5_000;

/** The environment of a node's replica. */
export interface MetadataQuorumOptions {
  readonly runtime: Runtime;
  readonly config: BrokerConfig;
  readonly logger: Logger;
  readonly clusterId: string;
  readonly files: RaftFiles;
  /** The directory of the metadata log. */
  readonly directory: string;
  readonly self: RaftIdentity;
  readonly staticVoters: VoterSet;
  readonly bootstrapRecords: readonly MetadataRecordInput[];
  readonly transport: RaftTransport;
  /** Maximum number of replicas of a new partition. */
  readonly maxReplicas: number;
  /** Called once when the replica cannot go on, because its files have failed or cannot be understood. */
  readonly onFailed: (error: KafkaError) => void;
}

/** A node's replica of the metadata log with everything that depends on it. */
export class MetadataQuorum implements RaftObserver {
  readonly replica: RaftReplica;
  readonly loader: MetadataLoader;
  /** Null on a node that is no controller. */
  readonly controller: Controller | null;
  readonly #options: MetadataQuorumOptions;
  #committedOffset = 0;
  #isFeeding = false;
  #feeding: Promise<void> = Promise.resolve();
  #snapshot: Promise<void> | null = null;
  #leaderWaiters: (() => void)[] = [];
  /** Runs while no controller is known to be active. */
  #noLeaderTimer: Timer | null = null;
  /** When a snapshot may be written again after a failure, of the monotonic clock. */
  #nextSnapshotAt = -Infinity;
  #isServing = false;
  #hasFailed = false;
  #isClosed = false;

  private constructor(
    options: MetadataQuorumOptions,
    start: Awaited<ReturnType<typeof readRaftStart>>,
  ) {
    const { runtime, config, logger, clusterId, files, transport, bootstrapRecords } = options;
    const { maxReplicas } = options;
    const { clock } = runtime;
    this.#options = options;
    this.loader = new MetadataLoader({
      logger,
      newPause: () => this.#isServing ? pauseBetweenSlices(clock) : pauseAtStart(clock),
      nowMs: clock.now(),
    });
    this.replica = new RaftReplica(start, {
      clusterId,
      clock,
      logger,
      files,
      transport,
      observer: this,
      pause: pauseBetweenSlices(clock),
    });
    this.controller = !config.isController ? null : new Controller({
      runtime,
      config,
      logger,
      clusterId,
      loader: this.loader,
      quorum: ledQuorum(this.replica, start.self),
      bootstrapRecords,
      maxReplicas,
    });
  }

  /** Reads the files. Nothing happens before {@linkcode MetadataQuorum.start}. */
  static async open(options: MetadataQuorumOptions): Promise<MetadataQuorum> {
    const { runtime: { clock, random }, config, files, self, staticVoters } = options;
    const timing = config.quorumTiming;
    const environment = {
      timing: { ...timing, fetchMaxWaitMs: FETCH_MAX_WAIT_MS },
      below: (bound: number) => random.below(bound),
      bootstrapServers: config.quorumBootstrapServers,
    };
    const pause = pauseAtStart(clock);
    try {
      const start = await readRaftStart(files, self, environment, staticVoters, pause);
      return new MetadataQuorum(options, start);
    } catch (error) {
      throw unreadable(error, options.directory);
    }
  }

  /** Begins to take part in the quorum. */
  start(): void {
    this.replica.start();
    if (this.replica.status.leaderId < 0) this.#expectLeader();
  }

  /**
   * Resolves when everything that was committed when this was called has been applied. Rejects with a
   * `KafkaError` that says what to do if it cannot be read.
   */
  async caughtUp(): Promise<void> {
    try {
      await this.loader.waitFor(this.replica.status.highWatermark - 1);
    } catch (error) {
      throw unreadable(error, this.#options.directory);
    }
  }

  /** Marks the end of the node's start: from here on loads leave more time to clients. */
  setServing(): void {
    this.#isServing = true;
  }

  /** The active controller, or null while none is known. Its address is null while that is unknown. */
  current(): { readonly id: number; readonly address: Address | null } | null {
    const { leaderId, leaderEndpoints: [endpoint] } = this.replica.status;
    if (leaderId < 0) return null;
    return {
      id: leaderId,
      address: endpoint === undefined ? null : { host: endpoint.host, port: endpoint.port },
    };
  }

  /** Resolves after the next change of {@linkcode MetadataQuorum.current}. */
  changed(): Promise<void> {
    return new Promise((resolve) => this.#leaderWaiters.push(resolve));
  }

  onCommitted(offset: number): void {
    this.#committedOffset = offset;
    this.controller?.onCommitted(offset);
    if (!this.#isFeeding && !this.#hasFailed) this.#feeding = this.#feed();
  }

  onLeader(epoch: number, leaderId: number): void {
    if (leaderId < 0) this.#expectLeader();
    else {
      this.#noLeaderTimer?.cancel();
      this.#noLeaderTimer = null;
      if (leaderId !== this.#options.self.id) this.#reportLeader(epoch, leaderId);
    }
    for (const resolve of this.#leaderWaiters.splice(0)) resolve();
  }

  onActive(epoch: number, startOffset: number): void {
    this.controller?.onActive(epoch, startOffset);
  }

  onInactive(epoch: number): void {
    this.controller?.onInactive(epoch);
  }

  onFailed(error: KafkaError): void {
    if (this.#hasFailed) return;
    this.#hasFailed = true;
    this.#noLeaderTimer?.cancel();
    this.controller?.onInactive(this.replica.status.epoch);
    // All that wait for a change fail with the reason.
    this.loader.close(error);
    this.#options.onFailed(error);
  }

  /** Leaves the quorum, see {@linkcode RaftReplica.shutdown}. Resolves when nothing is under way. */
  async close(options: { readonly handsOver?: boolean } = {}): Promise<void> {
    this.#isClosed = true;
    this.#noLeaderTimer?.cancel();
    await this.replica.shutdown(options);
    const { leaderId, epoch } = this.replica.status;
    if (leaderId === this.#options.self.id) this.controller?.onInactive(epoch);
    await this.loader.close(
      new KafkaError(ErrorCode.NOT_CONTROLLER, "Cannot finish the request: the node shuts down"),
    );
    await this.controller?.settled();
    await this.#feeding;
    await this.#snapshot;
    for (const resolve of this.#leaderWaiters.splice(0)) resolve();
  }

  /** Loads what is committed, batch after batch, and a snapshot where the log does not reach back. */
  async #feed(): Promise<void> {
    const { loader, replica } = this;
    this.#isFeeding = true;
    try {
      while (!this.#isClosed && loader.nextOffset < this.#committedOffset) {
        if (this.#needsSnapshot()) await this.#loadSnapshot();
        else {
          const batches = replica.readCommitted(loader.nextOffset, READ_BYTES);
          // The log is being replaced by a snapshot, which is committed next.
          if (batches.length === 0) return;
          await loader.load(batches);
          this.#compareVoters(batches);
        }
        this.#writeSnapshotIfDue();
      }
    } catch (error) {
      if (!this.#isClosed) this.#fail(error);
    } finally {
      this.#isFeeding = false;
    }
  }

  /** Whether the log does not reach back to the image, or a new image can begin with a snapshot. */
  #needsSnapshot(): boolean {
    const { loader, replica } = this;
    if (loader.nextOffset < replica.status.logStartOffset) return true;
    const { latest } = this.#options.files.log.snapshots;
    return loader.nextOffset === 0 && latest !== null && latest.endOffset > 0 &&
      latest.endOffset <= this.#committedOffset;
  }

  async #loadSnapshot(): Promise<void> {
    const { snapshots } = this.#options.files.log;
    const id = snapshots.latest!;
    const { reader, close } = snapshots.read(id);
    try {
      const { lastContainedLogTimestamp } = reader.header;
      await this.loader.loadSnapshot({
        ...id,
        lastContainedLogTimestamp,
        batches: batchesOf(reader),
      });
    } finally {
      close();
    }
  }

  #writeSnapshotIfDue(): void {
    const { config: { metadataLogSettings }, runtime: { clock } } = this.#options;
    const isDue = this.#snapshot === null && clock.monotonicMs() >= this.#nextSnapshotAt &&
      this.loader.shouldSnapshot({
        nowMs: clock.now(),
        maxBytes: metadataLogSettings.maxBytesBetweenSnapshots,
        maxIntervalMs: metadataLogSettings.maxSnapshotIntervalMs,
      });
    if (!isDue) return;
    this.#snapshot = this.#writeSnapshot().catch((error) => {
      this.#options.logger.log("error", `Cannot write a snapshot: ${(error as Error).message}`);
      this.#nextSnapshotAt = clock.monotonicMs() + SNAPSHOT_RETRY_MS;
    }).finally(() => this.#snapshot = null);
  }

  /** Writes a snapshot, in slices while loads go on, and moves the start of the log behind old ones. */
  async #writeSnapshot(): Promise<void> {
    const { loader, replica } = this;
    const { config: { metadataLogSettings }, runtime: { clock } } = this.#options;
    const captured = await loader.capture();
    if (captured === null || this.#isClosed) return;
    const pause = pauseBetweenSlices(clock);
    const { endOffset, lastContainedLogTimestamp } = captured;
    // The leader may have sent this snapshot, or a newer one, meanwhile.
    if (endOffset <= (this.#options.files.log.snapshots.latest?.endOffset ?? 0)) {
      return loader.snapshotWritten(captured, clock.now());
    }
    const { draft, writer } = replica.beginSnapshot(endOffset, lastContainedLogTimestamp);
    try {
      let count = 0;
      for (const record of captured.records()) {
        writer.append(encodeMetadataRecord(record));
        if (++count % RECORDS_PER_STEP === 0) await pause();
        if (this.#isClosed) return draft.abandon();
      }
      writer.finish();
    } catch (error) {
      draft.abandon();
      throw error;
    }
    await replica.publishSnapshot(draft, {
      maxBytes: metadataLogSettings.retentionBytes,
      maxAgeMs: metadataLogSettings.retentionMs,
    });
    loader.snapshotWritten(captured, clock.now());
  }

  /** Says what the node waits for if no controller is active for long. */
  #expectLeader(): void {
    const { config, logger, runtime: { clock }, self } = this.#options;
    const controllers = [...config.quorumVoters, ...config.quorumBootstrapServers];
    if (this.#isClosed || this.#hasFailed || this.#noLeaderTimer !== null) return;
    if (controllers.length === 0) return;
    this.#noLeaderTimer = clock.setTimer(NOTICE_AFTER_MS, () => {
      const addresses = controllers.map(({ host, port }) => `${host}:${port}`).join(", ");
      logger.log(
        "warn",
        `Node ${self.id} has found no active controller for ${
          NOTICE_AFTER_MS / 1_000
        } s; start the controllers ` +
          `${addresses}, of which a majority must run and reach each other, or correct ` +
          "controller.quorum.voters or controller.quorum.bootstrap.servers",
      );
    });
  }

  /**
   * Warns if the active controller has other voters in its configuration than this node. Nodes with different
   * lists could elect two controllers, and there is no other moment at which one sees the list of another.
   */
  #compareVoters(batches: Uint8Array): void {
    const { config, logger, self } = this.#options;
    const { kraftVersion, epoch } = this.replica.status;
    if (kraftVersion > 0 || config.quorumVoters.length === 0) return;
    const own = config.quorumVoters.map(({ id }) => id);
    for (const { start } of splitBatches(batches, { allowPartial: false })) {
      if (!isControl(readAttributes(batches, start))) continue;
      // Lists of earlier epochs may have been corrected since.
      if (readPartitionLeaderEpoch(batches, start) !== epoch) continue;
      for (const record of decodeControlBatch(batches, start).records) {
        if (record.type !== "leader-change" || !own.includes(record.leaderId)) continue;
        const [ours, theirs] = [own, record.voterIds].map((ids) =>
          ids.toSorted((a, b) => a - b).join(", ")
        );
        if (ours === theirs) continue;
        logger.log(
          "warn",
          `The controller.quorum.voters of the active controller, node ${record.leaderId}, have the ids ${theirs}, ` +
            `those of node ${self.id} have ${ours}; set the same list on all nodes and start them again`,
        );
      }
    }
  }

  #reportLeader(epoch: number, leaderId: number): void {
    const { logger, self } = this.#options;
    const { kraftVersion, voters } = this.replica.status;
    const text = `Node ${leaderId} is the active controller of epoch ${epoch}`;
    const ids = [...voters].map(({ id }) => id);
    if (kraftVersion > 0 || ids.length === 0 || ids.includes(leaderId)) {
      return logger.log("info", text);
    }
    logger.log(
      "warn",
      `${text}, and controller.quorum.voters of node ${self.id} has only ${
        ids.join(", ")
      }; set the same list on ` +
        "all nodes and start them again",
    );
  }

  /** Ends the node, since what is committed cannot be applied. */
  #fail(cause: unknown): void {
    const error = unreadable(cause, this.#options.directory);
    this.replica.shutdown().catch(() => {});
    this.onFailed(error);
  }
}

/** Returns the error of a node whose metadata cannot be read because of `cause`. */
function unreadable(cause: unknown, directory: string): KafkaError {
  if (cause instanceof KafkaError) return cause;
  const { message } = cause as Error;
  return cause instanceof RecordError
    ? new KafkaError(
      ErrorCode.KAFKA_STORAGE_ERROR,
      `Cannot read the metadata log in ${directory}: ${message}; restore its files from a copy`,
      { cause },
    )
    : new KafkaError(ErrorCode.UNKNOWN_SERVER_ERROR, message, { cause });
}

/** How long a leader may hold a fetch without news, ms, as in Kafka. */
const FETCH_MAX_WAIT_MS = 500;
const RECORDS_PER_STEP = 64;
/** How long a failed snapshot is not tried again, ms: each attempt writes the whole state. */
const SNAPSHOT_RETRY_MS = 60_000;

function* batchesOf(reader: { next(): Uint8Array | null }): Generator<Uint8Array> {
  for (let batch = reader.next(); batch !== null; batch = reader.next()) yield batch;
}

/** The quorum as its controller sees it. */
function ledQuorum(replica: RaftReplica, self: RaftIdentity): ControllerQuorum {
  return {
    get endOffset() {
      return replica.status.logEndOffset;
    },
    get kraftVersion() {
      return replica.status.kraftVersion;
    },
    get hasFollowers() {
      return replica.status.replicas.length > 0;
    },
    get isSoleVoter() {
      return replica.status.voters.isOnly(self);
    },
    get leaderId() {
      return replica.status.leaderId;
    },
    propose: (batch, recordCount) => replica.propose(batch, recordCount),
    upgradeKRaftVersion: () => {
      const refusal = replica.upgradeKRaftVersion();
      if (refusal !== null) {
        throw new KafkaError(refusal.code, `Cannot raise kraft.version: ${refusal.why}`);
      }
    },
    resign: () => replica.resign(),
  };
}
