/**
 * A raw connection that is reopened whenever it breaks, and the reading of a whole topic through it:
 * scenarios read logs this way, not with the library's consumer.
 *
 * @module
 */
import { fetch } from "../../../src/protocol/messages/fetch.ts";
import { metadata } from "../../../src/protocol/messages/metadata.ts";
import {
  decodeBatch,
  type DecodedRecord,
  endOfBatch,
} from "../../../src/protocol/records/batch.ts";
import type { Address, Runtime, Timer } from "../../../src/runtime/runtime.ts";
import { RawClient } from "../../broker/raw_client.ts";
import { pause } from "../world.ts";

const ANSWER_MS = 5_000;
const RETRY_MS = 50;
const MAX_TRIES = 200;
const METADATA_VERSION = 9;
const FETCH_VERSION = 11;

/** A connection to one of several brokers. */
export class Link {
  #client: RawClient | null = null;
  #next = 0;

  constructor(
    private readonly runtime: Runtime,
    private readonly brokers: readonly Address[],
  ) {}

  /** Calls `use` until it succeeds. */
  async try<Result>(use: (client: RawClient) => Promise<Result>): Promise<Result> {
    let cause: unknown;
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      try {
        this.#client ??= await RawClient.connect(this.runtime, this.#nextBroker());
        return await this.#inTime(use(this.#client));
      } catch (error) {
        cause = error;
        this.close();
        await pause(this.runtime, RETRY_MS);
      }
    }
    throw new Error(`The broker did not answer in ${MAX_TRIES} tries: ${cause}`);
  }

  #nextBroker(): Address {
    return this.brokers[this.#next++ % this.brokers.length]!;
  }

  /** Limits the wait: a broker that lost its power does not answer at all. */
  async #inTime<Result>(answer: Promise<Result>): Promise<Result> {
    let timer: Timer | null = null;
    const tooLate = new Promise<never>((_, reject) => {
      timer = this.runtime.clock.setTimer(
        ANSWER_MS,
        () => reject(new Error(`no answer within ${ANSWER_MS} ms`)),
      );
    });
    try {
      return await Promise.race([answer, tooLate]);
    } finally {
      (timer as Timer | null)?.cancel();
    }
  }

  /** Returns the number of partitions by topic. */
  async topics(): Promise<Map<string, number>> {
    const { topics } = await this.try((client) =>
      client.request(metadata, METADATA_VERSION, { topics: null })
    );
    return new Map(topics.map(({ name, partitions }) => [name ?? "", partitions.length]));
  }

  /** Reads all records of a partition from its beginning. Throws when its offsets have gaps. */
  async readAll(topic: string, partition: number): Promise<DecodedRecord[]> {
    const found: DecodedRecord[] = [];
    for (;;) {
      const { responses } = await this.try(async (client) => {
        const answer = await client.request(fetch, FETCH_VERSION, {
          maxWaitMs: 0,
          minBytes: 0,
          topics: [{
            topic,
            partitions: [{ partition, fetchOffset: found.length, partitionMaxBytes: 2_000 }],
          }],
        });
        const { errorCode } = answer.responses[0]!.partitions[0]!;
        if (errorCode !== 0) throw new Error(`${topic}-${partition} answers error ${errorCode}`);
        return answer;
      });
      const { records, highWatermark } = responses[0]!.partitions[0]!;
      const bytes = records!;
      const before = found.length;
      for (let at = 0; at < bytes.length;) {
        const next = endOfBatch(bytes, at, bytes.length);
        if (next < 0) break;
        for (const record of decodeBatch(bytes, at, { codecs: this.runtime.codecs() }).records) {
          if (record.offset < found.length) continue;
          if (record.offset > found.length) {
            throw new Error(
              `${topic}-${partition} goes from offset ${found.length - 1} to ${record.offset}`,
            );
          }
          found.push(record);
        }
        at = next;
      }
      if (found.length > before) continue;
      if (found.length === highWatermark) return found;
      throw new Error(
        `${topic}-${partition} ends at ${highWatermark} and returns nothing at ${found.length}`,
      );
    }
  }

  close(): void {
    this.#client?.close();
    this.#client = null;
  }
}
