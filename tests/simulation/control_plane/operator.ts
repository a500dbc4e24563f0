/**
 * A machine that sends what must have no effect, requests of processes that were replaced long ago, and
 * unregisters brokers that are alive.
 *
 * @module
 */
import { PeerConnection } from "../../../src/network/peer_connection.ts";
import { ErrorCode, KafkaError } from "../../../src/protocol/errors.ts";
import { allocateProducerIds } from "../../../src/protocol/messages/allocate_producer_ids.ts";
import { assignReplicasToDirs } from "../../../src/protocol/messages/assign_replicas_to_dirs.ts";
import { brokerHeartbeat } from "../../../src/protocol/messages/broker_heartbeat.ts";
import { unregisterBroker } from "../../../src/protocol/messages/unregister_broker.ts";
import type { Address, Runtime } from "../../../src/runtime/runtime.ts";
import { Role } from "../programs/role.ts";
import { pause, type World } from "../world.ts";
import { CONTROLLER_PORT, type ControlPlane } from "./control_plane_machines.ts";

const TIMEOUT_MS = 500;
const MAX_ANSWER_BYTES = 1 << 20;
const MAX_PAUSE_MS = 400;
const UNREGISTERS_ONE_IN = 10;

/** Sends requests until it is stopped. */
export class Operator extends Role {
  constructor(
    world: World,
    host: string,
    private readonly cluster: ControlPlane,
    private readonly options: { readonly unregisters: boolean },
  ) {
    super(world, host);
  }

  protected async live(runtime: Runtime): Promise<void> {
    while (!this.isStopping) {
      await pause(runtime, this.random.below(MAX_PAUSE_MS));
      const turn = this.random.below(UNREGISTERS_ONE_IN);
      try {
        if (turn < 2) await this.#askTooEarly(runtime);
        else if (turn < UNREGISTERS_ONE_IN - 1) await this.#sendStale(runtime);
        else if (this.options.unregisters) await this.#unregister(runtime);
      } catch (error) {
        if (!(error instanceof KafkaError)) throw error;
      }
    }
  }

  async #sendStale(runtime: Runtime): Promise<void> {
    const { random, world, cluster } = this;
    const { log } = cluster.invariants;
    const { active } = cluster;
    const brokerId = Number(cluster.idOf(cluster.brokers[random.below(cluster.brokers.length)]!));
    const epochs = log.earlierEpochs(brokerId);
    const brokerEpoch = epochs[random.below(Math.max(1, epochs.length))];
    if (active === null || brokerEpoch === undefined) return;
    const [topic] = log.state.topics();
    const id = log.state.broker(brokerId)?.logDirs[0];
    const kind = random.below(3);
    await withConnection(
      runtime,
      { host: active.name, port: CONTROLLER_PORT },
      async (connection) => {
        const { errorCode } = kind === 0
          ? await connection.request(allocateProducerIds, { brokerId, brokerEpoch })
          : kind === 1 && topic !== undefined && id !== undefined
          ? await connection.request(assignReplicasToDirs, {
            brokerId,
            brokerEpoch,
            directories: [{
              id,
              topics: [{ topicId: topic.id, partitions: [{ partitionIndex: 0 }] }],
            }],
          })
          : await connection.request(brokerHeartbeat, {
            brokerId,
            brokerEpoch,
            currentMetadataOffset: log.endOffset,
            wantFence: false,
            wantShutDown: random.oneIn(2),
            offlineLogDirs: [],
            cordonedLogDirs: null,
          });
        world.count("stale requests");
        if (errorCode !== ErrorCode.NONE) return;
        world.fail(`${active.name} accepts epoch ${brokerEpoch} of broker ${brokerId}`);
      },
    );
  }

  /** Asks to take a broker into service that does not have its own registration. */
  async #askTooEarly(runtime: Runtime): Promise<void> {
    const { world, cluster } = this;
    const { active, invariants: { log: { state } } } = cluster;
    const fenced = [...state.brokers()].find((broker) => broker.fenced);
    if (active === null || fenced === undefined) return;
    const { id: brokerId, epoch: brokerEpoch } = fenced;
    // A controller that another one has replaced may not know that the broker was fenced.
    const knows = active.opened?.image.broker(brokerId);
    if (knows?.epoch !== brokerEpoch || !knows.fenced) return;
    await withConnection(
      runtime,
      { host: active.name, port: CONTROLLER_PORT },
      async (connection) => {
        const { errorCode, isFenced } = await connection.request(brokerHeartbeat, {
          brokerId,
          brokerEpoch,
          currentMetadataOffset: brokerEpoch - 1,
          wantFence: false,
          wantShutDown: false,
          offlineLogDirs: [],
          cordonedLogDirs: null,
        });
        // It may have come into service by a heartbeat of its own meanwhile.
        const isUnfenced = state.broker(brokerId)?.epoch === brokerEpoch && !isFenced;
        world.count("early requests");
        if (
          errorCode !== ErrorCode.NONE || !isUnfenced || !this.#isUnready(brokerId, brokerEpoch)
        ) return;
        world.fail(`${active.name} unfences broker ${brokerId} before it has its registration`);
      },
    );
  }

  /** Whether the process of the broker cannot have asked for service. One that has ended may have. */
  #isUnready(brokerId: number, brokerEpoch: number): boolean {
    const opened = this.cluster.brokers.find((machine) =>
      Number(this.cluster.idOf(machine)) === brokerId
    )?.opened;
    return opened != null &&
      (opened.brokerEpoch !== brokerEpoch || opened.image.offset < brokerEpoch);
  }

  async #unregister(runtime: Runtime): Promise<void> {
    const { brokers } = this.cluster;
    const brokerId = Number(this.cluster.idOf(brokers[this.random.below(brokers.length)]!));
    const asked = brokers[this.random.below(brokers.length)]!;
    await withConnection(runtime, asked.address, async (connection) => {
      const { errorCode } = await connection.request(unregisterBroker, { brokerId });
      if (errorCode === ErrorCode.NONE) this.world.count("unregistered");
    });
  }
}

async function withConnection(
  runtime: Runtime,
  address: Address,
  use: (connection: PeerConnection) => Promise<void>,
): Promise<void> {
  const connection = await PeerConnection.open({
    runtime,
    address,
    clientId: "operator",
    requestTimeoutMs: TIMEOUT_MS,
    connectTimeoutMs: TIMEOUT_MS,
    maxResponseBytes: MAX_ANSWER_BYTES,
  });
  try {
    await use(connection);
  } finally {
    connection.close();
  }
}
