/**
 * A replica of the quorum: executes the effects of the core on files and connections, and feeds their
 * results back. It has one timer, and appends, truncations and saves follow one another.
 *
 * @module
 */
import { assert } from "../assert.ts";
import type { Logger } from "../logger.ts";
import { asKafkaError } from "../log/storage_error.ts";
import { ErrorCode, KafkaError } from "../protocol/errors.ts";
import type { Int64 } from "../protocol/int64.ts";
import type { Pause } from "../protocol/records/compression/steps.ts";
import type { Clock, Timer } from "../runtime/runtime.ts";
import { appendTo } from "./append_effect.ts";
import { RaftCore, type RaftStart, type RaftStatus } from "./core/core.ts";
import type { Destination, Effect } from "./core/effects.ts";
import type { SnapshotId } from "./core/epoch_log.ts";
import type { PeerAnswer, PeerRequest, RaftRequest, RequestFailure } from "./core/messages.ts";
import { type RaftFiles, storedState } from "./raft_start.ts";
import { HeldWork } from "./held_work.ts";
import { LogFlusher } from "./log_flusher.ts";
import { ReceivedSnapshot, type SnapshotContent } from "./received_snapshot.ts";
import { readReply } from "./reply.ts";
import type { RaftReply, RaftRequests } from "./requests.ts";
import type { SnapshotDraft } from "./storage/snapshot_draft.ts";
import type { SnapshotWriter } from "./storage/snapshot_writer.ts";

/** How long an orderly shutdown waits until the other voters have heard of it, ms. */
const FAREWELL_MS = 500;
/** The longest time that a timer of the host can wait. The core takes a tick that comes early. */
const MAX_DELAY_MS = 2 ** 31 - 1;
const NO_RECORDS = new Uint8Array(0);

/** Sends requests to other replicas. The promises never reject. */
export interface RaftTransport {
  send(to: Destination, request: PeerRequest): Promise<PeerAnswer | RequestFailure>;
  /** Resolves with the levels of `kraft.version` that the node at `to` supports, or null. */
  probe(to: Destination): Promise<{ readonly min: number; readonly max: number } | null>;
  /** Ends all connections. Requests in flight fail. */
  close(): void;
}

/** Follows what happens to the quorum. The methods are called in order and must not throw. */
export interface RaftObserver {
  /** The records below `offset` are committed. */
  onCommitted(offset: number): void;
  /** The epoch or its leader has changed; -1 while none is known. */
  onLeader(epoch: number, leaderId: number): void;
  /** This replica leads `epoch`; everything before `startOffset` is committed. */
  onActive(epoch: number, startOffset: number): void;
  /** This replica leads `epoch` no more. */
  onInactive(epoch: number): void;
  /** The files of the replica have failed, and it has stopped. */
  onFailed(error: KafkaError): void;
}

/** The environment of a replica. */
export interface RaftReplicaOptions {
  readonly clusterId: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly files: RaftFiles;
  readonly transport: RaftTransport;
  readonly observer: RaftObserver;
  /** Awaited between two steps of the check of a fetched snapshot. */
  readonly pause: Pause;
}

/** A snapshot that is being written. */
export interface NewSnapshot {
  readonly draft: SnapshotDraft;
  readonly writer: SnapshotWriter;
}

/** A running replica. */
export class RaftReplica implements RaftRequests {
  readonly clusterId: string;
  readonly nodeId: number;
  readonly #options: RaftReplicaOptions;
  readonly #core: RaftCore;
  readonly #effects: Effect[] = [];
  #isExecuting = false;
  #timer: { readonly at: number; readonly timer: Timer } | null = null;
  readonly #held = new HeldWork();
  readonly #callers = new Map<number, PromiseWithResolvers<RaftReply>>();
  #nextToken = 0;
  readonly #flusher: LogFlusher;
  readonly #received: ReceivedSnapshot;
  /** Set when the replica has stopped; the reason for requests since then. */
  #stopped: KafkaError | null = null;
  #shutdown: Promise<void> | null = null;
  #farewell: (() => void) | null = null;
  /** Writes under way. */
  readonly #writes = new Set<Promise<unknown>>();

