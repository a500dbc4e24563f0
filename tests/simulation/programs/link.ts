/**
 * A raw connection that is made again as often as it breaks, and the reading of a whole topic by it:
 * what a scenario knows of a log it knows from here, not from the library's consumer.
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
import type { Runtime, Timer } from "../../../src/runtime/runtime.ts";
import { RawClient } from "../../broker/raw_client.ts";
import { BROKER, PORT } from "../node_machine.ts";
import { pause } from "../world.ts";

const ANSWER_MS = 5_000;
const RETRY_MS = 50;
const MAX_TRIES = 200;
const METADATA_VERSION = 9;
const FETCH_VERSION = 11;

/** A connection to the broker. */
export class Link {
  #client: RawClient | null = null;

  constructor(private readonly runtime: Runtime) {}

  /** Calls `use` until it succeeds. */
  async try<Result>(use: (client: RawClient) => Promise<Result>): Promise<Result> {
    let cause: unknown;
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      try {
        this.#client ??= await RawClient.connect(this.runtime, { host: BROKER, port: PORT });
        return await this.#inTime(use(this.#client));
      } catch (error) {
        cause = error;
        this.close();
        await pause(this.runtime, RETRY_MS);
      }
    }
    throw new Error(`The broker did not answer in ${MAX_TRIES} tries: ${cause}`);
  }

  /** A broker whose power has gone says nothing at all. */
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

  /** Every topic's name with the number of its partitions. */
  async topics(): Promise<Map<string, number>> {
    const { topics } = await this.try((client) =>
      client.request(metadata, METADATA_VERSION, { topics: null })
    );
    return new Map(topics.map(({ name, partitions }) => [name ?? "", partitions.length]));
  }

  /** All records of a partition from its beginning. Throws when its offsets have gaps. */
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
        `${topic}-${partition} ends at ${highWatermark} and gives nothing at ${found.length}`,
      );
    }
  }

  close(): void {
    this.#client?.close();
    this.#client = null;
  }
}
