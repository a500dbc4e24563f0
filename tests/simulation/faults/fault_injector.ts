/**
 * Causes the planned faults of a scenario, and ends them all.
 *
 * @module
 */
import type { Role } from "../programs/role.ts";
import type { World } from "../world.ts";
import { describePlanned, type Fault, type FaultKind, type PlannedFault } from "./fault.ts";

/** Causes faults on the nodes of a run and its programs. */
export class FaultInjector {
  readonly #programs: ReadonlyMap<string, Role>;
  /** Nodes whose disk has failed in a way after which an operator restarts them. */
  readonly #needRestart = new Set<string>();
  /** Failed writes so far, by node. */
  readonly #writeFailures = new Map<string, number>();
  #isStopped = false;

  constructor(private readonly world: World, programs: readonly Role[] = []) {
    this.#programs = new Map(programs.map((program) => [program.host, program]));
  }

  /** Causes those of `planned` that were not dropped, each at its time, and resolves after the last. */
  async run(planned: readonly PlannedFault[]): Promise<void> {
    const { world } = this;
    const startMs = world.simulation.nowMs;
    const endMs = startMs + (planned.at(-1)?.atMs ?? 0);
    for (const { atMs, fault } of world.schedule(planned, describePlanned)) {
      await world.pause(startMs + atMs - world.simulation.nowMs);
      if (this.#isStopped) return;
      void this.#cause(fault);
    }
    // The phase after the faults starts at the same time, whatever was dropped.
    await world.pause(endMs - world.simulation.nowMs);
  }

  /** Causes no more faults. */
  stop(): void {
    this.#isStopped = true;
  }

  /** Ends everything that was caused. Clocks stay wrong, but run as fast as they should. */
  async heal(): Promise<void> {
    this.#isStopped = true;
    const { simulation, nodes } = this.world;
    simulation.trace("heal");
    simulation.healAll();
    simulation.restoreLinks();
    const hosts = [...nodes.map(({ name }) => name), ...this.#programs.keys()];
    for (const host of hosts) {
      simulation.resume(host);
      if (simulation.clock(host).driftPpm !== 0) simulation.clock(host).driftPpm = 0;
    }
    for (const node of nodes) {
      const disk = simulation.disk(node.name);
      disk.forgetFaults();
      disk.isFull = false;
      disk.unhang();
      if (!this.#needRestart.has(node.name) && !node.hasOfflinePartition) continue;
      this.world.count("kills");
      await node.replace(0);
      disk.forgetFaults();
    }
  }

  async #cause(fault: Fault): Promise<void> {
    const { world } = this;
    const { simulation } = world;
    if (fault.kind !== "kill") world.count(COUNTED_AS[fault.kind]);
    switch (fault.kind) {
      case "kill":
        return await this.#kill(fault.host, fault.deadMs);
      case "power failure":
        return await world.node(fault.host).losePower(fault.deadMs);
      case "restart":
        return await world.node(fault.host).restart(fault.deadMs);
      case "isolation":
        this.#cutOff(fault.host, fault.direction);
        await world.pause(fault.forMs);
        return this.#reconnect(fault.host);
      case "pause":
        return simulation.pause(fault.host, fault.forMs);
      case "clock": {
        const clock = simulation.clock(fault.host);
        clock.offsetMs = fault.offsetMs;
        clock.driftPpm = fault.driftPpm;
        return;
      }
      case "partition":
        simulation.partition(fault.from, fault.to, { oneWay: fault.isOneWay });
        await world.pause(fault.forMs);
        return simulation.heal(fault.from, fault.to);
      case "reset":
        return simulation.reset(fault.one, fault.other);
      case "bad link":
        simulation.setLink(fault.one, fault.other, fault.quality);
        await world.pause(fault.forMs);
        return simulation.setLink(fault.one, fault.other, {});
      case "disk failure":
        simulation.disk(fault.host).failNext(fault.operation, fault.reason, fault.path);
        return this.#noteDiskFailure(fault.host, fault.operation === "write");
      case "full disk":
        this.#noteDiskFailure(fault.host, true);
        simulation.disk(fault.host).isFull = true;
        await world.pause(fault.forMs);
        simulation.disk(fault.host).isFull = false;
        return;
      case "hung disk":
        simulation.disk(fault.host).hang();
        await world.pause(fault.forMs);
        return simulation.disk(fault.host).unhang();
    }
  }

  #cutOff(host: string, direction: string): void {
    for (const other of this.#others(host)) {
      if (direction !== "to") this.world.simulation.partition(host, other, { oneWay: true });
      if (direction !== "from") this.world.simulation.partition(other, host, { oneWay: true });
    }
  }

  #reconnect(host: string): void {
    for (const other of this.#others(host)) this.world.simulation.heal(host, other);
  }

  /** The machines of the other nodes and of all programs. */
  #others(host: string): string[] {
    const nodes = this.world.nodes.map(({ name }) => name).filter((name) => name !== host);
    return [...nodes, ...this.#programs.keys()];
  }

  async #kill(host: string, deadMs: number): Promise<void> {
    const program = this.#programs.get(host);
    if (program !== undefined) await program.replace(deadMs);
    else {
      this.world.count("kills");
      await this.world.node(host).replace(deadMs);
    }
  }

  /** One failed write is repaired by the node; a second one may hit the repair. */
  #noteDiskFailure(host: string, isWrite: boolean): void {
    const writes = (this.#writeFailures.get(host) ?? 0) + (isWrite ? 1 : 0);
    this.#writeFailures.set(host, writes);
    if (!isWrite || writes > 1) this.#needRestart.add(host);
  }
}

/** The names under which faults are counted. */
const COUNTED_AS: Readonly<Record<Exclude<FaultKind, "kill">, string>> = {
  "power failure": "power failures",
  "restart": "restarts",
  "isolation": "isolations",
  "pause": "pauses",
  "clock": "wrong clocks",
  "partition": "partitions",
  "reset": "resets",
  "bad link": "bad links",
  "disk failure": "disk failures",
  "full disk": "full disks",
  "hung disk": "hung disks",
};
