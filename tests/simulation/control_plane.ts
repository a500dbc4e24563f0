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
 * - once the faults are over, everything works again in bounded time.
 *
 * @module
 */
import { ClusterClient } from "./control_plane/cluster_client.ts";
import { ControlPlane } from "./control_plane/control_plane_machines.ts";
import { expectWorkingCluster } from "./control_plane/final_checks.ts";
import { drawFaults, type FaultWeights } from "./faults/draw_faults.ts";
import { FaultInjector } from "./faults/fault_injector.ts";
import type { Outcome, RunOptions } from "./outcome.ts";
import { GivenUp, World } from "./world.ts";

const CLIENTS = 3;
/** One seed in so many goes without faults. */
const CALM_ONE_IN = 8;
const START_MS = 10_000;
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

/** Runs the scenario of `seed`. */
export function runControlPlane(seed: number, options: RunOptions = {}): Promise<Outcome> {
  const world = new World(seed, {}, options);
  return world.play(() => new ControlPlaneScenario(world).play());
}

class ControlPlaneScenario {
  readonly #world: World;
  readonly #cluster: ControlPlane;
  readonly #clients: ClusterClient[];

  constructor(world: World) {
    this.#world = world;
    this.#cluster = new ControlPlane(world);
    const brokers = this.#cluster.brokers.length;
    this.#clients = Array.from(
      { length: CLIENTS },
      (_, index) =>
        new ClusterClient(world, `client-${index + 1}`, {
          maxPauseMs: 250,
          configured: index === 0 ? "" : this.#cluster.idOf(this.#cluster.brokers[index]!),
          brokers,
        }),
    );
  }

  async play(): Promise<void> {
    const world = this.#world;
    const random = world.random("scenario");
    const isCalm = world.seed % CALM_ONE_IN === 0;
    this.#cluster.start();
    const beginsCalmly = isCalm || !random.oneIn(3);
    if (beginsCalmly) await this.#waitUntilServing(START_MS);
    for (const client of this.#clients) client.start();
    if (isCalm) await world.pause(3_000);
    else await this.#makeFaults(random.between(4, 16));
    await this.#settle();
  }

  async #makeFaults(count: number): Promise<void> {
    const world = this.#world;
    const faults = new FaultInjector(world);
    const nodes = world.nodes.map(({ name }) => name);
    await faults.run(drawFaults(world.random("faults"), {
      nodes,
      clients: nodes,
      killsClients: false,
      count,
      maxCalmMs: MAX_CALM_MS,
      weights: FAULTS,
    }));
    await faults.heal();
  }

  /** The second phase: everything works again. */
  async #settle(): Promise<void> {
    const world = this.#world;
    const cluster = this.#cluster;
    await this.#waitFor("a controller is active", 5_000, () => cluster.active !== null);
    await this.#waitUntilServing(15_000);
    for (const client of this.#clients) client.stop();
    await this.#waitFor(
      "all clients have ended",
      10_000,
      () => this.#clients.every(({ isDone }) => isDone),
    );
    await this.#waitFor("all brokers are in service", 10_000, () => cluster.isInService);
    await expectWorkingCluster(world, cluster);
    await this.#waitFor("all images are the same", 5_000, () => cluster.isEqual);
    for (const node of cluster.nodes) {
      for (const client of this.#clients) {
        for (const text of client.model.contradictions(node.opened!.image)) {
          world.fail(`${node.name}: ${text}`);
        }
      }
    }
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
