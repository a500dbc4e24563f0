/**
 * The power fails repeatedly while records are written and topics are created and deleted.
 *
 * Records are promised to survive the end of the process, not a power failure: what the page cache
 * held may be lost, acknowledged or not. Topics are promised to survive both. Rules:
 * - the broker starts again by itself, with every topic whose creation was acknowledged and none
 *   whose deletion was;
 * - each partition holds a prefix of its records: the same records at the same offsets, without
 *   gaps, and nothing else; records that an earlier recovery found are still there;
 * - idempotent producers continue, and in the end everything finishes as without a crash.
 *
 * Segments roll often, so that the power fails while some are closed and not durable yet.
 * Most seeds cut the power shortly after the broker has opened a file of some kind. At a random moment
 * there is seldom anything under way whose order on the disk matters.
 *
 * @module
 */
import { DEFAULT_DISK_TIMING, type DiskTiming } from "../../src/simulator/simulated_disk.ts";
import { Administration } from "./programs/administration.ts";
import { describeLoss, drawLosses, type PowerFailure } from "./faults/power_failure.ts";
import { DATA, NodeMachine } from "./node_machine.ts";
import { Link } from "./programs/link.ts";
import type { Outcome, RunOptions } from "./outcome.ts";
import { Producing } from "./programs/producing.ts";
import { Reading } from "./programs/reading.ts";
import type { Role } from "./programs/role.ts";
import { SentRecords } from "./programs/sent_records.ts";
import { GivenUp, World } from "./world.ts";

const BROKER = "broker";
const TOPIC = "events";
const OBSERVER = "observer";
/** The maximum duration of each step after the last power failure, ms of simulated time. */
const LIVENESS_MS = 60_000;

/** One seed in this many has a slow disk, so that much is written during a sync. */
const SLOW_DISK_ONE_IN = 2;
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
/** The longest wait for a file to be opened, ms. */
const MAX_WAIT_MS = 500;
/** No message of the default network travels longer, ms. */
const ARRIVAL_MS = 10;

/** Runs the scenario of `seed`. */
export function runPowerLoss(seed: number, options: RunOptions = {}): Promise<Outcome> {
  const disk = seed % SLOW_DISK_ONE_IN === 0 ? SLOW_DISK : DEFAULT_DISK_TIMING;
  const world = new World(seed, { disk }, options);
  return world.play(() => new PowerLoss(world, disk).play());
}

class PowerLoss {
  readonly #world: World;
  readonly #broker: NodeMachine;
  readonly #records: SentRecords;
  readonly #disk: DiskTiming;
  /** By topic and partition: where the log ended when the power had last come back. */
  readonly #durable = new Map<string, number>();

  constructor(world: World, disk: DiskTiming) {
    this.#world = world;
    this.#disk = disk;
    this.#broker = new NodeMachine(world, {
      name: BROKER,
      roles: ["broker", "controller"],
      config: {
        "log.retention.ms": "-1",
        "log.roll.ms": String(ROLL_MS),
        "log.retention.check.interval.ms": "700",
      },
      mayRefuse: false,
    });
    this.#records = new SentRecords(world);
  }

  async play(): Promise<void> {
    const world = this.#world;
    const random = world.random("scenario");
    const partitions = 1 + random.below(3);
    if (random.oneIn(3)) await this.#loseEarly(random.below(6_000) / 1_000);
    await this.#broker.start();
    await this.#broker.serving!.controller.createTopics([{
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
    const losses = drawLosses(world.random("losses"), {
      count: 1 + random.below(6),
      isTimed: TIMED_BY_FILES.includes(world.seed % 5),
      maxSyncUs: this.#disk.maxSyncUs,
    });
    for (const loss of world.schedule(losses, describeLoss)) {
      await this.#losePower(loss, admin, roles);
    }
    world.simulation.clock(BROKER).offsetMs = 0;
    await this.#finish(producers, admin);
  }

  /** Cuts the power while the broker starts for the first time. */
  async #loseEarly(afterMs: number): Promise<void> {
    this.#broker.start();
    await this.#world.pause(afterMs);
    this.#world.count("crashes");
    this.#broker.crash();
  }

  /** Waits until the broker opens a file like `wanted`, or for a while. */
  async #awaitFile(wanted: RegExp): Promise<void> {
    const world = this.#world;
    const process = world.process(BROKER);
    await Promise.race([
      world.pause(MAX_WAIT_MS),
      new Promise<void>((resolve) => {
        process.onOpen = (path) => {
          if (path.startsWith(`${DATA}/`) && wanted.test(path)) resolve();
        };
      }),
    ]);
    process.onOpen = null;
  }

  /** Ends the broker in an orderly way and starts it again. */
  async #restart(): Promise<void> {
    await this.#broker.shutdown();
    this.#world.replaceProcess(BROKER);
    await this.#broker.start();
    await this.#world.pause(100);
  }

  async #stall(forMs: number): Promise<void> {
    const disk = this.#world.simulation.disk(BROKER);
    disk.hang();
    await this.#world.pause(forMs);
    disk.unhang();
  }

  /** Cuts the power, starts again, and looks at what is left before any client writes more. */
  async #losePower(
    loss: PowerFailure,
    admin: Administration,
    roles: readonly Role[],
  ): Promise<void> {
    const world = this.#world;
    const { simulation } = world;
    await world.pause(loss.calmMs);
    if (loss.restartsFirst) await this.#restart();
    if (loss.stallMs > 0) await this.#stall(loss.stallMs);
    if (loss.file !== null) await this.#awaitFile(loss.file);
    await world.pause(loss.afterUs / 1_000);
    if (loss.hungMs > 0) {
      simulation.disk(BROKER).hang();
      await world.pause(loss.hungMs);
    }
    world.count("crashes");
    this.#broker.crash();
    // Let answers in flight arrive: later they would acknowledge lost records.
    await world.pause(ARRIVAL_MS + loss.darkMs);
    if (loss.clockOffsetMs !== 0) simulation.clock(BROKER).offsetMs = loss.clockOffsetMs;
    world.invariants.forgetAcknowledged();
    for (const { host } of roles) simulation.partition(BROKER, host);
    await this.#broker.start();
    await this.#check(admin, true);
    for (const { host } of roles) simulation.heal(BROKER, host);
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

  /** Compares the stored records with the model. After a crash the end may be missing. */
  async #check(admin: Administration, afterCrash: boolean): Promise<number[]> {
    const link = new Link(this.#world.runtime(OBSERVER), this.#world.brokers);
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
