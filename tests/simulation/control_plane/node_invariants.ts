/**
 * What must hold for the nodes of a cluster after every event and whenever one of them publishes metadata.
 *
 * @module
 */
import type { Node } from "../../../src/node/node.ts";
import type { NodeMachine } from "../node_machine.ts";
import type { World } from "../world.ts";
import { CommittedLog, type Unfenced } from "./committed_log.ts";
import { imageDigest } from "./image_digest.ts";

const READ_BYTES = 1 << 20;

/** A process of a node. */
interface Watched {
  readonly node: Node;
  readonly name: string;
  /** Everything below was compared with the committed log. */
  readOffset: number;
  highWatermark: number;
  logStartOffset: number;
}

/** Checks the nodes of a run until something does not hold. */
export class NodeInvariants {
  readonly log: CommittedLog = new CommittedLog();
  /** Whether a broker may leave the service. */
  allowsFences = true;
  readonly #world: World;
  readonly #watched = new Map<string, Watched>();
  /** The nodes that lead and that are active, by epoch. */
  readonly #leaders = new Map<number, string>();
  readonly #active = new Map<number, string>();
  #isBroken = false;

  /** `machineOf` returns the machine of a broker. */
  constructor(world: World, private readonly machineOf: (brokerId: number) => NodeMachine) {
    this.#world = world;
    this.log.watch({
      unfenced: (unfenced) => this.#checkUnfenced(unfenced),
      fenced: ({ id }) => {
        world.count("fences");
        return this.allowsFences ? null : `broker ${id} is fenced, and nothing has happened to it`;
      },
    });
    world.simulation.afterEvent(() => this.#check());
  }

  /** Follows a process whose files are open. */
  open(node: Node, { name }: NodeMachine): void {
    const watched = { node, name, readOffset: 0, highWatermark: -1, logStartOffset: Infinity };
    this.#watched.set(name, watched);
    node.quorum.loader.addListener({ finish: () => this.#checkImage(watched) }).catch(() => {});
  }

  #check(): void {
    if (this.#isBroken) return;
    for (const machine of this.#world.nodes) {
      const watched = this.#watched.get(machine.name);
      if (watched === undefined || watched.node !== machine.opened) continue;
      this.#report(this.#checkNode(watched), machine.name);
    }
  }

  #report(broken: string | null, name: string): void {
    if (broken === null || this.#isBroken) return;
    this.#isBroken = true;
    this.#world.fail(`${name}: ${broken}`);
  }

  #checkNode(watched: Watched): string | null {
    const { node: { quorum: { replica, controller } }, name } = watched;
    const { role, epoch, highWatermark, logStartOffset } = replica.status;
    if (role === "leader") {
      const leader = this.#leaders.get(epoch) ?? name;
      this.#leaders.set(epoch, leader);
      if (leader !== name) return `it leads epoch ${epoch}, and so did ${leader}`;
    }
    const active = controller?.active ?? null;
    if (active !== null) {
      if (!this.#active.has(active.epoch)) this.#world.count("active controllers");
      const other = this.#active.get(active.epoch) ?? name;
      this.#active.set(active.epoch, other);
      if (other !== name) return `it is active in epoch ${active.epoch}, and so was ${other}`;
    }
    if (highWatermark < watched.highWatermark) {
      return `its high watermark goes back from ${watched.highWatermark} to ${highWatermark}`;
    }
    watched.highWatermark = highWatermark;
    if (logStartOffset > watched.logStartOffset) this.#world.count("logs cut");
    watched.logStartOffset = logStartOffset;
    return this.#readCommitted(watched);
  }

  /** Compares what the replica says is committed with what others said. */
  #readCommitted(watched: Watched): string | null {
    const { node: { quorum: { replica } } } = watched;
    if (watched.highWatermark <= watched.readOffset) return null;
    const { logStartOffset, logEndOffset } = replica.status;
    if (logStartOffset > watched.readOffset) {
      if (watched.readOffset > 0) this.#world.count("snapshots loaded");
      watched.readOffset = logStartOffset;
    }
    while (watched.readOffset < Math.min(watched.highWatermark, logEndOffset)) {
      const bytes = replica.readCommitted(watched.readOffset, READ_BYTES);
      const broken = this.log.add(bytes);
      if (broken !== null) return broken;
      if (bytes.length === 0) return null;
      watched.readOffset = Math.min(watched.highWatermark, logEndOffset);
    }
    return null;
  }

  #checkImage(watched: Watched): void {
    const { node: { image }, name } = watched;
    if (this.#isBroken || this.#watched.get(name) !== watched) return;
    this.#report(this.#checkNode(watched), name);
    const broken = this.log.checkImage(image.offset, imageDigest(image));
    if (broken !== null) this.#report(`its image is no prefix of the log: ${broken}`, name);
  }

  /** A broker that comes into service has its own registration and accepts connections. */
  #checkUnfenced({ brokerId, brokerEpoch }: Unfenced): string | null {
    const { opened, isEnding } = this.machineOf(brokerId);
    this.#world.count("unfenced");
    // Another process may run by now, or an old heartbeat of one that ends may have arrived late.
    if (opened?.brokerEpoch !== brokerEpoch || isEnding) return null;
    if (opened.image.offset < brokerEpoch) {
      return `broker ${brokerId} is unfenced at ${opened.image.offset}, before its registration at ` +
        brokerEpoch;
    }
    return opened.isAccepting ? null : `broker ${brokerId} is unfenced and accepts no connection`;
  }
}
