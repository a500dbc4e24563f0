/**
 * Fetch sessions against a model: after any sequence of changes, an incremental fetch answers what a
 * full fetch of the same partitions would, without what the client knows already; and a fetch that
 * waits is answered when a full fetch would have enough.
 */
import { assertEquals } from "@std/assert";
import { fetchHandler } from "../../src/broker/handlers/fetch.ts";
import { DEFAULT_LOG_CONFIG } from "../../src/log/log_config.ts";
import { ErrorCode, errorName, KafkaError } from "../../src/protocol/errors.ts";
import { fetch, type FetchResponse } from "../../src/protocol/messages/fetch.ts";
import { ZERO_UUID } from "../../src/protocol/uuid.ts";
import type { Partition } from "../../src/replication/partition.ts";
import { Chance } from "../protocol/chance.ts";
import { seedCount, test } from "../harness.ts";
import { abortMarker } from "../log/fixture.ts";
import { ACKS_LEADER, appendTo, DirectBroker, NODE_ID, settle } from "./direct_broker.ts";
import { batchOf } from "./fixture.ts";

const OTHER_NODE = 2;
const TOPICS = ["events", "orders"];
const PARTITIONS = 3;
/** A partition that no topic has. */
const MISSING = 7;
const MAX_WAIT_MS = 60_000;

/** One partition as the client of a session knows it. */
interface Known {
  readonly topic: string;
  readonly topicId: string;
  readonly partition: number;
  fetchOffset: number;
  currentLeaderEpoch: number;
  lastFetchedEpoch: number;
  partitionMaxBytes: number;
  sentHighWatermark: number;
  sentLogStartOffset: number;
}

/** What a request says beside its partitions. */
interface Settings {
  readonly isolationLevel: number;
  readonly replicaId: number;
  readonly maxBytes: number;
}

/** What an answer says of a partition. */
type Answered = FetchResponse["responses"][number]["partitions"][number] & {
  readonly topic: string;
  readonly topicId: string;
};

function flat({ responses }: FetchResponse): Answered[] {
  return responses.flatMap(({ topic, topicId, partitions }) =>
    partitions.map((partition) => ({ ...partition, topic, topicId }))
  );
}

/** A node with two topics whose partitions change at random. */
class World {
  readonly broker = new DirectBroker();
  readonly chance: Chance;
  /** The id of each topic that exists. */
  readonly ids = new Map<string, string>();
  #topics = 0;
  #epoch = 0;
  #producers = 0;

  constructor(seed: number) {
    this.chance = new Chance(seed);
    // Flushes that a partition begins by itself never run: each change has its effect at once.
    this.broker.clock.yieldToLoop = () => new Promise(() => {});
    for (const topic of TOPICS) this.create(topic);
  }

  create(topic: string): void {
    const topicId = `AAAAAAAAAAAAAAAAAAAA${String.fromCharCode(65 + this.#topics++ % 26)}A`;
    this.ids.set(topic, topicId);
    for (let index = 0; index < PARTITIONS; index++) this.#open(topic, topicId, index);
  }

