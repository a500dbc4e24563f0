/**
 * The metadata loader of a node: applies what the quorum has committed, batches of the metadata log
 * and snapshots of it, to the node's image and publishes each change to the listeners. It reads no
 * file and no clock: the caller hands over bytes.
 *
 * @module
 */
import { assert } from "../assert.ts";
import type { Logger } from "../logger.ts";
import type { Int64 } from "../protocol/int64.ts";
import { readBaseOffset } from "../protocol/records/batch.ts";
import type { Pause } from "../protocol/records/compression/steps.ts";
import { type ApplyOptions, BatchApplier } from "./batch_applier.ts";
import type { MetadataImage } from "./image.ts";
import type { MetadataListener } from "./listener.ts";
import { METADATA_PARTITION } from "./metadata_log.ts";
import { OffsetWaiters } from "./offset_waiters.ts";
import { MetadataState } from "./metadata_state.ts";
import type { MetadataRecord } from "./records/metadata_record.ts";
import { CapturedState } from "./snapshot_records.ts";
import { transition } from "./state_transition.ts";

/** The dependencies of a metadata loader. */
export interface MetadataLoaderOptions {
  readonly logger: Logger;
  /** Returns the function that a load awaits between two parts of its work. */
  readonly newPause: () => Pause;
  /** The time at which the loader is made, ms since 1970. */
  readonly nowMs: number;
}

/** A snapshot to load. */
export interface LoadableSnapshot {
  /** The offset after the last record that it contains. */
  readonly endOffset: number;
  /** The leader epoch of that record. */
  readonly epoch: number;
  /** The `lastContainedLogTimestamp` of its header. */
  readonly lastContainedLogTimestamp: Int64;
  /**
   * Its record batches in order, one or more to an array, with or without the control batches at both
   * ends. The bytes are not used after the next array has been drawn.
   */
  readonly batches: AsyncIterable<Uint8Array> | Iterable<Uint8Array>;
}

/** The contents of a snapshot to write. */
export interface CapturedSnapshot {
  /** The offset after the last record that it contains, which is the last of a batch. */
  readonly endOffset: number;
  /** The leader epoch of that record. */
  readonly epoch: number;
  /** The `lastContainedLogTimestamp` of its header. */
  readonly lastContainedLogTimestamp: Int64;
  /** The size of all batches loaded so far. */
  readonly loadedBytes: number;
  /** Returns the records, each made when it is drawn. */
  records(): Generator<MetadataRecord, void, undefined>;
}

/** When a snapshot is due. */
export interface SnapshotLimits {
  /** Milliseconds since 1970. */
  readonly nowMs: number;
  /** `metadata.log.max.record.bytes.between.snapshots`. */
  readonly maxBytes: number;
  /** `metadata.log.max.snapshot.interval.ms`; 0 disables snapshots by time. */
  readonly maxIntervalMs: number;
}

/** Whether a loader can load. */
type Status =
  | { readonly kind: "open" }
  | { readonly kind: "closed"; readonly reason: Error };

/**
 * Applies committed metadata and publishes the changes. Calls are carried out one at a time in the order
 * in which they are made.
 */
export class MetadataLoader {
  readonly #options: MetadataLoaderOptions;
  readonly #applier = new BatchApplier(METADATA_PARTITION);
  readonly #listeners: MetadataListener[] = [];
  readonly #waiters = new OffsetWaiters();
  /** Those that an open transaction does not hold up. */
  readonly #loadWaiters = new OffsetWaiters();
  #status: Status = { kind: "open" };
  #last: Promise<unknown> = Promise.resolve();
  /** The last offset of which all listeners have processed the changes. */
  #publishedOffset = -1;
  /** The last offset of which all batches have been loaded, those of an open transaction included. */
  #loadedOffset = -1;
  #loadedBytes = 0;
  #snapshot: { readonly offset: number; readonly loadedBytes: number; readonly timeMs: number };

  constructor(options: MetadataLoaderOptions) {
    this.#options = options;
    this.#snapshot = { offset: -1, loadedBytes: 0, timeMs: options.nowMs };
  }

  /** The image, always the same live view. */
  get image(): MetadataImage {
    return this.#applier.state;
  }

  /**
   * The offset of the last record that has been applied and published, -1 before the first. It stays
   * before an open metadata transaction until that ends.
   */
  get offset(): number {
    return this.#publishedOffset;
  }