  /** Nothing happens before {@linkcode RaftReplica.start}. */
  constructor(start: RaftStart, options: RaftReplicaOptions) {
    this.clusterId = options.clusterId;
    this.nodeId = start.self.id;
    this.#options = options;
    this.#core = new RaftCore(start);
    const { clock, files: { log } } = options;
    this.#received = new ReceivedSnapshot(log.snapshots);
    this.#flusher = new LogFlusher({
      log,
      clock,
      isStopped: () => this.#stopped !== null,
      onDurable: (offset) => this.#run((core, now) => core.persisted(offset, now)),
    });
  }

  get status(): RaftStatus {
    return this.#core.status;
  }

  get nowMs(): number {
    return this.#now;
  }

  /** Begins the work. */
  start(): void {
    this.#run((core, now) => core.start(now));
  }

  /** Takes a request of another replica or of a tool. Rejects with the reason when the replica has stopped. */
  request(request: RaftRequest): Promise<RaftReply> {
    if (this.#stopped !== null) return Promise.reject(this.#stopped);
    const token = this.#nextToken++;
    const caller = Promise.withResolvers<RaftReply>();
    this.#callers.set(token, caller);
    this.#run((core, now) => core.request(request, token, now));
    return caller.promise;
  }

  /**
   * Appends a batch of `recordCount` records, if this replica leads and is active. Returns the position of
   * the first record, or null. The records are committed when `onCommitted` passes them, and may be lost when
   * `onInactive` comes first.
   */
  propose(
    batch: Uint8Array,
    recordCount: number,
  ): { readonly offset: number; readonly epoch: number } | null {
    let position: { readonly offset: number; readonly epoch: number } | null = null;
    this.#run((core, now) => {
      const proposed = core.propose(batch, recordCount, now);
      position = proposed.position;
      return proposed.effects;
    });
    return position;
  }

  /** Returns whole committed batches from `offset` on, copied, of about `maxBytes`; empty if there are none. */
  readCommitted(offset: number, maxBytes: number): Uint8Array {
    const { highWatermark } = this.status;
    const { log } = this.#options.files;
    if (offset >= Math.min(highWatermark, log.endOffset)) return NO_RECORDS;
    const source = log.read(offset, maxBytes, highWatermark);
    const bytes = new Uint8Array(source.byteLength);
    source.copyTo(bytes, 0);
    return bytes;
  }

  /** Gives up the leadership, since what it decides has failed. */
  resign(): void {
    this.#run((core, now) => core.resign(now));
  }

  /** Raises `kraft.version` to 1. Returns the reason if that is refused. */
  upgradeKRaftVersion(): { readonly code: ErrorCode; readonly why: string } | null {
    let refusal: { readonly code: ErrorCode; readonly why: string } | null = null;
    this.#run((core, now) => {
      const upgraded = core.upgradeKRaftVersion(now);
      refusal = upgraded.refusal;
      return upgraded.effects;
    });
    return refusal;
  }

  /**
   * Begins a snapshot of the records before `endOffset`, which are committed. The caller writes the records
   * and finishes the writer, then {@linkcode RaftReplica.publishSnapshot} makes it known.
   */
  beginSnapshot(endOffset: number, lastContainedLogTimestamp: Int64): NewSnapshot {
    const { clock, files: { log } } = this.#options;
    const id = this.#core.snapshotIdAt(endOffset);
    const { voters, kraftVersion } = this.#core.votersBefore(endOffset);
    const draft = log.snapshots.create(id);
    const header = {
      lastContainedLogTimestamp,
      kraftVersion,
      voters: kraftVersion > 0 ? [...voters] : null,
    };
    return { draft, writer: draft.writer(header, () => clock.now()) };
  }

  /**
   * Publishes a snapshot and moves the log's start as `retention` asks. Drops it if a newer one, which was
   * fetched, has replaced the log meanwhile.
   */
  async publishSnapshot(
    draft: SnapshotDraft,
    retention: { readonly maxBytes: number; readonly maxAgeMs: number },
  ): Promise<void> {
    const { log } = this.#options.files;
    await draft.publish();
    if (this.#stopped !== null) return;
    if (draft.id.endOffset <= this.status.logStartOffset) {
      return log.snapshots.deleteBefore(log.snapshots.latest!);
    }
    this.#run((core, now) => core.snapshotWritten(draft.id, now));
    for (;;) {
      const id = log.nextStart({ ...retention, nowMs: this.#options.clock.now() });
      // The core does not know a snapshot that is being published.
      if (id === null || this.#stopped !== null || this.#received.isPublishing) return;
      // No answer may promise records that are being deleted.
      this.#run((core, now) => core.logCut(id, now));
      await log.deleteBeforeSnapshot(id);
    }
  }

  /**
   * Ends, and resolves when no write is under way. With `handsOver`, the default, a leader gives up the
   * leadership first and waits until the other voters know.
   */
  shutdown({ handsOver = true }: { readonly handsOver?: boolean } = {}): Promise<void> {
    return this.#shutdown ??= this.#end(handsOver);
  }

  get #now(): number {
    return this.#options.clock.monotonicMs();
  }

  async #end(handsOver: boolean): Promise<void> {
    if (handsOver && this.#stopped === null) {
      this.#run((core, now) => core.shutdown(now));
      await this.#sayFarewell();
    }
    if (this.#stopped === null) {
      this.#stop(
        new KafkaError(
          ErrorCode.NOT_LEADER_OR_FOLLOWER,
          "Cannot answer: this controller is shutting down",
        ),
      );
    }
    await Promise.allSettled(this.#writes);
  }

  /** Waits for a moment until the other voters have heard that this leader has given up. */
  async #sayFarewell(): Promise<void> {
    if (this.#stopped !== null || this.#core.isFarewellOver) return;
    await new Promise<void>((resolve) => {
      const timer = this.#options.clock.setTimer(FAREWELL_MS, resolve);
      this.#farewell = () => {
        timer.cancel();
        resolve();
      };
    });
  }

  /**
   * Runs an event of the core and executes its effects in order. An effect of an event that another effect
   * caused comes after those before it. A violated invariant stops the replica, and nothing beside it.
   */
  #run(event: (core: RaftCore, now: number) => readonly Effect[]): void {
    if (this.#stopped !== null) return;
    try {
      this.#effects.push(...event(this.#core, this.#now));
    } catch (error) {
      return this.#fail(error);
    }
    if (!this.#isExecuting) this.#execute();
  }

  /** Executes effects until none is left, or one of them takes time: the rest follows it. */
  #execute(): void {
    this.#isExecuting = true;
    while (this.#stopped === null) {
      const effect = this.#effects.shift();
      if (effect === undefined) break;
      let work: Promise<void> | null;
      try {
        work = this.#do(effect);
      } catch (error) {
        this.#fail(error);
        break;
      }
      if (work === null) continue;
      this.#track(work.then(() => this.#execute()));
      return;
    }
    this.#isExecuting = false;
    if (this.#stopped !== null) return;
    if (this.#farewell !== null && this.#core.isFarewellOver) this.#farewell();
    this.#setTimer();
  }

  #do(effect: Effect): Promise<void> | null {
    const { observer, logger } = this.#options;
    switch (effect.type) {
      case "save":
        this.#save(effect);
        return null;
      case "append":
      case "append-control":
      case "append-fetched":
        appendTo(this.#options.files.log, effect, this.#options.clock);
        this.#track(this.#flusher.request());
        return null;
      case "truncate":
        return this.#truncate(effect.endOffset);
      case "truncate-fully":
        return this.#options.files.log.truncateFully(effect.id);
      case "write-snapshot":
        this.#received.write(effect.id, effect.position, effect.bytes);
        return null;
      case "publish-snapshot":
        this.#track(this.#received.publish(effect.id, {
          pause: this.#options.pause,
          report: (content) => this.#takeSnapshot(effect.id, content),
        }));
        return null;
      case "send": {
        const { correlationId, to, request } = effect;
        this.#held.hold(effect.requires, () => this.#send(correlationId, to, request));
        return null;
      }
      case "answer": {
        const reply = readReply(this.#options.files.log, effect.answer);
        this.#held.hold(effect.requires, () => this.#answer(effect.token, reply));
        return null;
      }
      case "probe":
        this.#probe(effect.token, { id: effect.voter.id, address: effect.address });
        return null;
      case "committed":
        observer.onCommitted(effect.offset);
        return null;
      case "leader":
        observer.onLeader(effect.epoch, effect.leaderId);
        return null;
      case "active":
        observer.onActive(effect.epoch, effect.startOffset);
        return null;
      case "inactive":
        observer.onInactive(effect.epoch);
        return null;
      case "voters":
        return null;
      case "notice":
        logger.log(effect.level, effect.text);
        return null;
    }
  }

  #save({ sequence, state }: Effect & { type: "save" }): void {
    const { kraftVersion, voters } = this.#core.status;
    const { quorumState } = this.#options.files;
    const write = quorumState.write(storedState(state, kraftVersion, voters)).then(() => {
      if (this.#stopped !== null) return;
      this.#held.release(sequence);
      this.#run((core, now) => core.saved(sequence, now));
    });
    this.#track(write);
  }

  async #truncate(endOffset: number): Promise<void> {
    const reached = await this.#options.files.log.truncateTo(endOffset);
    assert(reached === endOffset, `The metadata log was truncated to ${reached}, not ${endOffset}`);
  }

  async #send(correlationId: number, to: Destination, request: PeerRequest): Promise<void> {
    const answer = await this.#options.transport.send(to, request);
    this.#run((core, now) => core.answered(correlationId, answer, now));
  }

  async #probe(token: number, to: Destination): Promise<void> {
    const supported = await this.#options.transport.probe(to);
    this.#run((core, now) => core.probed(token, supported, now));
  }

  #answer(token: number, reply: RaftReply): void {
    this.#callers.get(token)?.resolve(reply);
    this.#callers.delete(token);
  }

  /** Takes a fetched snapshot, or the reason why it cannot be used. */
  #takeSnapshot(id: SnapshotId, content: SnapshotContent | Error): void {
    if (this.#stopped !== null) return;
    this.#run((core, now) =>
      content instanceof Error
        ? core.snapshotRejected(id, content.message, now)
        : core.snapshotFetched(id, content, now)
    );
    // The log has grown meanwhile, and does not need it.
    const isUnused = !(content instanceof Error) && this.status.logStartOffset !== id.endOffset;
    if (isUnused) this.#options.files.log.snapshots.delete(id);
  }

  #setTimer(): void {
    const at = this.#core.wakeAt;
    if (this.#timer?.at === at) return;
    this.#timer?.timer.cancel();
    this.#timer = null;
    if (at === Infinity) return;
    const delayMs = Math.min(MAX_DELAY_MS, Math.max(0, Math.ceil(at - this.#now)));
    const timer = this.#options.clock.setTimer(delayMs, () => {
      this.#timer = null;
      this.#run((core, now) => core.tick(now));
    });
    this.#timer = { at, timer };
  }

  /** Keeps the end from coming before `work` has ended. Its failure stops the replica. */
  #track(work: Promise<void>): void {
    const tracked = work.catch((error) => this.#fail(error)).finally(() => {
      this.#writes.delete(tracked);
    });
    this.#writes.add(tracked);
  }

  #fail(error: unknown): void {
    if (this.#stopped !== null) return;
    const failure = asKafkaError("Cannot go on as a replica of the metadata log", error);
    const reason = failure instanceof KafkaError ? failure : new KafkaError(
      ErrorCode.UNKNOWN_SERVER_ERROR,
      `Cannot go on as a replica of the metadata log: ${(error as Error).message}`,
      { cause: error },
    );
    this.#stop(reason);
    this.#options.observer.onFailed(reason);
  }

  #stop(reason: KafkaError): void {
    this.#stopped = reason;
    this.#timer?.timer.cancel();
    this.#timer = null;
    this.#effects.length = 0;
    this.#held.clear();
    this.#received.abandon();
    this.#farewell?.();
    this.#options.transport.close();
    for (const caller of this.#callers.values()) caller.reject(reason);
    this.#callers.clear();
  }
}
