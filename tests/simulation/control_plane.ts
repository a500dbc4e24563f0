/**
 * A whole control plane: three controllers and five brokers, and clients that change topics and configs
 * through any broker, while nodes are killed, lose their power, are paused, cut off and restarted.
 *
 * Rules:
 * - no two controllers lead or are active in one epoch, and whatever two nodes hold to be committed is the
 *   same;
 * - the metadata of every node are those of a prefix of the committed log, whenever a node publishes them;
 * - leaders, in-sync replicas and epochs keep the rules of `control_plane/state_rules.ts`;
 * - a change that was acknowledged is in force at the broker that answered, and at all nodes in the end; a
 *   change that was rejected is not;
 * - a request with an old broker epoch changes nothing;
 * - a broker to which nothing happens stays in service, whatever happens to controllers;
 * - once the faults are over, everything works again in bounded time.
 *
 * @module
 */
import { ClusterClient } from "./control_plane/cluster_client.ts";
import { ControlPlane } from "./control_plane/control_plane_machines.ts";
import { leaveTransactionOpen } from "./control_plane/open_transaction.ts";
import { Operator } from "./control_plane/operator.ts";
import { expectChanges, expectLeaders } from "./control_plane/final_checks.ts";
import type { Xoshiro128 } from "../../src/simulator/xoshiro.ts";
import { drawFaults, type FaultWeights } from "./faults/draw_faults.ts";
import { FaultInjector } from "./faults/fault_injector.ts";
import type { Outcome, RunOptions } from "./outcome.ts";
import { GivenUp, World } from "./world.ts";

const CLIENTS = 3;
/** What happens in a run depends on its seed, in turns. */
const KINDS = [
  /** No faults. */
  "calm",
  "all faults",
  "all faults",
  /** A metadata transaction is open when the brokers start. */
  "open transaction",
  "all faults",
  /** Faults of controllers alone, which elect another one later than a session ends. */
  "controller faults",
  /** The controllers are brokers, too. */
  "combined",
  /** All faults, after a failure of the power of the active controller and two brokers together. */
  "outage",
] as const;
const SESSION_MS = 1_200;
const FETCH_TIMEOUT_MS = 2_500;
/** Times with which the sessions of brokers end before another controller is elected. */
const SLOW_ELECTIONS = {
  "controller.quorum.election.timeout.ms": "800",
  "controller.quorum.fetch.timeout.ms": String(FETCH_TIMEOUT_MS),
  "broker.session.timeout.ms": String(SESSION_MS),
};
const START_MS = 10_000;
const CALM_MS = 3_000;
/** Longer than an election and a session together. */
const OUTAGE_MS = 4_000;
const MAX_CALM_MS = 700;

const FAULTS: FaultWeights = {
  "kill": 6,
  "power failure": 3,
  "restart": 3,
  "pause": 3,
  "isolation": 3,
  "partition": 4,
  "clock": 1,
  "reset": 1,
  "bad link": 2,
  "hung disk": 2,
};

const CONTROLLER_FAULTS: FaultWeights = { "kill": 3, "restart": 2, "power failure": 1, "pause": 6 };

/** Runs the scenario of `seed`. */
export function runControlPlane(seed: number, options: RunOptions = {}): Promise<Outcome> {
  const world = new World(seed, {}, options);
  return world.play(() => new ControlPlaneScenario(world).play());
}

class ControlPlaneScenario {
  readonly #world: World;
  readonly #kind: typeof KINDS[number];
  readonly #cluster: ControlPlane;
  readonly #clients: ClusterClient[];
  readonly #operator: Operator;

