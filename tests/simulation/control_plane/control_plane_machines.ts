/**
 * The machines of a cluster: controllers and brokers.
 *
 * @module
 */
import { DATA, NodeMachine, PORT } from "../node_machine.ts";
import type { World } from "../world.ts";
import { imageDigest } from "./image_digest.ts";
import { NodeInvariants } from "./node_invariants.ts";

const CONTROLLERS = 3;
const BROKERS = 5;
const FIRST_BROKER = 101;
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

  /** `config` replaces some settings of all nodes. */
  constructor(private readonly world: World, config: Readonly<Record<string, string>> = {}) {
    this.#config = { ...CONFIG, ...config };
    const names = Array.from({ length: CONTROLLERS }, (_, index) => `controller-${index + 1}`);
    const voters = names.map((name, index) => `${index + 1}@${name}:${CONTROLLER_PORT}`).join(",");
    this.invariants = new NodeInvariants(world, (id) => this.brokers[id - FIRST_BROKER]!);
    this.controllers = names.map((name, index) =>
      this.#add(name, "controller", index + 1, {
        "controller.quorum.voters": voters,
        "listeners": `CONTROLLER://${name}:${CONTROLLER_PORT}`,
      })
    );
    this.brokers = Array.from({ length: BROKERS }, (_, index) => {
      const name = `broker-${index + 1}`;
      return this.#add(name, "broker", FIRST_BROKER + index, {
        "controller.quorum.voters": voters,
        "listeners": `PLAINTEXT://${name}:${PORT}`,
      });
    });
  }

  get nodes(): readonly NodeMachine[] {
    return [...this.controllers, ...this.brokers];
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
    for (const broker of this.brokers) {
      await broker.shutdown();
      this.#expectMoved(Number(this.idOf(broker)));
    }
    await Promise.all(this.controllers.map((controller) => controller.shutdown()));
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

  #add(
    name: string,
    role: "broker" | "controller",
    id: number,
    config: Readonly<Record<string, string>>,
  ): NodeMachine {
    const machine = new NodeMachine(this.world, {
      name,
      roles: [role],
      config: { ...this.#config, ...config, "node.id": String(id) },
      mayRefuse: false,
      // One broker assigns its partitions to directories itself.
      directory: id === FIRST_BROKER ? `${DATA},/more` : DATA,
      onOpened: (node, machine) => this.invariants.open(node, machine),
    });
    this.#ids.set(machine, String(id));
    return machine;
  }
}
