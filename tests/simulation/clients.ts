/**
 * The library's own producer, consumer and admin client against one broker, all simulated, in two
 * phases: during the faults, nothing may be lost, duplicated, changed or skipped; after them, everything
 * must finish in bounded time.
 *
 * Rules:
 * - an acknowledged record exists once, at its offset, as it was sent, and in the order in which it was
 *   sent; a record that failed exists once at most;
 * - a consumer that reads alone receives every record in order, without gaps;
 * - a group receives every record, and commits only what it has received; without faults, it receives
 *   none twice;
 * - topics exist from the response to their creation until the request for their deletion;
 * - a program that has shut down holds no timer, file or connection, and logs have no defect.
 *
 * @module
 */
import type { SimulationOptions } from "../../src/simulator/simulation_options.ts";
import { Administration } from "./programs/administration.ts";
import { drawFaults, type FaultWeights } from "./faults/draw_faults.ts";
import { FaultInjector } from "./faults/fault_injector.ts";
import { DATA, NodeMachine } from "./node_machine.ts";
import { Link } from "./programs/link.ts";
import { CommitWatch, GroupModel, Membership } from "./programs/membership.ts";
import type { Outcome, RunOptions } from "./outcome.ts";
import { Producing } from "./programs/producing.ts";
import { Reading } from "./programs/reading.ts";
import type { Role } from "./programs/role.ts";
import { SentRecords } from "./programs/sent_records.ts";
import { GivenUp, World } from "./world.ts";

const BROKER = "broker";
const TOPIC = "events";
const OBSERVER = "observer";
/** How long anything may take once the faults are over, ms of simulated time. */
const LIVENESS_MS = 60_000;
/** One seed in this many goes without faults. */
const CALM_ONE_IN = 4;

/** The longest pause between two faults, ms. */
const MAX_CALM_MS = 400;
const FAULTS: FaultWeights = {
  "kill": 5,
  "partition": 2,
  "disk failure": 2,
  "full disk": 1,
  "pause": 2,
  "clock": 1,
  "reset": 1,
  "bad link": 1,
  "hung disk": 1,
};

const BROKER_CONFIG = {
  "log.segment.bytes": "1048576",
  "group.min.session.timeout.ms": "100",
  "group.initial.rebalance.delay.ms": "30",
  // Some records are years old, and must not be deleted.
  "log.retention.ms": "-1",
  "log.retention.check.interval.ms": "700",
};

/** One seed in four, the first after each calm one, has a broker that is busy in the background. */
const BUSY_CONFIG = {
  "log.flush.offset.checkpoint.interval.ms": "20",
  "log.flush.interval.ms": "10",
};

/** Of so many seeds one has a broker that may open few files. */
const FEW_FILES_ONE_IN = 5;
/** How many it may open: nearly always as many as it needs at a time, but fewer than it caches. */
const FEW_FILES = 6;

/** How fast the network is: a local one, a distant one, a bad one, which is a fault of its own. */
const NETWORKS: readonly NonNullable<SimulationOptions["network"]>[] = [
  {},
  {},
  { minDelayUs: 5_000, maxDelayUs: 20_000, slowMaxUs: 60_000 },
  { minDelayUs: 100, maxDelayUs: 3_000, slowOneIn: 8, slowMaxUs: 400_000 },
];

/** Runs the scenario of `seed`. */
export function runClients(seed: number, options: RunOptions = {}): Promise<Outcome> {
  const networks = seed % CALM_ONE_IN === 0 ? NETWORKS.length - 1 : NETWORKS.length;
  const network = NETWORKS[Math.floor(seed / CALM_ONE_IN) % networks]!;
  const world = new World(seed, { network }, options);
  return world.play(() => new ClientsScenario(world).play());
}

class ClientsScenario {
  readonly #world: World;
  readonly #broker: NodeMachine;
  readonly #records: SentRecords;
  readonly #group: GroupModel;
  readonly #isCalm: boolean;