  /** The offset of the next batch to load, unless calls are waiting. */
  get nextOffset(): number {
    return this.#applier.nextOffset;
  }

  /** Whether a metadata transaction is open. */
  get isInTransaction(): boolean {
    return this.#applier.isInTransaction;
  }

  /**
   * Registers a listener after the loads requested so far. It receives the changes from then on;
   * `start`, which no load interrupts, can bring it to the image as it is then. Listeners are called in
   * the order of registration.
   */
  addListener(
    listener: MetadataListener,
    start?: (image: MetadataImage, pause: Pause) => Promise<void> | void,
  ): Promise<void> {
    return this.#enqueue(async () => {
      await start?.(this.image, this.#options.newPause());
      this.#listeners.push(listener);
    });
  }

  /**
   * Loads committed batches, the first of which begins at {@linkcode MetadataLoader.nextOffset}. The
   * promise settles once the listeners have processed all of them; `bytes` must not change until then.
   * Rejects with an Error that says what to do if a record is of an unknown type or version. The loader
   * is then closed with that error, since what follows cannot be applied without it.
   */
  load(bytes: Uint8Array): Promise<void> {
    return this.#enqueue(async () => {
      const options = this.#publishing();
      for (let at = 0; at < bytes.length;) {
        const end = await this.#applier.apply(bytes, at, options);
        this.#loadedBytes += end - at;
        at = end;
        await this.#published();
      }
    }, { closesOnError: true });
  }

  /**
   * Loads a snapshot that ends after {@linkcode MetadataLoader.offset} and publishes what differs from
   * the image, topic by topic. Drops an open transaction, which the snapshot contains if it was not
   * aborted. Rejects as {@linkcode MetadataLoader.load}, having changed nothing if a record cannot be
   * decoded.
   */
  loadSnapshot(snapshot: LoadableSnapshot): Promise<void> {
    return this.#enqueue(async () => {
      const { endOffset, epoch, lastContainedLogTimestamp: timestamp } = snapshot;
      const { state } = this.#applier;
      assert(
        endOffset > state.offset + 1,
        `The snapshot before ${endOffset} does not follow the metadata at ${state.offset}`,
      );
      const publishing = this.#publishing();
      const contents = await readSnapshot(snapshot, publishing.pause);
      await this.#applier.applyChanges(
        transition(state, contents),
        { offset: endOffset - 1, epoch, timestamp },
        publishing,
      );
      const { loadedBytes, timeMs } = this.#snapshot;
      this.#snapshot = { offset: state.offset, loadedBytes, timeMs };
      await this.#published();
    }, { closesOnError: true });
  }

  /**
   * Resolves once the changes up to `offset` have been applied and published. Rejects with the reason if
   * the loader is closed first. Must not be awaited by a listener.
   */
  waitFor(offset: number): Promise<void> {
    if (offset <= this.#publishedOffset) return Promise.resolve();
    if (this.#status.kind === "closed") return Promise.reject(this.#status.reason);
    return this.#waiters.add(offset);
  }

  /**
   * Like {@linkcode MetadataLoader.waitFor}, but does not wait for the end of a transaction that is open at
   * `offset`, which may be for the caller to abort.
   */
  waitUntilLoaded(offset: number): Promise<void> {
    if (offset <= this.#loadedOffset) return Promise.resolve();
    if (this.#status.kind === "closed") return Promise.reject(this.#status.reason);
    return this.#loadWaiters.add(offset);
  }

  /**
   * Returns whether a snapshot is due: more than `maxBytes` of batches have been loaded since the last
   * snapshot, or the interval has passed and it has become older than the image. Never inside a
   * transaction.
   */
  shouldSnapshot({ nowMs, maxBytes, maxIntervalMs }: SnapshotLimits): boolean {
    const { state } = this.#applier;
    if (this.#status.kind !== "open" || this.isInTransaction) return false;
    if (state.offset <= this.#snapshot.offset) return false;
    if (this.#loadedBytes - this.#snapshot.loadedBytes >= maxBytes) return true;
    return maxIntervalMs > 0 && nowMs - this.#snapshot.timeMs >= maxIntervalMs;
  }

  /**
   * Captures the image after the loads requested so far. Loads may continue while the records are
   * written. Resolves with null before the first record and inside a transaction, where there is no
   * offset at which a snapshot could end.
   */
  capture(): Promise<CapturedSnapshot | null> {
    return this.#enqueue(() => {
      const { state, isInTransaction, lastTimestamp } = this.#applier;
      if (state.offset < 0 || isInTransaction) return null;
      const captured = new CapturedState(state);
      return {
        endOffset: state.offset + 1,
        epoch: state.epoch,
        lastContainedLogTimestamp: lastTimestamp,
        loadedBytes: this.#loadedBytes,
        records: () => captured.records(),
      };
    });
  }

  /**
   * Resolves with a copy of the state after the loads requested so far, for decisions that are ahead of
   * what is committed.
   */
  fork(): Promise<BatchApplier> {
    return this.#enqueue(async () => {
      const { state, lastTimestamp: timestamp } = this.#applier;
      const { offset, epoch } = state;
      const copy = new BatchApplier(METADATA_PARTITION);
      if (offset < 0) return copy;
      const pause = this.#options.newPause();
      const changes = transition(copy.state, state);
      await copy.applyChanges(changes, { offset, epoch, timestamp }, { pause });
      return copy;
    });
  }

  /** Records that a captured snapshot has been written: the next is due by what follows it. */
  snapshotWritten({ endOffset, loadedBytes }: CapturedSnapshot, nowMs: number): void {
    if (endOffset - 1 <= this.#snapshot.offset) return;
    this.#snapshot = { offset: endOffset - 1, loadedBytes, timeMs: nowMs };
  }

  /**
   * Stops loading: a running load ends at its next pause. Waiting calls and calls from now on reject
   * with `reason`. Resolves when no load is running.
   */
  async close(reason: Error): Promise<void> {
    this.#close(reason);
    await this.#last;
  }

  #close(reason: Error): void {
    if (this.#status.kind === "closed") return;
    this.#status = { kind: "closed", reason };
    this.#waiters.rejectAll(reason);
    this.#loadWaiters.rejectAll(reason);
  }

  /** Completes a batch or a snapshot for the listeners and for the requests that wait for it. */
  async #published(): Promise<void> {
    await this.#notify((listener) => listener.finish?.());
    this.#publishedOffset = this.#applier.state.offset;
    this.#waiters.release(this.#publishedOffset);
    this.#loadedOffset = this.#applier.nextOffset - 1;
    this.#loadWaiters.release(this.#loadedOffset);
  }

  #publishing(): ApplyOptions {
    const rest = this.#options.newPause();
    return {
      pause: async () => {
        if (this.#status.kind === "closed") throw this.#status.reason;
        await rest();
      },
      prepare: (delta, pause) => this.#notify((listener) => listener.prepare?.(delta, pause)),
      apply: (delta, pause) => this.#notify((listener) => listener.apply?.(delta, pause)),
    };
  }

  async #notify(call: (listener: MetadataListener) => void | Promise<void>): Promise<void> {
    for (const listener of this.#listeners) {
      try {
        await call(listener);
      } catch (error) {
        if (this.#status.kind === "closed") throw error;
        // The change is committed and remains valid; only this listener failed to process it.
        this.#options.logger.log(
          "error",
          `Cannot process the metadata from offset ${this.#applier.nextOffset}: ` +
            (error as Error).message,
        );
      }
    }
  }

  /** Runs `work` after all earlier calls, unless the loader is closed by then. */
  #enqueue<Result>(
    work: () => Promise<Result> | Result,
    { closesOnError = false }: { readonly closesOnError?: boolean } = {},
  ): Promise<Result> {
    const turn = this.#last.then(async () => {
      if (this.#status.kind === "closed") throw this.#status.reason;
      try {
        return await work();
      } catch (error) {
        if (closesOnError) this.#close(error as Error);
        throw error;
      }
    });
    this.#last = turn.then(() => {}, () => {});
    return turn;
  }
}

/** Resolves with the state that a snapshot contains. */
async function readSnapshot(
  { endOffset, epoch, batches }: LoadableSnapshot,
  pause: Pause,
): Promise<MetadataState> {
  const name = `the snapshot ${endOffset}-${epoch} of ${METADATA_PARTITION}`;
  let applier: BatchApplier | null = null;
  for await (const bytes of batches) {
    for (let at = 0; at < bytes.length;) {
      // The control records of the header have the first offsets.
      applier ??= new BatchApplier(name, readBaseOffset(bytes, at));
      at = await applier.apply(bytes, at, { pause });
    }
  }
  return applier?.state ?? new MetadataState();
}
