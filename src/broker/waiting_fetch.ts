/**
 * A fetch that waits until its partitions have enough bytes. It counts them as they come: only the
 * partitions that have changed are looked at again.
 *
 * @module
 */
import type { Clock, Timer } from "../runtime/runtime.ts";
import type { Partition, PartitionReader } from "../replication/partition.ts";
import type { Reader, ReadPosition } from "../replication/partition_read.ts";

/** What a waiting fetch reads, and what it waits for. */
export interface WaitingFetchOptions {
  readonly clock: Clock;
  readonly reader: Reader;
  readonly minBytes: number;
  readonly maxWaitMs: number;
  /** Answers the fetch with what there is. Called once. */
  readonly answer: () => void;
}

/** One partition of a waiting fetch. */
class WaitingRead implements PartitionReader {
  /** The bytes that were there when it was last looked at. */
  bytes = 0;
  hasNews = true;

  constructor(
    readonly fetch: WaitingFetch,
    readonly partition: Partition,
    readonly position: ReadPosition,
    readonly isReplica: boolean,
  ) {}

  onNews(): void {
    if (this.hasNews) return;
    this.hasNews = true;
    this.fetch.onNews(this);
  }

  onRemoved(): void {
    this.onNews();
  }
}

/** A fetch whose answer is not sent yet. */
export class WaitingFetch {
  readonly #options: WaitingFetchOptions;
  readonly #reads: WaitingRead[] = [];
  readonly #timer: Timer;
  #news: WaitingRead[] = [];
  #bytes = 0;
  #isDone = false;

  /** Waits from now on. Add its partitions before the current task ends. */
  constructor(options: WaitingFetchOptions) {
    this.#options = options;
    this.#timer = options.clock.setTimer(options.maxWaitMs, () => this.end());
  }

  /** Waits for the bytes of `partition` from `position` on. */
  add(partition: Partition, position: ReadPosition): void {
    const { reader } = this.#options;
    const read = new WaitingRead(this, partition, position, reader.replicaId >= 0);
    this.#reads.push(read);
    partition.addReader(read);
    this.onNews(read);
  }

  /** `read` has to be looked at again: once for all that happens in the current task. */
  onNews(read: WaitingRead): void {
    if (this.#news.length === 0) queueMicrotask(() => this.#count());
    this.#news.push(read);
  }

  /** Answers with what there is. */
  end(): void {
    if (this.#isDone) return;
    this.#isDone = true;
    this.#timer.cancel();
    for (const read of this.#reads) read.partition.removeReader(read);
    this.#options.answer();
  }

  #count(): void {
    const { reader, minBytes } = this.#options;
    const news = this.#news;
    this.#news = [];
    if (this.#isDone) return;
    for (const read of news) {
      read.hasNews = false;
      const bytes = read.partition.readableBytes(read.position, reader);
      if (bytes === null) return this.end();
      this.#bytes += bytes - read.bytes;
      read.bytes = bytes;
    }
    if (this.#bytes >= minBytes) this.end();
  }
}
