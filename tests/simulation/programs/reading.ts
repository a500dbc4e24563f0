/**
 * A machine with a consumer of the library on it that reads a topic alone, from its beginning.
 *
 * @module
 */
import { Consumer, type ConsumerRecord } from "../../../src/client/consumer/consumer.ts";
import { KafkaError } from "../../../src/protocol/errors.ts";
import type { Runtime } from "../../../src/runtime/runtime.ts";
import { clientOptions } from "./client_options.ts";
import { Role } from "./role.ts";
import type { SentRecords } from "./sent_records.ts";
import { pause, type World } from "../world.ts";

/** Reads until it is stopped; every record must come, in order, without gaps. */
export class Reading extends Role {
  #consumer: Consumer | null = null;
  #next: number[] = [];

  constructor(
    world: World,
    host: string,
    private readonly records: SentRecords,
    private readonly topic: string,
    /** Whether records are read by iteration, which takes the same steps on every runtime. */
    private readonly iterates: boolean,
  ) {
    super(world, host);
  }

  /** Whether everything up to these offsets, by partition, has been read in this life. */
  hasRead(ends: readonly number[]): boolean {
    return ends.every((end, partition) => (this.#next[partition] ?? 0) === end);
  }

  override stop(): void {
    super.stop();
    this.#consumer?.close();
  }

  protected async live(runtime: Runtime): Promise<void> {
    const { random, world } = this;
    while (!this.isStopping) {
      this.#next = [];
      const consumer = this.#consumer = new Consumer({
        ...clientOptions(this.world, runtime),
        clientId: this.host,
        topics: this.topic,
        maxWaitMs: random.below(300),
        minBytes: 1 + random.below(200),
        maxBytes: 500 + random.below(20_000),
        partitionMaxBytes: 200 + random.below(4_000),
      });
      try {
        await this.#read(consumer, runtime);
      } catch (error) {
        if (!(error instanceof KafkaError && error.retriable)) throw error;
        world.count("readers restarted");
      }
      await consumer.close();
    }
  }

  async #read(consumer: Consumer, runtime: Runtime): Promise<void> {
    const { random } = this;
    const way = this.iterates ? 0 : random.below(3);
    if (way === 2) {
      for await (const batch of consumer.batches) for (const one of batch) this.#take(one);
      return;
    }
    for await (const record of way === 0 ? consumer : consumer.readable) {
      this.#take(record);
      if (random.oneIn(20)) await pause(runtime, random.below(50));
    }
  }

  #take(record: ConsumerRecord): void {
    const { partition, offset } = record;
    const expected = this.#next[partition] ?? 0;
    if (offset !== expected) {
      this.world.fail(`${this.host} got offset ${offset} of ${partition} after ${expected - 1}`);
    }
    this.#next[partition] = offset + 1;
    this.records.see(this.topic, partition, record);
    this.world.count("read");
  }
}