  constructor(world: World) {
    this.#world = world;
    this.#kind = KINDS[world.seed % KINDS.length]!;
    const hasFaults = this.#kind !== "calm" && this.#kind !== "controller faults";
    this.#cluster = new ControlPlane(world, {
      isCombined: this.#kind === "combined",
      ...this.#kind === "controller faults" && { config: SLOW_ELECTIONS },
    });
    const brokers = this.#cluster.brokers.length;
    this.#clients = Array.from(
      { length: CLIENTS },
      (_, index) =>
        new ClusterClient(world, `client-${index + 1}`, {
          maxPauseMs: 250,
          configured: index === 0 ? "" : this.#cluster.idOf(this.#cluster.brokers[index]!),
          brokers,
          isRegistered: (id) => this.#cluster.invariants.log.state.broker(Number(id)) !== undefined,
        }),
    );
    this.#operator = new Operator(world, "operator", this.#cluster, { unregisters: hasFaults });
  }

  async play(): Promise<void> {
    const world = this.#world;
    const random = world.random("scenario");
    await this.#begin(this.#kind === "all faults" && random.oneIn(3));
    for (const role of [...this.#clients, this.#operator]) role.start();
    this.#cluster.invariants.allowsFences = this.#kind !== "controller faults" &&
      this.#kind !== "calm";
    if (this.#kind === "calm") await world.pause(CALM_MS);
    else {
      if (this.#kind === "outage") this.#cutPower(random);
      await this.#makeFaults(random.between(4, 16));
    }
    await this.#settle();
  }

  /** Starts the nodes. They may have to start during the faults. */
  async #begin(isAtOnce: boolean): Promise<void> {
    const cluster = this.#cluster;
    cluster.start(cluster.controllers);
    if (this.#kind === "open transaction") await leaveTransactionOpen(this.#world, cluster);
    cluster.start(cluster.brokers.filter((broker) => !cluster.controllers.includes(broker)));
    if (!isAtOnce) await this.#waitUntilServing(START_MS);
  }

  /** Another controller becomes active, for which the sessions of both brokers end at the same time. */
  #cutPower(random: Xoshiro128): void {
    const { active, brokers } = this.#cluster;
    const first = random.below(brokers.length);
    const second = (first + random.between(1, brokers.length - 1)) % brokers.length;
    for (const node of [active, brokers[first], brokers[second]]) node?.losePower(OUTAGE_MS);
    this.#world.count("outages");
  }

  async #makeFaults(count: number): Promise<void> {
    const world = this.#world;
    const faults = new FaultInjector(world);
    const isOfControllers = this.#kind === "controller faults";
    const hit = isOfControllers ? this.#cluster.controllers : this.#cluster.nodes;
    const nodes = hit.map(({ name }) => name);
    await faults.run(drawFaults(world.random("faults"), {
      nodes,
      clients: nodes,
      killsClients: false,
      count,
      maxCalmMs: MAX_CALM_MS,
      weights: isOfControllers ? CONTROLLER_FAULTS : FAULTS,
      ...isOfControllers && { minPauseMs: SESSION_MS, maxPauseMs: FETCH_TIMEOUT_MS },
    }));
    await faults.heal();
  }

  /** The second phase: everything works again. */
  async #settle(): Promise<void> {
    const world = this.#world;
    const cluster = this.#cluster;
    // A broker may go on to send a request whose client has given up.
    this.#operator.stop();
    await this.#waitFor("a controller is active", 5_000, () => cluster.active !== null);
    await this.#waitUntilServing(15_000);
    for (const client of this.#clients) client.stop();
    await this.#waitFor(
      "all clients have ended",
      10_000,
      () => this.#clients.every(({ isDone }) => isDone),
    );
    await this.#waitFor("all brokers are in service", 10_000, () => cluster.isInService);
    await expectChanges(world, cluster);
    const settled = () =>
      this.#waitFor(
        "all images are the same, and their partitions have leaders",
        5_000,
        () => cluster.isInService && cluster.isEqual && cluster.hasLeaders,
      );
    await settled();
    await expectLeaders(world, cluster, settled);
    for (const node of cluster.nodes) {
      for (const client of this.#clients) {
        for (const text of client.model.contradictions(node.opened!.image)) {
          world.fail(`${node.name}: ${text}`);
        }
      }
    }
    cluster.invariants.allowsFences = true;
    await cluster.shutdown();
  }

  #waitUntilServing(limitMs: number): Promise<void> {
    const { nodes } = this.#cluster;
    return this.#waitFor(
      "all nodes serve",
      limitMs,
      () => nodes.every(({ serving }) => serving !== null),
    );
  }

  async #waitFor(what: string, limitMs: number, isTrue: () => boolean): Promise<void> {
    const world = this.#world;
    await world.waitFor(what, limitMs, () => world.failures.length > 0 || isTrue());
    if (world.failures.length > 0) throw new GivenUp();
  }
}
