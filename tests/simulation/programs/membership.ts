/**
 * Machines with consumers of the library on them that share a topic as a group.
 *
 * @module
 */
import { Consumer, type ConsumerRecord } from "../../../src/client/consumer/consumer.ts";
import { ErrorCode, KafkaError } from "../../../src/protocol/errors.ts";
import { offsetFetch } from "../../../src/protocol/messages/offset_fetch.ts";
import type { Runtime } from "../../../src/runtime/runtime.ts";
import { Link } from "./link.ts";
import { clientOptions } from "./client_options.ts";
import { Role } from "./role.ts";
import type { SentRecords } from "./sent_records.ts";
import { pause, type World } from "../world.ts";

const GROUP = "readers";
const OFFSET_FETCH_VERSION = 8;
/** The errors of a commit in a group that has moved on without the member. */
const FENCED: ReadonlySet<number> = new Set([
  ErrorCode.ILLEGAL_GENERATION,
  ErrorCode.REBALANCE_IN_PROGRESS,
  ErrorCode.UNKNOWN_MEMBER_ID,
  ErrorCode.GROUP_ID_NOT_FOUND,
]);

/** The records that a group has received, over all its members and their lives. */
export class GroupModel {
  /** By partition, how often each offset was received. */
  readonly #handed: number[][] = [];
  /** By partition, the first offset that no member has received yet. */
  readonly #frontier: number[] = [];
  repeats = 0;

  constructor(private readonly world: World) {}

  /** Adds a record that a member received: one that the group knows, or the next. */
  take(member: string, partition: number, offset: number): void {
    const counts = this.#handed[partition] ??= [];
    const frontier = this.#frontier[partition] ?? 0;
    if (offset > frontier) {
      this.world.fail(`${member} got offset ${offset} of ${partition}, ${frontier} was left out`);
    }
    if (counts[offset] !== undefined) this.repeats++;
    counts[offset] = (counts[offset] ?? 0) + 1;
    if (offset === frontier) this.#frontier[partition] = offset + 1;
    this.world.count("handed out");
  }

  /** Checks a committed offset. */
  checkCommitted(partition: number, offset: number): void {
    const frontier = this.#frontier[partition] ?? 0;
    if (offset > frontier) {
      this.world.fail(`${offset} of ${partition} is committed, only ${frontier} were handed out`);
    }
  }

  /** Whether the group has received everything up to these offsets, by partition. */
  hasTaken(ends: readonly number[]): boolean {
    return ends.every((end, partition) => (this.#frontier[partition] ?? 0) === end);
  }
}

/** A member that joins and leaves until it is stopped. */
export class Membership extends Role {
  #consumer: Consumer | null = null;

  constructor(
    world: World,
    host: string,
    private readonly records: SentRecords,
    private readonly topic: string,
    private readonly group: GroupModel,
    private readonly options: {
      /** Whether offsets are committed by the consumer itself in every life. */
      readonly autoCommit: boolean;
    },
  ) {
    super(world, host);
  }

  override stop(): void {
    super.stop();
    this.#consumer?.close();
  }

  protected async live(runtime: Runtime): Promise<void> {
    const { random, world } = this;
    while (!this.isStopping) {
      await pause(runtime, 1 + random.below(200));
      if (this.isStopping) return;
      const autoCommit = this.options.autoCommit || random.oneIn(2);
      const consumer = this.#consumer = new Consumer({
        ...clientOptions(this.world, runtime),
        clientId: this.host,
        topics: this.topic,
        groupId: GROUP,
        autoCommit,
        autoCommitIntervalMs: 50 + random.below(500),
        sessionTimeoutMs: 1_000,
        rebalanceTimeoutMs: 1_500,
        heartbeatIntervalMs: 100,
        maxWaitMs: 1 + random.below(200),
        maxBytes: 500 + random.below(20_000),
        partitionMaxBytes: 200 + random.below(4_000),
      });
      try {
        await this.#read(consumer, runtime, autoCommit);
        world.count("members left");
      } catch (error) {
        if (!(error instanceof KafkaError && error.retriable)) throw error;
        world.count("members restarted");
      }
      await consumer.close();
    }
  }

  /** Reads for a while, or until it is stopped. */
  async #read(consumer: Consumer, runtime: Runtime, autoCommit: boolean): Promise<void> {
    const { random } = this;
    let left = 5 + random.below(80);
    for await (const record of consumer) {
      this.#take(record);
      if (random.oneIn(10)) await pause(runtime, random.below(60));
      if (!autoCommit && random.oneIn(8)) await this.#commit(consumer);
      if (--left === 0) {
        if (!autoCommit) await this.#commit(consumer);
        return;
      }
    }
  }

  async #commit(consumer: Consumer): Promise<void> {
    try {
      await consumer.commit();
      this.world.count("commits");
    } catch (error) {
      if (this.isStopping) return;
      const isExpected = error instanceof KafkaError && (error.retriable || FENCED.has(error.code));
      if (!isExpected) throw error;
    }
  }

  #take(record: ConsumerRecord): void {
    this.records.see(this.topic, record.partition, record);
    this.group.take(this.host, record.partition, record.offset);
  }
}

/** Polls the committed offsets of the group. */
export class CommitWatch extends Role {
  constructor(
    world: World,
    host: string,
    private readonly topic: string,
    private readonly group: GroupModel,
  ) {
    super(world, host);
  }

  protected async live(runtime: Runtime): Promise<void> {
    const link = new Link(runtime, this.world.brokers);
    while (!this.isStopping) {
      await pause(runtime, 10 + this.random.below(100));
      const { groups } = await link.try((client) =>
        client.request(offsetFetch, OFFSET_FETCH_VERSION, {
          groups: [{ groupId: GROUP, topics: null }],
        })
      );
      for (const { name, partitions } of groups[0]!.topics) {
        if (name !== this.topic) continue;
        for (const { partitionIndex, committedOffset } of partitions) {
          this.group.checkCommitted(partitionIndex, Number(committedOffset));
        }
      }
    }
    link.close();
  }
}
