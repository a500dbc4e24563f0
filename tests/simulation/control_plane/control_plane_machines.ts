/**
 * The machines of a cluster: controllers and brokers.
 *
 * @module
 */
import { DATA, NodeMachine, type NodeRole, PORT } from "../node_machine.ts";
import type { World } from "../world.ts";
import { imageDigest } from "./image_digest.ts";
import { NodeInvariants } from "./node_invariants.ts";

const CONTROLLERS = 3;
const BROKERS = 5;
const FIRST_BROKER = 101;
/** The longest orderly stop of a node without faults, ms. */
const MAX_STOP_MS = 2_500;
/** Where controllers listen. */
export const CONTROLLER_PORT = 9093;

/** Sizes and times that make everything happen within seconds. */
const CONFIG = {
  "controller.listener.names": "CONTROLLER",
  "controller.quorum.election.timeout.ms": "300",
  "controller.quorum.election.backoff.max.ms": "300",
  "controller.quorum.fetch.timeout.ms": "800",
  "controller.quorum.request.timeout.ms": "800",
  "broker.heartbeat.interval.ms": "300",
  "broker.session.timeout.ms": "1500",
  "metadata.log.max.record.bytes.between.snapshots": "2000",
  "metadata.max.retention.bytes": "4000",
};

/** A cluster on simulated machines. */
export class ControlPlane {
  readonly controllers: readonly NodeMachine[];
  readonly brokers: readonly NodeMachine[];
  readonly invariants: NodeInvariants;
  readonly #ids = new Map<NodeMachine, string>();
  readonly #config: Readonly<Record<string, string>>;

  /** `config` replaces some settings of all nodes. With `isCombined`, controllers are brokers too. */
  constructor(
    private readonly world: World,
    { config = {}, isCombined = false }: {
      readonly config?: Readonly<Record<string, string>>;
      readonly isCombined?: boolean;
    } = {},
  ) {
    const names = Array.from({ length: CONTROLLERS }, (_, index) => `controller-${index + 1}`);
    const voters = names.map((name, index) => `${index + 1}@${name}:${CONTROLLER_PORT}`).join(",");
    this.#config = { ...CONFIG, ...config, "controller.quorum.voters": voters };
    this.invariants = new NodeInvariants(
      world,
      (id) => this.nodes.find((node) => this.idOf(node) === String(id))!,
    );
    this.controllers = names.map((name, index) =>
      this.#add(name, isCombined ? ["broker", "controller"] : ["controller"], index + 1)
    );
    const others = Array.from(
      { length: isCombined ? BROKERS - CONTROLLERS : BROKERS },
      (_, index) => this.#add(`broker-${index + 1}`, ["broker"], FIRST_BROKER + index),
    );
    this.brokers = isCombined ? [...this.controllers, ...others] : others;
  }

  get nodes(): readonly NodeMachine[] {
    return this.world.nodes;
  }

  /** The id of a node. */
  idOf(machine: NodeMachine): string {
    return this.#ids.get(machine)!;
  }

  /** The machine whose node is the active controller, or null. */
  get active(): NodeMachine | null {
    return this.controllers.find(({ opened }) => opened?.controller.active != null) ?? null;
  }

  /** Whether the active controller has all brokers in service. */
  get isInService(): boolean {
    const image = this.active?.opened?.image;
    if (image === undefined) return false;
    const unfenced = [...image.brokers()].filter(({ fenced }) => !fenced);
    return unfenced.length === BROKERS;
  }

  /** Whether every partition with one replica has a leader. */
  get hasLeaders(): boolean {
    const topics = [...this.active?.opened?.image.topics() ?? []];
    return topics.every(({ partitions }) =>
      partitions.every(({ leader, replicas }) => leader >= 0 || replicas.length > 1)
    );
  }

  /** Whether all nodes have the same metadata up to the end of the log. */
  get isEqual(): boolean {
    const images = this.nodes.map(({ opened }) => opened?.image);
    const digests = images.map((image) => image === undefined ? "none" : imageDigest(image));
    return new Set(digests).size === 1;
  }

  /** Starts some of the nodes. */
  start(nodes: readonly NodeMachine[]): void {
    for (const node of nodes) node.start();
  }

  /** Ends all nodes in an orderly way, one broker after the other. */
  async shutdown(): Promise<void> {
    const others = this.brokers.filter((broker) => !this.controllers.includes(broker));
    for (const broker of others) {
      this.#watchStop(broker);
      await this.#stop(broker);
    }
    await Promise.all(this.controllers.map((controller) => this.#stop(controller)));
  }

  async #stop(machine: NodeMachine): Promise<void> {
    const { simulation } = this.world;
    const beganMs = simulation.nowMs;
    await machine.shutdown();
    const tookMs = simulation.nowMs - beganMs;
    if (tookMs > MAX_STOP_MS) this.world.fail(`${machine.name} has stopped after ${tookMs} ms`);
  }

  /** Checks what others know when the broker begins to close its connections. */
  #watchStop(broker: NodeMachine): void {
    const node = broker.serving;
    const end = this.world.simulation.afterEvent(() => {
      if (node?.isAccepting ?? false) return;
      end();
      this.#expectMoved(Number(this.idOf(broker)));
    });
  }

  /** A broker may only stop when the others know that it leads nothing. */
  #expectMoved(brokerId: number): void {
    for (const { name, serving } of this.brokers) {
      const topic = [...serving?.image.topics() ?? []].find(({ partitions }) =>
        partitions.some(({ leader }) => leader === brokerId)
      );
      if (topic === undefined) continue;
      this.world.fail(`broker ${brokerId} has stopped, and leads ${topic.name} at ${name}`);
    }
  }

  #add(name: string, roles: readonly NodeRole[], id: number): NodeMachine {
    const listeners = [
      ...roles.includes("broker") ? [`PLAINTEXT://${name}:${PORT}`] : [],
      ...roles.includes("controller") ? [`CONTROLLER://${name}:${CONTROLLER_PORT}`] : [],
    ];
    const machine = new NodeMachine(this.world, {
      name,
      roles,
      config: { ...this.#config, "listeners": listeners.join(","), "node.id": String(id) },
      mayRefuse: false,
      // One broker assigns its partitions to directories itself.
      directory: id === FIRST_BROKER ? `${DATA},/more` : DATA,
      onOpened: (node, machine) => this.invariants.open(node, machine),
    });
    this.#ids.set(machine, String(id));
    return machine;
  }
}