  constructor(world: World) {
    this.#world = world;
    this.#isCalm = world.seed % CALM_ONE_IN === 0;
    // Half of the brokers have two directories: the failure of the second one does not end them.
    const directory = world.seed % 2 === 0 ? `${DATA},/more` : DATA;
    const isBusy = world.seed % CALM_ONE_IN === 1;
    const config = { ...BROKER_CONFIG, ...isBusy && BUSY_CONFIG };
    if (world.seed % FEW_FILES_ONE_IN === 2) {
      world.simulation.disk(BROKER).maxOpenFiles = FEW_FILES;
    }
    this.#broker = new NodeMachine(world, {
      name: BROKER,
      roles: ["broker", "controller"],
      config,
      mayRefuse: !this.#isCalm,
      directory,
    });
    this.#records = new SentRecords(world);
    this.#group = new GroupModel(world);
  }

  async play(): Promise<void> {
    const world = this.#world;
    const random = world.random("scenario");
    const partitions = 1 + random.below(3);
    await this.#broker.start();
    const rolls: Record<string, string> = random.oneIn(3) ? { "segment.ms": "150" } : {};
    await this.#broker.serving!.controller.createTopics([{
      name: TOPIC,
      numPartitions: partitions,
      configs: Object.entries(rolls).map(([name, value]) => ({ name, value })),
    }]);
    const sent = {
      topic: TOPIC,
      partitions,
      records: 20 + random.below(80),
      maxPauseMs: 1 + random.below(80),
      mayTimeOut: !this.#isCalm,
    };
    const producers = [1, 2].map((n) => new Producing(world, `producer-${n}`, this.#records, sent));
    // The number of steps of Web Streams depends on the runtime, and so do the hashes of these seeds.
    const iterates = world.seed % 3 !== 0;
    const readers = [new Reading(world, "reader", this.#records, TOPIC, iterates)];
    const members = Array.from(
      { length: 1 + random.below(3) },
      (_, n) =>
        new Membership(world, `member-${n + 1}`, this.#records, TOPIC, this.#group, {
          autoCommit: this.#isCalm,
        }),
    );
    const admin = new Administration(world, "admin", this.#records, {
      topic: TOPIC,
      partitions,
      growths: random.below(2),
    });
    const watch = new CommitWatch(world, "watch", TOPIC, this.#group);
    const stoppable: Role[] = [...readers, ...members, watch];
    for (const role of [...producers, ...stoppable, admin]) role.start();
    if (!this.#isCalm) {
      await this.#makeFaults([...producers, ...readers, ...members], 2 + random.below(10));
    }
    await this.#finish(producers, readers, members, admin, stoppable);
  }

  /** The first phase. */
  async #makeFaults(programs: readonly Role[], count: number): Promise<void> {
    const world = this.#world;
    const faults = new FaultInjector(world, programs);
    await faults.run(drawFaults(world.random("faults"), {
      nodes: world.nodes.map(({ name }) => name),
      clients: programs.map(({ host }) => host),
      killsClients: true,
      count,
      maxCalmMs: MAX_CALM_MS,
      weights: FAULTS,
    }));
    await faults.heal();
  }

  /** The second phase: everything finishes, and the records are compared with the model. */
  async #finish(
    producers: readonly Role[],
    readers: readonly Reading[],
    members: readonly Membership[],
    admin: Administration,
    stoppable: readonly Role[],
  ): Promise<void> {
    const world = this.#world;
    await this.#waitFor("every producer has sent its records", () => allDone(producers));
    admin.stop();
    await this.#waitFor("the admin client has come to its end", () => admin.isDone);
    const ends = await this.#check(admin);
    await this.#waitFor(
      `every reader has read up to ${ends}`,
      () => readers.every((reader) => reader.hasRead(ends)),
    );
    await this.#waitFor(
      `the group has been handed all up to ${ends}`,
      () => this.#group.hasTaken(ends),
    );
    for (const role of stoppable) role.stop();
    await this.#waitFor(
      `${members.length} members and all others have closed`,
      () => allDone(stoppable),
    );
    if (this.#isCalm && this.#group.repeats > 0) {
      world.fail(`the group was handed ${this.#group.repeats} records twice without any fault`);
    }
    await this.#broker.shutdown();
    world.replaceProcess(BROKER);
    await this.#broker.start();
    await this.#check(admin);
    await this.#broker.shutdown();
    const shortages = world.simulation.disk(BROKER).descriptorShortages;
    if (shortages > 0) world.count("descriptor shortages", shortages);
  }

  /** Waits, unless something was found wrong already. */
  async #waitFor(what: string, isTrue: () => boolean): Promise<void> {
    await this.#world.waitFor(
      what,
      LIVENESS_MS,
      () => this.#world.failures.length > 0 || isTrue(),
    );
    if (this.#world.failures.length > 0) throw new GivenUp();
  }

  /** Compares the stored records with those that were sent. Returns the ends of the partitions. */
  async #check(admin: Administration): Promise<number[]> {
    const link = new Link(this.#world.runtime(OBSERVER), this.#world.brokers);
    const topics = await link.topics();
    admin.checkTopics(topics.keys());
    let ends: number[] = [];
    for (const [topic, count] of topics) {
      const logs = [];
      for (let partition = 0; partition < count; partition++) {
        logs.push(await link.readAll(topic, partition));
      }
      const isWhole = topic === TOPIC || admin.topics.get(topic) === "there";
      this.#records.checkTopic(topic, logs, !isWhole);
      if (topic === TOPIC) ends = logs.map((log) => log.length);
    }
    link.close();
    return ends;
  }
}

function allDone(roles: readonly Role[]): boolean {
  return roles.every((role) => role.isDone);
}
