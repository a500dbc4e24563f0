/**
 * Fetches ahead of the reader: one request to a leader at a time, for all its partitions that have
 * room, and as many bytes in memory as `maxBytes` allows. Who does not read stops the fetching.
 *
 * @module
 */
import { ErrorCode, isRetriable, KafkaError } from "../protocol/errors.ts";
import { fetch, type FetchResponse } from "../protocol/messages/fetch.ts";
import { endOfBatch, readLastOffset } from "../protocol/records/batch.ts";
import { ZERO_UUID } from "../protocol/uuid.ts";
import type { Runtime, Timer } from "../runtime/runtime.ts";
import type { AssignedPartition, StartPosition } from "./assigned_partition.ts";
import type { ClusterClient } from "./cluster_client.ts";
import { answered } from "./errors.ts";
import { findStartOffsets } from "./offset_lookup.ts";
import { backoffMs, isRetriableError } from "../network/retry.ts";

/** How to fetch. */
export interface FetchSettings {
  readonly minBytes: number;
  readonly maxBytes: number;
  readonly partitionMaxBytes: number;
  readonly maxWaitMs: number;
  /** Where to go on when the offset is no longer (or not yet) in the log. */
  readonly onOffsetOutOfRange: "earliest" | "latest" | "fail";
}

/** Whole batches of one partition, one after the other. */
export interface FetchedBatches {
  readonly partition: AssignedPartition;
  readonly bytes: Uint8Array;
  /** Where the last whole batch ends. */
  readonly end: number;
  /** The offset that was asked for: the first batch may begin before it. */
  readonly fromOffset: number;
  /** The offset after the last batch. */
  readonly nextOffset: number;
}

type PartitionAnswer = FetchResponse["responses"][number]["partitions"][number];

/** Before this version Fetch names topics, from it on it gives their ids. */
const LAST_VERSION_WITH_NAMES = 12;
/** Answers of one partition that may wait for the reader. */
const AHEAD = 2;

/** Reads the assigned partitions. */
export class Fetcher {
  readonly #client: ClusterClient;
  readonly #runtime: Runtime;
  readonly #settings: FetchSettings;
  #assigned: readonly AssignedPartition[] = [];
  readonly #fetched: FetchedBatches[] = [];
  #fetchedBytes = 0;
  readonly #busyLeaders = new Set<number>();
  /** Where the next request begins among the partitions, so that none is always last. */
  #turn = 0;
  #isRefreshing = false;
  /** Times that metadata were asked for and some leader was still unknown. */
  #refreshes = 0;
  #waiter: { resolve(next: FetchedBatches | null): void; reject(error: Error): void } | null = null;
  #failure: Error | null = null;
  #isClosed = false;
  #timer: Timer | null = null;
  #timerAtMs = Infinity;

  constructor(client: ClusterClient, runtime: Runtime, settings: FetchSettings) {
    this.#client = client;
    this.#runtime = runtime;
    this.#settings = settings;
  }

