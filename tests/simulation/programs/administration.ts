/**
 * A machine with the library's admin client on it, which creates, grows and deletes topics while
 * records are sent to them.
 *
 * @module
 */
import { Admin } from "../../../src/client/admin/admin.ts";
import { Consumer } from "../../../src/client/consumer/consumer.ts";
import { Producer } from "../../../src/client/producer/producer.ts";
import { ErrorCode, KafkaError } from "../../../src/protocol/errors.ts";
import { createPartitions } from "../../../src/protocol/messages/create_partitions.ts";
import type { Runtime } from "../../../src/runtime/runtime.ts";
import { Link } from "./link.ts";
import { clientOptions } from "./client_options.ts";
import { drawRecord, sendRecord } from "./producing.ts";
import { Role } from "./role.ts";
import type { SentRecords } from "./sent_records.ts";
import { pause, type World } from "../world.ts";

const CREATE_PARTITIONS_VERSION = 3;
const RECORDS_OF_A_TOPIC = 12;
/** Patience with a topic that may be gone. */
const SHORT_DELIVERY_MS = 1_500;

/** The known state of a topic. After a failed call it is not sure. */
type TopicState = "there" | "gone" | "unsure";

/** Changes topics until it is stopped. */
export class Administration extends Role {
  /** All topics so far. */
  readonly topics = new Map<string, TopicState>();
  #count = 0;

  constructor(
    world: World,
    host: string,
    private readonly records: SentRecords,
    private readonly options: {
      /** The topic that all programs use. */
      readonly topic: string;
      readonly partitions: number;
      /** How often partitions are added. */
      readonly growths: number;
      /** Whether records may be lost, and therefore are not awaited. */
      readonly mayLose?: boolean;
    },
  ) {
    super(world, host);
    this.topics.set(options.topic, "there");
  }

  protected async live(runtime: Runtime): Promise<void> {
    const { random } = this;
    const admin = new Admin({ ...clientOptions(this.world, runtime), clientId: this.host });
    let growths = 0;
    while (!this.isStopping) {
      await pause(runtime, 10 + random.below(200));
      const turn = random.below(6);
      if (turn < 3) await this.#useTopic(admin, runtime, `short-${this.#count++}`);
      else if (turn < 5) await this.#look(admin);
      else if (growths < this.options.growths) {
        growths++;
        await this.#grow(runtime, this.options.partitions + growths);
      }
    }
    await admin.close();
  }

  /** Checks that the cluster lists the topics that were created and not deleted. */
  checkTopics(listed: Iterable<string>): void {
    const found = new Set(listed);
    for (const [name, state] of this.topics) {
      if (state === "there" && !found.has(name)) this.world.fail(`topic ${name} is missing`);
      if (state === "gone" && found.has(name)) this.world.fail(`topic ${name} is back`);
    }
    for (const name of found) {
      if (!this.topics.has(name)) this.world.fail(`topic ${name} was never created`);
    }
  }

  async #look(admin: Admin): Promise<void> {
    const names = await this.#attempt(() => admin.listTopics());
    if (names !== undefined) this.checkTopics(names);
    const cluster = await this.#attempt(() => admin.describeCluster());
    if (cluster !== undefined && (cluster.brokers.length !== 1 || cluster.controllerId < 0)) {
      this.world.fail(`the cluster has the brokers ${JSON.stringify(cluster)}`);
    }
    const [topic] = await this.#attempt(() => admin.describeTopics([this.options.topic])) ?? [];
    if (topic !== undefined && topic.partitions.some(({ leader }) => leader < 0)) {
      this.world.fail(`a partition of ${topic.name} has no leader`);
    }
  }

  /** Creates a topic, writes and reads it, and deletes it while more is being written. */
  async #useTopic(admin: Admin, runtime: Runtime, name: string): Promise<void> {
    const { random } = this;
    const partitions = 1 + random.below(3);
    this.topics.set(name, "unsure");
    const created = await this.#attempt(async () => {
      await admin.createTopics([{ name, partitions }]);
      return true;
    }, ErrorCode.TOPIC_ALREADY_EXISTS);
    if (created === undefined) return;
    this.topics.set(name, "there");
    this.world.count("topics created");
    const producer = new Producer({
      ...clientOptions(this.world, runtime),
      deliveryTimeoutMs: SHORT_DELIVERY_MS,
      retries: 5,
    });
    const writer = `${name} writer`;
    const send = (index: number) => {
      const record = drawRecord(random, `${name}:${index}`, writer, index, name, runtime);
      sendRecord(producer, record, this.records, this.world, random.below(partitions));
      return record;
    };
    const first = Array.from({ length: RECORDS_OF_A_TOPIC }, (_, index) => send(index));
    await producer.flush();
    const written = first.filter(({ state }) => state === "acknowledged").length;
    if (!this.options.mayLose) await this.#read(name, written, runtime);
    for (let more = 0; more < 3; more++) send(RECORDS_OF_A_TOPIC + more);
    if (random.oneIn(2)) await this.#delete(admin, name);
    await producer.close();
  }

  async #delete(admin: Admin, name: string): Promise<void> {
    this.topics.set(name, "unsure");
    const deleted = await this.#attempt(async () => {
      await admin.deleteTopics([name]);
      return true;
    }, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
    if (deleted === undefined) return;
    this.topics.set(name, "gone");
    this.world.count("topics deleted");
  }

  /** Reads at least `count` records of a topic. */
  async #read(topic: string, count: number, runtime: Runtime): Promise<void> {
    if (count === 0) return;
    const consumer = new Consumer({
      ...clientOptions(this.world, runtime),
      topics: topic,
      maxWaitMs: 50,
    });
    let left = count;
    const next = new Map<number, number>();
    await this.#attempt(async () => {
      for await (const record of consumer) {
        const expected = next.get(record.partition) ?? 0;
        if (record.offset !== expected) {
          this.world.fail(`${topic}-${record.partition} returns ${record.offset}, not ${expected}`);
        }
        next.set(record.partition, record.offset + 1);
        this.records.see(topic, record.partition, record);
        if (--left === 0) return;
      }
    });
    await consumer.close();
  }

  async #grow(runtime: Runtime, count: number): Promise<void> {
    const link = new Link(runtime, this.world.brokers);
    const { results } = await link.try((client) =>
      client.request(createPartitions, CREATE_PARTITIONS_VERSION, {
        topics: [{ name: this.options.topic, count, assignments: null }],
        timeoutMs: 1_000,
        validateOnly: false,
      })
    );
    if (results[0]!.errorCode === ErrorCode.NONE) this.world.count("growths");
    link.close();
  }

  /** Returns the result of `call`, or undefined if it fails because of a fault, or with `fine`. */
  async #attempt<Result>(
    call: () => Promise<Result>,
    fine: ErrorCode = ErrorCode.NONE,
  ): Promise<Result | undefined> {
    try {
      return await call();
    } catch (error) {
      if (!(error instanceof KafkaError && (error.retriable || error.code === fine))) throw error;
      this.world.count("admin calls failed");
      return undefined;
    }
  }
}
