/**
 * The power goes, again and again, while records are written and topics come and go.
 *
 * Records are promised to survive the end of the process, not that of the power: what the page cache
 * held may be lost, acknowledged or not. Topics are promised to survive both. What must hold:
 * - the broker starts again by itself, with every topic whose creation was acknowledged and none
 *   whose deletion was;
 * - each partition holds a first part of what it held: the same records at the same offsets, without
 *   gaps, nothing else; what an earlier recovery had found on the disk is still there;
 * - idempotent producers go on, and in the end everything comes to its end as without a crash.
 *
 * Segments roll often, so that the power goes while some have been closed and are not on the disk yet.
 * Most seeds cut the power shortly after the broker has opened a file of some kind. At a random moment
 * there is seldom anything under way whose order on the disk matters.
 *
 * @module
 */
import { DEFAULT_DISK_TIMING, type DiskTiming } from "../../src/simulator/simulated_disk.ts";
import type { Xoshiro128 } from "../../src/simulator/xoshiro.ts";
import { Administration } from "./programs/administration.ts";
import { BROKER, BrokerMachine, DATA } from "./node_machine.ts";
import { Link } from "./programs/link.ts";
import type { Outcome, Sabotage } from "./outcome.ts";
import { Producing } from "./programs/producing.ts";
import { Reading } from "./programs/reading.ts";
import type { Role } from "./programs/role.ts";
import { SentRecords } from "./programs/sent_records.ts";
import { GivenUp, World } from "./world.ts";

const TOPIC = "events";
const OBSERVER = "observer";
/** How long anything may take once the power stays, ms of simulated time. */
const LIVENESS_MS = 60_000;

/** One seed in this many has a disk on which a sync takes long, and much is written meanwhile. */
const SLOW_DISK_ONE_IN = 3;
const SLOW_DISK: DiskTiming = {
  ...DEFAULT_DISK_TIMING,
  minSyncUs: 5_000,
  maxSyncUs: 80_000,
  slowMaxUs: 300_000,
};
/** How much time the records of a segment span, ms. */
const ROLL_MS = 60;
/** Remainders of `seed / 5` whose runs time power failures by the files that the broker opens. */
const TIMED_BY_FILES = [2, 3, 4];
/** The files of a partition's first moments. */
const FIRST_FILES: readonly RegExp[] = [/\/0{20}\.log$/, /\/0{20}\.(time)?index$/];
/** All files, those of each roll among them. */
const TIMING_FILES: readonly RegExp[] = [
  ...FIRST_FILES,
  /\/(?!0{20})\d{20}\.log$/,
  /\/(?!0{20})\d{20}\.(time)?index$/,
  /\.snapshot$/,
  /-checkpoint/,
];
/** Maximum wait for such a file, ms. */
const MAX_WAIT_MS = 500;
/** No message of the default network travels longer, ms. */
const ARRIVAL_MS = 10;

/** Runs the scenario of `seed`. */
export function runPowerLoss(seed: number, sabotage?: Sabotage): Promise<Outcome> {
  const disk = seed % SLOW_DISK_ONE_IN === 0 ? SLOW_DISK : DEFAULT_DISK_TIMING;
  const world = new World(seed, { disk }, sabotage);
  return world.run(() => new PowerLoss(world, disk).play());
}

class PowerLoss {
  readonly #world: World;
  readonly #broker: BrokerMachine;
  readonly #records: SentRecords;
  readonly #moments: Xoshiro128;
  readonly #disk: DiskTiming;
  readonly #isTimed: boolean;
  /** By topic and partition: where the log ended when the power had last come back. */
  readonly #durable = new Map<string, number>();