  #open(topic: string, topicId: string, index: number): void {
    const directory = `/data/${this.#topics}-${this.#epoch++}-${topic}-${index}`;
    const log = this.broker.machine.open({}, { directory, topic, partition: index });
    const partition = this.broker.addFollower({ topic, topicId, index, log });
    this.#lead(partition, true);
  }

  #lead(partition: Partition, isAlone: boolean, epoch = ++this.#epoch): void {
    const isr = isAlone ? [NODE_ID] : [NODE_ID, OTHER_NODE];
    partition.becomeLeader({ leaderEpoch: epoch, replicas: [NODE_ID, OTHER_NODE], isr });
  }

  partition(): Partition | null {
    const all = [...this.broker.partitions];
    return all.length === 0 ? null : all[this.chance.below(all.length)]!;
  }

  /** Makes one change. */
  async change(): Promise<void> {
    const { chance } = this;
    const partition = this.partition();
    const kind = chance.below(13);
    if (kind === 0) return this.#changeTopics();
    if (partition === null) return;
    const { role } = partition;
    if (kind === 1) {
      partition.becomeFollower({ leaderEpoch: ++this.#epoch, leader: OTHER_NODE });
    } else if (kind === 2) {
      this.#open(partition.topic, partition.topicId, partition.index);
    } else if (kind === 3) {
      const error = new KafkaError(ErrorCode.KAFKA_STORAGE_ERROR, "the disk is gone");
      if (chance.oneIn(4)) partition.becomeOffline(error);
    } else if (kind === 4) {
      partition.configure({
        ...DEFAULT_LOG_CONFIG,
        flushMessages: chance.oneIn(2) ? 1 : DEFAULT_LOG_CONFIG.flushMessages,
        ...(chance.oneIn(4) && { recompression: { type: "zstd" as const, level: 3 } }),
      }, 1);
    } else if (role.type !== "leader") this.#lead(partition, chance.oneIn(2));
    else if (kind === 5) this.#lead(partition, chance.oneIn(2), role.leaderEpoch);
    else if (kind === 6) await partition.flush();
    else if (kind === 7) {
      const { logStartOffset, highWatermark } = partition;
      partition.deleteRecordsBefore(
        logStartOffset + chance.below(highWatermark - logStartOffset + 1),
      );
    } else if (kind === 8) this.#appendTransaction(partition);
    else this.#append(partition);
  }

  #changeTopics(): void {
    const topic = TOPICS[this.chance.below(TOPICS.length)]!;
    if (this.ids.delete(topic)) this.broker.partitions.removeTopic(topic);
    else this.create(topic);
  }

  #append(partition: Partition): void {
    appendTo(partition, batchOf(["x".repeat(this.chance.below(200))]), ACKS_LEADER);
  }

  /** A transaction that stays open or is aborted, and a batch behind it. */
  #appendTransaction(partition: Partition): void {
    const producer = { producerId: ++this.#producers, producerEpoch: 0 };
    const { leaderEpoch } = partition;
    const options = { leaderEpoch, origin: "coordinator" as const };
    const records = batchOf(["t"], { ...producer, baseSequence: 0, isTransactional: true });
    partition.log.append(records, options);
    if (this.chance.oneIn(2)) partition.log.append(abortMarker(producer), options);
    this.#append(partition);
  }
}

/** A client with a session, and the model of it. */
class Client {
  readonly #world: World;
  #known: Known[] = [];
  #sessionId = 0;
  #epoch = 0;
  #version = 0;

  constructor(world: World) {
    this.#world = world;
  }

