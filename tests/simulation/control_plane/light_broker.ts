/**
 * A broker as its controllers see it: it registers, sends heartbeats and fetches the metadata log, and has
 * neither an image nor partitions. A simulated machine costs little memory with it.
 *
 * @module
 */
import { SUPPORTED_FEATURES } from "../../../src/metadata/features.ts";
import { PeerConnection } from "../../../src/network/peer_connection.ts";
import { brokerHeartbeat } from "../../../src/protocol/messages/broker_heartbeat.ts";
import { brokerRegistration } from "../../../src/protocol/messages/broker_registration.ts";
import { randomUuid } from "../../../src/protocol/uuid.ts";
import { RaftPeers } from "../../../src/raft/peers.ts";
import type { Address, Runtime } from "../../../src/runtime/runtime.ts";

const REQUEST_TIMEOUT_MS = 10_000;
const HEARTBEAT_MS = 500;
const FETCH_WAIT_MS = 500;
const FETCH_BYTES = 1 << 20;
const MAX_ANSWER_BYTES = 1 << 20;
const PORT = 9092;

/** Where the active controller is. */
export interface ControllerLocation {
  readonly id: number;
  readonly address: Address;
  /** Its epoch. */
  readonly epoch: number;
}

/** A broker of which only the requests exist. */
export class LightBroker {
  /** The end of the log that it has. */
  endOffset = 0;
  #lastEpoch = 0;
  #highWatermark = 0;
  #brokerEpoch = -1;
  readonly #directoryId: string;

  constructor(
    private readonly runtime: Runtime,
    private readonly id: number,
    private readonly clusterId: string,
  ) {
    this.#directoryId = randomUuid(runtime.random);
  }

  /** Registers, and then stays until its process is killed. Resolves when it is registered. */
  async join(controller: ControllerLocation): Promise<void> {
    const { runtime, id, clusterId } = this;
    const connection = await PeerConnection.open({
      runtime,
      address: controller.address,
      clientId: String(id),
      requestTimeoutMs: REQUEST_TIMEOUT_MS,
      connectTimeoutMs: REQUEST_TIMEOUT_MS,
      maxResponseBytes: MAX_ANSWER_BYTES,
    });
    const { errorCode, brokerEpoch } = await connection.request(brokerRegistration, {
      brokerId: id,
      clusterId,
      incarnationId: randomUuid(runtime.random),
      listeners: [{ name: "PLAINTEXT", host: `broker-${id}`, port: PORT, securityProtocol: 0 }],
      features: [...SUPPORTED_FEATURES].map(([name, { min, max }]) => ({
        name,
        minSupportedVersion: min,
        maxSupportedVersion: max,
      })),
      rack: null,
      isMigratingZkBroker: false,
      logDirs: [this.#directoryId],
      previousBrokerEpoch: -1,
    });
    if (errorCode !== 0) throw new Error(`Broker ${id} is rejected with ${errorCode}`);
    this.#brokerEpoch = brokerEpoch;
    this.#follow(controller);
    this.#beat(connection);
  }

  async #beat(connection: PeerConnection): Promise<void> {
    for (;;) {
      await connection.request(brokerHeartbeat, {
        brokerId: this.id,
        brokerEpoch: this.#brokerEpoch,
        currentMetadataOffset: this.endOffset - 1,
        wantFence: false,
        wantShutDown: false,
        offlineLogDirs: [],
        cordonedLogDirs: null,
      });
      await new Promise<void>((resolve) => void this.runtime.clock.setTimer(HEARTBEAT_MS, resolve));
    }
  }

  async #follow({ epoch, ...to }: ControllerLocation): Promise<void> {
    const { runtime, id, clusterId } = this;
    const peers = new RaftPeers({
      runtime,
      clusterId,
      clientId: String(id),
      listener: "CONTROLLER",
      requestTimeoutMs: REQUEST_TIMEOUT_MS,
    });
    for (;;) {
      const answer = await peers.send(to, {
        type: "fetch",
        epoch,
        replica: { id, directoryId: this.#directoryId },
        offset: this.endOffset,
        lastEpoch: this.#lastEpoch,
        highWatermark: this.#highWatermark,
        maxWaitMs: FETCH_WAIT_MS,
        maxBytes: FETCH_BYTES,
      });
      if (answer.type !== "fetch") throw new Error(`Broker ${id} cannot fetch: ${answer.type}`);
      const last = answer.batches.at(-1);
      this.#highWatermark = Math.max(this.#highWatermark, answer.highWatermark);
      if (last === undefined) continue;
      this.endOffset = last.lastOffset + 1;
      this.#lastEpoch = last.epoch;
    }
  }
}