  constructor(world: World, disk: DiskTiming) {
    this.#world = world;
    this.#disk = disk;
    this.#isTimed = TIMED_BY_FILES.includes(world.seed % 5);
    this.#moments = world.random("moments");
    this.#broker = new BrokerMachine(world, {
      "log.retention.ms": "-1",
      "log.roll.ms": String(ROLL_MS),
      "log.retention.check.interval.ms": "700",
    }, false);
    this.#records = new SentRecords(world);
  }

  async play(): Promise<void> {
    const world = this.#world;
    const random = world.random("scenario");
    const partitions = 1 + random.below(3);
    if (random.oneIn(3)) await this.#loseEarly(random.below(6_000) / 1_000);
    await this.#broker.start();
    await this.#broker.broker!.controller.createTopics([{
      name: TOPIC,
      numPartitions: partitions,
    }]);
    const producers = [1, 2].map((n) =>
      new Producing(world, `producer-${n}`, this.#records, {
        topic: TOPIC,
        partitions,
        records: 40 + random.below(80),
        maxPauseMs: 1 + random.below(60),
        mayTimeOut: true,
      })
    );
    const admin = new Administration(world, "admin", this.#records, {
      topic: TOPIC,
      partitions,
      growths: random.below(2),
      mayLose: true,
    });
    const roles: Role[] = [...producers, admin];
    for (const role of roles) role.start();
    for (let crash = 1 + random.below(6); crash > 0; crash--) {
      const calmMs = random.below(700);
      // Otherwise the first roll of a partition is over before the first power failure.
      const isEarly = this.#isTimed && this.#moments.oneIn(2);
      if (!isEarly) await world.pause(calmMs);
      if (random.oneIn(3)) await this.#startAnew();
      await this.#awaitMoment(isEarly ? FIRST_FILES : TIMING_FILES);
      await this.#losePower(admin, roles, random.below(1_000));
    }
    await this.#finish(producers, admin);
  }

  /** The power goes while a broker starts for the first time. */
  async #loseEarly(afterMs: number): Promise<void> {
    this.#broker.start();
    await this.#world.pause(afterMs);
    this.#world.count("crashes");
    this.#broker.crash();
  }

  /** Waits until the broker opens one of `files`, in a run that is timed by them. */
  async #awaitMoment(files: readonly RegExp[]): Promise<void> {
    if (!this.#isTimed) return;
    const world = this.#world;
    const moments = this.#moments;
    const wanted = files[moments.below(files.length)]!;
    const holdings = world.holdings(BROKER);
    await Promise.race([
      world.pause(MAX_WAIT_MS),
      new Promise<void>((resolve) => {
        holdings.onOpen = (path) => {
          if (path.startsWith(`${DATA}/`) && wanted.test(path)) resolve();
        };
      }),
    ]);
    holdings.onOpen = null;
    // Within the next sync.
    await world.pause(moments.below(this.#disk.maxSyncUs) / 1_000);
  }

  /** Ends the broker in an orderly way and starts it again. */
  async #startAnew(): Promise<void> {
    await this.#broker.shutdown();
    this.#world.replaceProcess(BROKER);
    await this.#broker.start();
    await this.#world.pause(100);
  }

  /** Cuts the power, starts again, and looks at what is left before anybody writes more. */
  async #losePower(admin: Administration, roles: readonly Role[], darkMs: number): Promise<void> {
    const world = this.#world;
    world.count("crashes");
    this.#broker.crash();
    // Answers that were on their way arrive: later they would speak of what is lost.
    await world.pause(ARRIVAL_MS + darkMs);
    for (const { host } of roles) world.simulation.partition(BROKER, host);
    await this.#broker.start();
    await this.#check(admin, true);
    for (const { host } of roles) world.simulation.heal(BROKER, host);
    this.#giveUpOnFailure();
  }

  async #finish(producers: readonly Role[], admin: Administration): Promise<void> {
    const world = this.#world;
    await this.#waitFor(
      "every producer has sent its records",
      () => producers.every(({ isDone }) => isDone),
    );
    admin.stop();
    await this.#waitFor("the admin client has come to its end", () => admin.isDone);
    const ends = await this.#check(admin, false);
    const reader = new Reading(world, "reader", this.#records, TOPIC, true);
    reader.start();
    await this.#waitFor("a reader has read everything", () => reader.hasRead(ends));
    reader.stop();
    await this.#waitFor("the reader has closed", () => reader.isDone);
    await this.#broker.shutdown();
    world.replaceProcess(BROKER);
    await this.#broker.start();
    await this.#check(admin, false);
    await this.#broker.shutdown();
  }

  /** Compares what is stored with what was. After a crash its end may be missing. */
  async #check(admin: Administration, afterCrash: boolean): Promise<number[]> {
    const link = new Link(this.#world.runtime(OBSERVER));
    const topics = await link.topics();
    admin.checkTopics(topics.keys());
    let ends: number[] = [];
    for (const [topic, count] of topics) {
      const logs = [];
      for (let partition = 0; partition < count; partition++) {
        const log = await link.readAll(topic, partition);
        logs.push(log);
        if (afterCrash) this.#checkEnd(topic, partition, log.length);
      }
      this.#records.checkTopic(topic, logs, true);
      if (topic === TOPIC) ends = logs.map((log) => log.length);
    }
    link.close();
    return ends;
  }

  #checkEnd(topic: string, partition: number, end: number): void {
    const name = `${topic}-${partition}`;
    const durable = this.#durable.get(name) ?? 0;
    if (end < durable) {
      this.#world.fail(
        `${name} was found with ${durable} records after a crash, now it has ${end}`,
      );
    }
    this.#durable.set(name, end);
    this.#world.count("records lost", this.#records.forgetFrom(topic, partition, end));
  }

  async #waitFor(what: string, isTrue: () => boolean): Promise<void> {
    await this.#world.waitFor(
      what,
      LIVENESS_MS,
      () => this.#world.failures.length > 0 || isTrue(),
    );
    this.#giveUpOnFailure();
  }

  #giveUpOnFailure(): void {
    if (this.#world.failures.length > 0) throw new GivenUp();
  }
}