  /** Sends one fetch, has the world change while it waits, and compares the answer. */
  async fetch(what: string): Promise<void> {
    const { chance, broker } = this.#world;
    const isNew = this.#sessionId === 0 || chance.oneIn(12);
    if (isNew) {
      this.#known = [];
      this.#epoch = 0;
      this.#version = [9, 12, 17][chance.below(3)]!;
    }
    const named = this.#add(isNew ? 1 + chance.below(6) : chance.below(3));
    const forgotten = isNew ? [] : this.#forget();
    const moved = isNew ? [] : this.#move().filter((known) => !named.includes(known));
    const settings: Settings = {
      isolationLevel: chance.oneIn(3) ? 1 : 0,
      replicaId: chance.oneIn(3) ? OTHER_NODE : -1,
      maxBytes: chance.oneIn(3) ? chance.below(600) : 1_000_000,
    };
    const isWaiting = settings.maxBytes > 600 && chance.oneIn(2);
    const minBytes = isWaiting ? 1 + chance.below(700) : 1;
    let answer: FetchResponse | null = null;
    broker.ask(fetch, fetchHandler, this.#version, {
      ...this.#wire(settings),
      minBytes,
      maxWaitMs: isWaiting ? MAX_WAIT_MS : 0,
      sessionId: this.#sessionId,
      sessionEpoch: this.#epoch,
      topics: asked([...moved, ...named]),
      forgottenTopicsData: forgotten.map(({ topic, topicId, partition }) => ({
        topic,
        topicId,
        partitions: [partition],
      })),
    }).then((found) => answer = found);
    await settle();
    const isEnough = async () => {
      const full = await this.#full(settings);
      const bytes = full.reduce((sum, { records }) => sum + records!.length, 0);
      return bytes >= minBytes || full.some(isUrgent);
    };
    if (isWaiting && this.#known.length > 0) {
      for (let changes = 0;; changes++) {
        const enough = await isEnough();
        assertEquals(answer !== null, enough, `${what}, ${changes} changes`);
        if (enough) break;
        if (changes === 6) {
          broker.clock.advance(MAX_WAIT_MS);
          await settle();
          break;
        }
        await this.#world.change();
        await settle();
      }
    }
    await this.#compare(answer!, settings, isNew, what);
  }

  async #compare(
    answer: FetchResponse,
    settings: Settings,
    isNew: boolean,
    what: string,
  ): Promise<void> {
    const full = await this.#full(settings);
    const expected = full.filter((one, i) => {
      const known = this.#known[i]!;
      const isNews = one.highWatermark !== known.sentHighWatermark ||
        one.logStartOffset !== known.sentLogStartOffset;
      if (!isNew && !isNews && !isUrgent(one) && one.records!.length === 0) return false;
      known.sentHighWatermark = one.highWatermark;
      known.sentLogStartOffset = one.logStartOffset;
      return true;
    });
    assertEquals(errorName(answer.errorCode), "NONE", what);
    assertEquals(flat(answer), expected, what);
    // Partitions that had data are read last the next time.
    const hadData = this.#known.filter((_, i) => full[i]!.records!.length > 0);
    this.#known = [...this.#known.filter((known) => !hadData.includes(known)), ...hadData];
    this.#sessionId = answer.sessionId;
    this.#epoch++;
  }

  /** What a fetch without a session answers for every partition of it. */
  async #full(settings: Settings): Promise<Answered[]> {
    return flat(
      await this.#world.broker.ask(fetch, fetchHandler, this.#version, {
        ...this.#wire(settings),
        minBytes: 1,
        maxWaitMs: 0,
        topics: asked(this.#known),
      }),
    );
  }

  /** The settings as the version has them. */
  #wire({ replicaId, ...rest }: Settings) {
    return this.#version < 15
      ? { ...rest, replicaId }
      : { ...rest, replicaState: { replicaId, replicaEpoch: -1 } };
  }

  get #usesIds(): boolean {
    return this.#version >= 13;
  }

  #add(count: number): Known[] {
    const { chance, ids } = this.#world;
    const added: Known[] = [];
    for (let i = 0; i < count; i++) {
      const topic = TOPICS[chance.below(TOPICS.length)]!;
      const partition = chance.oneIn(10) ? MISSING : chance.below(PARTITIONS);
      const topicId = ids.get(topic) ?? "AAAAAAAAAAAAAAAAAAAAZA";
      const place = this.#usesIds ? { topic: "", topicId } : { topic, topicId: ZERO_UUID };
      const isKnown = this.#known.some((known) =>
        known.topic === place.topic && known.topicId === place.topicId &&
        known.partition === partition
      );
      if (isKnown) continue;
      const known: Known = {
        ...place,
        partition,
        ...this.#position(),
        sentHighWatermark: -1,
        sentLogStartOffset: -1,
      };
      this.#known.push(known);
      added.push(known);
    }
    return added;
  }

  #position() {
    const { chance } = this.#world;
    const partition = this.#world.partition();
    const end = partition?.log.logEndOffset ?? 0;
    const epoch = partition?.leaderEpoch ?? 0;
    return {
      fetchOffset: chance.oneIn(3) ? partition?.highWatermark ?? 0 : chance.below(end + 2),
      currentLeaderEpoch: chance.oneIn(6) ? epoch : -1,
      lastFetchedEpoch: chance.oneIn(6) ? epoch - chance.below(2) : -1,
      partitionMaxBytes: chance.oneIn(4) ? chance.below(400) : 100_000,
    };
  }

  #forget(): Known[] {
    const { chance } = this.#world;
    const forgotten = this.#known.filter(() => chance.oneIn(10));
    this.#known = this.#known.filter((known) => !forgotten.includes(known));
    return forgotten;
  }

  /** Moves some partitions: most to where the client has read, which ends the news of them. */
  #move(): Known[] {
    const { chance, broker } = this.#world;
    const moved = this.#known.filter(() => chance.oneIn(3));
    for (const known of moved) {
      Object.assign(known, this.#position());
      if (chance.oneIn(3)) continue;
      const found = [...broker.partitions].find(({ topic, topicId, index }) =>
        (topic === known.topic || topicId === known.topicId) && index === known.partition
      );
      Object.assign(known, {
        fetchOffset: found?.highWatermark ?? 0,
        currentLeaderEpoch: -1,
        lastFetchedEpoch: -1,
      });
    }
    return moved;
  }
}

function isUrgent({ errorCode, divergingEpoch }: Answered): boolean {
  return errorCode !== 0 || divergingEpoch.epoch !== -1 || divergingEpoch.endOffset !== -1;
}

function asked(known: readonly Known[]) {
  return known.map(({ topic, topicId, ...rest }) => {
    const { sentHighWatermark: _high, sentLogStartOffset: _start, ...partition } = rest;
    return { topic, topicId, partitions: [partition] };
  });
}

const SEEDS = seedCount(40, 500);

test(`fetch sessions answer what full fetches would, over ${SEEDS} seeds`, async () => {
  for (let seed = 1; seed <= SEEDS; seed++) {
    const world = new World(seed);
    const client = new Client(world);
    for (let i = 0; i < 30; i++) {
      for (let changes = world.chance.below(4); changes > 0; changes--) await world.change();
      await client.fetch(`seed ${seed}, fetch ${i}`);
    }
    assertEquals(world.broker.clock.pending(), 0, `seed ${seed}`);
  }
});