  /** Reads these partitions from now on and drops what is in memory of others. */
  assign(partitions: readonly AssignedPartition[]): void {
    for (const one of this.#assigned) one.isRevoked = !partitions.includes(one);
    this.#assigned = partitions;
    const kept = this.#fetched.filter(({ partition }) => !partition.isRevoked);
    this.#fetched.splice(0, Infinity, ...kept);
    this.#fetchedBytes = kept.reduce((sum, { end }) => sum + end, 0);
    this.#pump();
  }

  /** The next batches, or null once it is closed. Throws when it has failed. One call at a time. */
  next(): Promise<FetchedBatches | null> {
    const fetched = this.#fetched.shift();
    if (fetched !== undefined) {
      fetched.partition.buffered--;
      this.#fetchedBytes -= fetched.end;
      this.#pump();
      return Promise.resolve(fetched);
    }
    if (this.#failure !== null) return Promise.reject(this.#failure);
    if (this.#isClosed) return Promise.resolve(null);
    return new Promise((resolve, reject) => this.#waiter = { resolve, reject });
  }

  /** Ends the reading with an error. What is in memory is still handed out. */
  fail(error: Error): void {
    if (this.#failure !== null || this.#isClosed) return;
    this.#failure = error;
    this.#timer?.cancel();
    this.#waiter?.reject(error);
    this.#waiter = null;
  }

  /** Ends the reading. */
  close(): void {
    this.#isClosed = true;
    this.#timer?.cancel();
    this.#fetched.length = 0;
    this.#waiter?.resolve(null);
    this.#waiter = null;
  }

  /** Asks for whatever there is room for. */
  #pump(): void {
    if (this.#isClosed || this.#failure !== null) return;
    if (this.#fetchedBytes >= this.#settings.maxBytes) return;
    const now = this.#runtime.clock.monotonicMs();
    const byLeader = new Map<number, AssignedPartition[]>();
    const lost: AssignedPartition[] = [];
    let isLeaderMissing = false;
    const count = this.#assigned.length;
    const first = count === 0 ? 0 : this.#turn++ % count;
    for (let i = 0; i < count; i++) {
      const one = this.#assigned[(first + i) % count]!;
      if (one.isBusy || one.buffered >= AHEAD) continue;
      if (one.notBeforeMs > now) {
        this.#setTimer(one.notBeforeMs);
        continue;
      }
      if (one.fetchOffset < 0) {
        lost.push(one);
        continue;
      }
      const leader = this.#client.view.leaderOf(one.topic, one.partition);
      if (leader === undefined) {
        isLeaderMissing = true;
        this.#refreshMetadata();
      } else if (!this.#busyLeaders.has(leader)) {
        const led = byLeader.get(leader);
        if (led === undefined) byLeader.set(leader, [one]);
        else led.push(one);
      }
    }
    if (!isLeaderMissing && byLeader.size > 0) this.#refreshes = 0;
    if (lost.length > 0) this.#find(lost);
    for (const [leader, led] of byLeader) this.#fetch(leader, led);
  }

  /** Finds where to go on for partitions that are out of range. Never rejects. */
  async #find(partitions: readonly AssignedPartition[]): Promise<void> {
    for (const one of partitions) one.isBusy = true;
    try {
      await findStartOffsets(this.#client, partitions);
    } catch (error) {
      this.#retryLater(partitions, error);
    } finally {
      for (const one of partitions) one.isBusy = false;
      this.#pump();
    }
  }

  /** One request. Never rejects. */
  async #fetch(leader: number, partitions: readonly AssignedPartition[]): Promise<void> {
    this.#busyLeaders.add(leader);
    for (const one of partitions) one.isBusy = true;
    try {
      const { minBytes, maxBytes, maxWaitMs } = this.#settings;
      const connection = await this.#client.broker(leader, "fetch");
      const { topics, namesById, hasIds } = this.#topics(partitions);
      const answer = await connection.request(
        fetch,
        { maxWaitMs, minBytes, maxBytes, topics, forgottenTopicsData: [] },
        {
          keepsBytes: true,
          timeoutMs: maxWaitMs + this.#client.settings.requestTimeoutMs,
          maxVersion: hasIds ? Infinity : LAST_VERSION_WITH_NAMES,
        },
      );
      if (answer.errorCode !== ErrorCode.NONE) {
        throw answered(answer.errorCode, `Cannot fetch from ${connection.address}`);
      }
      for (const topic of answer.responses) {
        const name = topic.topic === "" ? namesById.get(topic.topicId) : topic.topic;
        for (const result of topic.partitions) {
          const one = partitions.find((one) =>
            one.topic === name && one.partition === result.partitionIndex
          );
          if (one !== undefined && !one.isRevoked) this.#receive(one, result);
        }
      }
    } catch (error) {
      if (isRetriableError(error)) {
        for (const { topic } of partitions) this.#client.view.forget(topic);
      }
      this.#retryLater(partitions, error);
    } finally {
      this.#busyLeaders.delete(leader);
      for (const one of partitions) one.isBusy = false;
      this.#pump();
    }
  }

  #topics(partitions: readonly AssignedPartition[]) {
    const byName = new Map<string, AssignedPartition[]>();
    for (const one of partitions) {
      const list = byName.get(one.topic);
      if (list === undefined) byName.set(one.topic, [one]);
      else list.push(one);
    }
    const namesById = new Map<string, string>();
    const topics = [...byName].map(([topic, list]) => {
      const topicId = this.#client.view.topic(topic)?.topicId ?? ZERO_UUID;
      namesById.set(topicId, topic);
      return {
        topic,
        topicId,
        partitions: list.map(({ partition, fetchOffset }) => ({
          partition,
          fetchOffset,
          partitionMaxBytes: this.#settings.partitionMaxBytes,
        })),
      };
    });
    return { topics, namesById, hasIds: !namesById.has(ZERO_UUID) };
  }

  #receive(one: AssignedPartition, result: PartitionAnswer): void {
    const { errorCode, records } = result;
    if (errorCode !== ErrorCode.NONE) return this.#refused(one, errorCode);
    one.failures = 0;
    one.highWatermark = result.highWatermark;
    if (records === null || records.length === 0) return;
    let end = 0;
    let nextOffset = one.fetchOffset;
    try {
      for (;;) {
        const next = endOfBatch(records, end, records.length);
        if (next < 0) break;
        nextOffset = readLastOffset(records, end) + 1;
        end = next;
      }
    } catch (error) {
      return this.fail(corrupt(one, error as Error));
    }
    if (end === 0 || nextOffset <= one.fetchOffset) {
      return this.fail(corrupt(one, new Error("the answer holds no whole batch")));
    }
    const fetched = {
      partition: one,
      bytes: records,
      end,
      fromOffset: one.fetchOffset,
      nextOffset,
    };
    one.fetchOffset = nextOffset;
    if (this.#waiter !== null) {
      this.#waiter.resolve(fetched);
      this.#waiter = null;
      return;
    }
    one.buffered++;
    this.#fetchedBytes += end;
    this.#fetched.push(fetched);
  }

  #refused(one: AssignedPartition, errorCode: number): void {
    const what = `Cannot fetch from ${one.name} at offset ${one.fetchOffset}`;
    const { onOffsetOutOfRange } = this.#settings;
    if (errorCode === ErrorCode.OFFSET_OUT_OF_RANGE && onOffsetOutOfRange !== "fail") {
      one.start = onOffsetOutOfRange satisfies StartPosition;
      one.fetchOffset = -1;
      // What the group has stored is not in the log: anything is better.
      one.committed = -1;
      return;
    }
    if (errorCode === ErrorCode.OFFSET_OUT_OF_RANGE || !isRetriable(errorCode)) {
      return this.fail(answered(errorCode, what));
    }
    this.#client.view.forget(one.topic);
    this.#retryLater([one], answered(errorCode, what));
  }

  #retryLater(partitions: readonly AssignedPartition[], error: unknown): void {
    if (this.#client.signal.aborted) return;
    if (!isRetriableError(error)) return this.fail(error as Error);
    const { clock, random } = this.#runtime;
    const now = clock.monotonicMs();
    // Those that have failed together are asked for together again.
    const failures = partitions.reduce((most, one) => Math.max(most, one.failures++), 0);
    const atMs = now + backoffMs(this.#client.settings, failures, random);
    for (const one of partitions) one.notBeforeMs = atMs;
  }

  /** Asks who leads what, once at a time, and goes on with what it learns. Never rejects. */
  async #refreshMetadata(): Promise<void> {
    if (this.#isRefreshing) return;
    this.#isRefreshing = true;
    try {
      await this.#client.refresh([...new Set(this.#assigned.map(({ topic }) => topic))]);
    } catch {
      // Tried again below: a consumer outlives its cluster's absence.
    }
    this.#isRefreshing = false;
    const { view } = this.#client;
    if (this.#assigned.every((one) => view.leaderOf(one.topic, one.partition) !== undefined)) {
      return this.#pump();
    }
    const { clock, random } = this.#runtime;
    const wait = backoffMs(this.#client.settings, this.#refreshes++, random);
    this.#setTimer(clock.monotonicMs() + wait);
  }

  /** Pumps again at `atMs`, unless that happens earlier anyway. */
  #setTimer(atMs: number): void {
    if (atMs >= this.#timerAtMs || this.#isClosed || this.#failure !== null) return;
    this.#timer?.cancel();
    this.#timerAtMs = atMs;
    const delayMs = Math.max(0, Math.ceil(atMs - this.#runtime.clock.monotonicMs()));
    this.#timer = this.#runtime.clock.setTimer(delayMs, () => {
      this.#timer = null;
      this.#timerAtMs = Infinity;
      this.#pump();
    });
  }
}

function corrupt(one: AssignedPartition, cause: Error): KafkaError {
  return new KafkaError(
    ErrorCode.CORRUPT_MESSAGE,
    `Cannot read ${one.name} at offset ${one.fetchOffset}: ${cause.message}`,
    { cause },
  );
}
