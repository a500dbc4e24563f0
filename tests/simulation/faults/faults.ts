/**
 * What can go wrong in a scenario, drawn from its seed, and the end of it.
 *
 * @module
 */
import type { DiskOperation } from "../../../src/simulator/simulated_disk.ts";
import type { Xoshiro128 } from "../../../src/simulator/xoshiro.ts";
import { BROKER, type BrokerMachine } from "../node_machine.ts";
import type { Role } from "../programs/role.ts";
import type { World } from "../world.ts";

/** The longest pause between two faults, ms. */
const MAX_CALM_MS = 400;

/** Where on the broker's disk something fails, with how likely it is to be chosen. */
const DISK_FAULTS: readonly (readonly [DiskOperation, string])[] = [
  ["write", "/events-"],
  ["write", "/events-"],
  ["write", "/short-"],
  ["write", "__cluster_metadata"],
  ["write", ""],
  ["sync", "__cluster_metadata"],
  ["sync", ""],
  ["open", ""],
  ["change", ""],
  ["read", "/events-"],
];

/** Makes things fail, one after another. */
export class Faults {
  readonly #random: Xoshiro128;
  /** Whether the disk has failed in a way after which an operator restarts the broker. */
  #needsRestart = false;
  #writeFaults = 0;

  constructor(
    private readonly world: World,
    private readonly broker: BrokerMachine,
    private readonly roles: readonly Role[],
  ) {
    this.#random = world.random("faults");
  }

  /** Makes `count` faults. */
  async make(count: number): Promise<void> {
    const { world } = this;
    for (let fault = 0; fault < count; fault++) {
      await world.pause(this.#random.below(MAX_CALM_MS) + 1);
      const kind = this.#random.below(10);
      if (kind < 3) await this.#killBroker();
      else if (kind < 5) this.#role().replace(this.#random.below(1_500));
      else if (kind < 7) await this.#partition();
      else if (kind < 9) this.#failDisk();
      else await this.#fillDisk();
    }
  }

  /** Ends everything that was made to fail. */
  async heal(): Promise<void> {
    const { simulation } = this.world;
    simulation.trace("heal");
    simulation.healAll();
    simulation.disk(BROKER).forgetFaults();
    this.world.holdings(BROKER).isDiskFull = false;
    if (this.#needsRestart || this.broker.hasOfflinePartition) await this.#killBroker();
    simulation.disk(BROKER).forgetFaults();
  }

  #role(): Role {
    return this.roles[this.#random.below(this.roles.length)]!;
  }

  async #killBroker(): Promise<void> {
    this.world.count("kills");
    await this.broker.replace(this.#random.below(300));
  }

  async #partition(): Promise<void> {
    const { world } = this;
    const { simulation } = world;
    const { host } = this.#role();
    const oneWay = this.#random.oneIn(2);
    const [from, to] = this.#random.oneIn(2) ? [BROKER, host] : [host, BROKER];
    world.count("partitions");
    simulation.partition(from, to, { oneWay });
    const healing = world.pause(20 + this.#random.below(4_000)).then(() =>
      simulation.heal(from, to)
    );
    if (this.#random.oneIn(3)) await healing;
  }

  #failDisk(): void {
    const [operation, path] = DISK_FAULTS[this.#random.below(DISK_FAULTS.length)]!;
    const reason = this.#random.oneIn(2) ? "io" : "no-space";
    this.world.count("disk faults");
    this.world.simulation.disk(BROKER).failNext(operation, reason, path);
    // One failed write is made up for; a second one may hit the making up.
    if (operation !== "write" || ++this.#writeFaults > 1) this.#needsRestart = true;
  }

  async #fillDisk(): Promise<void> {
    const { world } = this;
    world.count("full disks");
    if (++this.#writeFaults > 1) this.#needsRestart = true;
    world.holdings(BROKER).isDiskFull = true;
    await world.pause(this.#random.below(1_000));
    world.holdings(BROKER).isDiskFull = false;
  }
}
