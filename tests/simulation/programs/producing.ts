/**
 * A machine with a producer of the library on it.
 *
 * @module
 */
import { Producer, type ProducerOptions } from "../../../src/client/producer/producer.ts";
import { KafkaError } from "../../../src/protocol/errors.ts";
import type { CompressionType } from "../../../src/protocol/records/compression/codec.ts";
import type { Runtime } from "../../../src/runtime/runtime.ts";
import type { Xoshiro128 } from "../../../src/simulator/xoshiro.ts";
import { clientOptions } from "./client_options.ts";
import { Role } from "./role.ts";
import { type SentRecord, type SentRecords, valueOf } from "./sent_records.ts";
import { pause, type World } from "../world.ts";

const COMPRESSIONS: readonly CompressionType[] = ["none", "none", "gzip", "lz4", "snappy", "zstd"];
const FILLINGS = ["", "x", "small", "a longer text, of which some is repeated, is repeated. "];
const encoder = new TextEncoder();

/** The work of a producing machine. */
export interface ProducingOptions {
  readonly topic: string;
  /** Partitions that exist from the beginning. */
  readonly partitions: number;
  /** How many records it sends over all its lives. */
  readonly records: number;
  /** The longest pause between two records, ms. */
  readonly maxPauseMs: number;
  /** Whether a record may fail for lack of time. */
  readonly mayTimeOut: boolean;
}

/** Sends records until all have been sent once, and waits for their outcomes. */
export class Producing extends Role {
  #next = 0;

  constructor(
    world: World,
    host: string,
    private readonly records: SentRecords,
    private readonly options: ProducingOptions,
  ) {
    super(world, host);
  }

  protected async live(runtime: Runtime, life: number): Promise<void> {
    const { random, options, world } = this;
    const producer = new Producer(this.#options(runtime));
    const writer = `${this.host}.${life}`;
    const own: SentRecord[] = [];
    while (this.#next < options.records) {
      const record = this.#draw(writer, this.#next++, runtime);
      own.push(record);
      sendRecord(producer, record, this.records, world, this.#partition());
      if (random.oneIn(3)) await pause(runtime, random.below(options.maxPauseMs) + 1);
      if (random.oneIn(12)) await producer.ready;
      if (random.oneIn(15)) await this.#flush(producer, own);
    }
    await this.#flush(producer, own);
    if (producer.bufferedBytes !== 0) {
      world.fail(`${writer} has flushed and still holds ${producer.bufferedBytes} bytes`);
    }
    await producer.close();
  }

  #options(runtime: Runtime): ProducerOptions {
    const { random } = this;
    return {
      ...clientOptions(this.world, runtime),
      clientId: "producing",
      lingerMs: random.oneIn(2) ? 0 : 1 + random.below(30),
      batchSize: 100 + random.below(2_000),
      bufferBytes: 2_000 + random.below(20_000),
      maxInFlight: 1 + random.below(5),
      compression: COMPRESSIONS[random.below(COMPRESSIONS.length)]!,
      deliveryTimeoutMs: this.options.mayTimeOut && random.oneIn(2)
        ? 300 + random.below(4_000)
        : 120_000,
    };
  }

  async #flush(producer: Producer, own: readonly SentRecord[]): Promise<void> {
    const before = own.filter(({ state }) => state === "pending");
    await producer.flush();
    const left = before.find(({ state }) => state === "pending");
    if (left !== undefined) this.world.fail(`flush() has resolved before ${left.id} was settled`);
  }

  #partition(): number | undefined {
    return this.random.oneIn(3) ? this.random.below(this.options.partitions) : undefined;
  }

  #draw(writer: string, index: number, runtime: Runtime): SentRecord {
    return drawRecord(
      this.random,
      `${this.host}:${index}`,
      writer,
      index,
      this.options.topic,
      runtime,
    );
  }
}

/** Returns a record with random content. */
export function drawRecord(
  random: Xoshiro128,
  id: string,
  writer: string,
  index: number,
  topic: string,
  runtime: Runtime,
): SentRecord {
  const filling = FILLINGS[random.below(FILLINGS.length)]!.repeat(1 + random.below(8));
  const headers: [string, Uint8Array | null][] = [];
  for (let count = random.below(4) - 1; count > 0; count--) {
    headers.push([`header ${count}`, random.oneIn(4) ? null : encoder.encode("é".repeat(count))]);
  }
  return {
    id,
    writer,
    index,
    topic,
    key: random.oneIn(2) ? null : encoder.encode(`key ${random.below(10)}`),
    value: valueOf(id, filling),
    headers,
    timestamp: random.oneIn(4) ? 1_700_000_000_000 + random.below(1_000) : runtime.clock.now(),
    state: "pending",
    place: null,
  };
}

/** Sends a record of the model and records its outcome. */
export function sendRecord(
  producer: Producer,
  record: SentRecord,
  records: SentRecords,
  world: World,
  partition?: number,
): void {
  const { topic, key, value, timestamp } = record;
  records.add(record);
  producer.send({
    topic,
    key,
    value,
    timestamp,
    ...(partition === undefined ? {} : { partition }),
    ...(record.headers.length === 0 ? {} : { headers: Object.fromEntries(record.headers) }),
  }).then((written) => {
    if (written.topic !== topic || (partition !== undefined && written.partition !== partition)) {
      world.fail(`${record.id} for ${partition} went to ${written.topic}-${written.partition}`);
    }
    records.acknowledge(record, written.partition, written.offset, written.timestamp);
  }, (error) => {
    if (!(error instanceof KafkaError)) world.fail(`${record.id} failed by ${error.stack}`);
    records.fail(record, error);
  });
}
