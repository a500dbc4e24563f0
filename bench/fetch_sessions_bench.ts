/**
 * What a fetch costs a broker, decoded request and encoded answer included, by how many partitions its
 * session has and how many of them are new: `deno bench -A bench/fetch_sessions_bench.ts`.
 *
 * @module
 */
import { fetchHandler } from "../src/broker/handlers/fetch.ts";
import type { RequestInputOf } from "../src/protocol/api.ts";
import { fetch } from "../src/protocol/messages/fetch.ts";
import type { Partition } from "../src/replication/partition.ts";
import { appendTo, DirectBroker, stateOf, TOPIC_ID } from "../tests/broker/direct_broker.ts";
import { batchOf } from "../tests/broker/fixture.ts";

const VERSION = 17;

type Topics = RequestInputOf<typeof fetch>["topics"];

/** A broker with `count` empty partitions and a client that has a session over all of them. */
class Reading {
  readonly #broker = new DirectBroker();
  #sessionId = 0;
  #sessionEpoch = 0;
  #next = 0;
  /** The partition that had a new record in the last answer. */
  #read: readonly Partition[] = [];
  readonly #count: number;

  private constructor(count: number) {
    this.#count = count;
  }

  static async over(count: number): Promise<Reading> {
    const reading = new Reading(count);
    for (let index = 0; index < count; index++) {
      const directory = `/data/events-${index}`;
      const log = reading.#broker.machine.open({}, { directory, partition: index });
      reading.#broker.addFollower({ log, index }).becomeLeader(stateOf());
    }
    const partitions = Array.from({ length: count }, (_, partition) => ({
      partition,
      fetchOffset: 0,
      partitionMaxBytes: 1_048_576,
    }));
    await reading.fetch([{ topicId: TOPIC_ID, partitions }]);
    return reading;
  }

  /** One fetch that does not wait. */
  async fetch(topics: Topics = []): Promise<void> {
    const { sessionId } = await this.#broker.ask(fetch, fetchHandler, VERSION, {
      maxWaitMs: 0,
      minBytes: 1,
      sessionId: this.#sessionId,
      sessionEpoch: this.#sessionEpoch++,
      topics,
    });
    this.#sessionId = sessionId;
  }

  /** One fetch that reads what was appended to one partition, and says what was read the last time. */
  async fetchNew(records: Uint8Array): Promise<void> {
    const partitions = [...this.#read].map(({ index, highWatermark }) => ({
      partition: index,
      fetchOffset: highWatermark,
      partitionMaxBytes: 1_048_576,
    }));
    const partition = this.#broker.partitions.byId(TOPIC_ID, this.#next);
    this.#next = (this.#next + 1) % Math.min(10, this.#count);
    appendTo(partition, records);
    this.#read = [partition];
    await this.fetch(partitions.length > 0 ? [{ topicId: TOPIC_ID, partitions }] : []);
  }
}

const records = batchOf(["a value of some twenty bytes"]);
for (const count of [1, 100, 2_000]) {
  const reading = await Reading.over(count);
  Deno.bench(`nothing is new in ${count} partitions`, { group: "idle" }, () => reading.fetch());
  Deno.bench(
    `one of ${count} partitions has a new record`,
    { group: "new" },
    () => reading.fetchNew(records),
  );
}
