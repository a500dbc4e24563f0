/**
 * Fetches records ahead of the reader: one request per leader at a time, for all its partitions
 * that may be fetched, with at most `maxBytes` buffered. Fetching stops if the reader stops.
 *
 * @module
 */
import { ErrorCode, isRetriable, KafkaError } from "../../protocol/errors.ts";
import { fetch, type FetchResponse } from "../../protocol/messages/fetch.ts";
import { readLastOffset, splitBatches } from "../../protocol/records/batch.ts";
import { ZERO_UUID } from "../../protocol/uuid.ts";
import type { Runtime, Timer } from "../../runtime/runtime.ts";
import type { AssignedPartition, StartPosition } from "./assigned_partition.ts";
import type { ClusterClient } from "../cluster/cluster_client.ts";
import { responseError } from "../errors.ts";
import { findStartOffsets } from "./offset_lookup.ts";
import { backoffMs, isRetriableError } from "../../network/retry.ts";

/** Options of fetching. */
export interface FetchSettings {
  readonly minBytes: number;
  readonly maxBytes: number;
  readonly partitionMaxBytes: number;
  readonly maxWaitMs: number;
  /** Where to continue if the offset is not in the log. */
  readonly onOffsetOutOfRange: "earliest" | "latest" | "fail";
}

/** Complete batches of one partition. */
export interface FetchedBatches {
  readonly partition: AssignedPartition;
  readonly bytes: Uint8Array;
  /** The end of the last complete batch. */
  readonly end: number;
  /** The requested offset. The first batch may begin before it. */
  readonly fromOffset: number;
  /** The offset after the last batch. */
  readonly nextOffset: number;
}

type PartitionAnswer = FetchResponse["responses"][number]["partitions"][number];

/** The last version of Fetch with topic names; later versions have topic ids. */
const LAST_VERSION_WITH_NAMES = 12;
/** Maximum number of buffered responses per partition. */
const MAX_BUFFERED_RESPONSES = 2;

/** Fetches the assigned partitions. */
export class Fetcher {
  readonly #client: ClusterClient;
  readonly #runtime: Runtime;
  readonly #settings: FetchSettings;
  #assigned: readonly AssignedPartition[] = [];
  readonly #fetched: FetchedBatches[] = [];
  #fetchedBytes = 0;
  readonly #busyLeaders = new Set<number>();
  /** The first partition of the next request, rotated so that no partition is always last. */
  #rotation = 0;
  #isRefreshing = false;
  /** Number of metadata refreshes after which a leader was still unknown. */
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

  /** Sets the partitions to fetch. Drops buffered records of other partitions. */
  assign(partitions: readonly AssignedPartition[]): void {
    for (const one of this.#assigned) one.isRevoked = !partitions.includes(one);
    this.#assigned = partitions;
    const remaining = this.#fetched.filter(({ partition }) => !partition.isRevoked);
    this.#fetched.splice(0, Infinity, ...remaining);
    this.#fetchedBytes = remaining.reduce((sum, { end }) => sum + end, 0);
    this.#pump();
  }

  /**
   * Returns the next batches, or null if closed. Throws if fetching has failed. Must not be called
   * concurrently.
   */
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

  /**
   * Stops fetching with an error, which is thrown after all buffered batches have been returned.
   */
  fail(error: Error): void {
    if (this.#failure !== null || this.#isClosed) return;
    this.#failure = error;
    this.#timer?.cancel();
    this.#waiter?.reject(error);
    this.#waiter = null;
  }

  /** Stops fetching. */
  close(): void {
    this.#isClosed = true;
    this.#timer?.cancel();
    this.#fetched.length = 0;
    this.#waiter?.resolve(null);
    this.#waiter = null;
  }

  /** Sends fetch requests for all partitions that may be fetched. */
  #pump(): void {
    if (this.#isClosed || this.#failure !== null) return;
    if (this.#fetchedBytes >= this.#settings.maxBytes) return;
    const now = this.#runtime.clock.monotonicMs();
    const byLeader = new Map<number, AssignedPartition[]>();
    const lost: AssignedPartition[] = [];
    let isLeaderMissing = false;
    const count = this.#assigned.length;
    const first = count === 0 ? 0 : this.#rotation++ % count;
    for (let i = 0; i < count; i++) {
      const one = this.#assigned[(first + i) % count]!;
      if (one.isBusy || one.buffered >= MAX_BUFFERED_RESPONSES) continue;
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

  /** Looks up start offsets of partitions that are out of range. Never rejects. */
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

  /** Sends one fetch request. Never rejects. */
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
        throw responseError(answer.errorCode, `Cannot fetch from ${connection.address}`);
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
    if (errorCode !== ErrorCode.NONE) return this.#handleRejection(one, errorCode);
    one.failures = 0;
    one.highWatermark = result.highWatermark;
    if (records === null || records.length === 0) return;
    let end = 0;
    let nextOffset = one.fetchOffset;
    try {
      for (const batch of splitBatches(records, { allowPartial: true })) {
        nextOffset = readLastOffset(records, batch.start) + 1;
        end = batch.end;
      }
    } catch (error) {
      return this.fail(corrupt(one, error as Error));
    }
    if (end === 0 || nextOffset <= one.fetchOffset) {
      return this.fail(corrupt(one, new Error("the response has no complete batch")));
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

  #handleRejection(one: AssignedPartition, errorCode: number): void {
    const what = `Cannot fetch from ${one.name} at offset ${one.fetchOffset}`;
    const { onOffsetOutOfRange } = this.#settings;
    if (errorCode === ErrorCode.OFFSET_OUT_OF_RANGE && onOffsetOutOfRange !== "fail") {
      one.start = onOffsetOutOfRange satisfies StartPosition;
      one.fetchOffset = -1;
      // The committed offset is not in the log, so any new position may be committed.
      one.committed = -1;
      return;
    }
    if (errorCode === ErrorCode.OFFSET_OUT_OF_RANGE || !isRetriable(errorCode)) {
      return this.fail(responseError(errorCode, what));
    }
    this.#client.view.forget(one.topic);
    this.#retryLater([one], responseError(errorCode, what));
  }

  #retryLater(partitions: readonly AssignedPartition[], error: unknown): void {
    if (this.#client.signal.aborted) return;
    if (!isRetriableError(error)) return this.fail(error as Error);
    const { clock, random } = this.#runtime;
    const now = clock.monotonicMs();
    // Partitions that failed together are retried together.
    const failures = partitions.reduce((max, one) => Math.max(max, one.failures++), 0);
    const atMs = now + backoffMs(this.#client.settings, failures, random);
    for (const one of partitions) one.notBeforeMs = atMs;
  }

  /** Refreshes the metadata, one refresh at a time, and continues fetching. Never rejects. */
  async #refreshMetadata(): Promise<void> {
    if (this.#isRefreshing) return;
    this.#isRefreshing = true;
    try {
      await this.#client.refresh([...new Set(this.#assigned.map(({ topic }) => topic))]);
    } catch {
      // Retried below: a consumer survives an outage of its cluster.
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

  /** Schedules fetching at `atMs`, unless it is scheduled earlier. */
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
