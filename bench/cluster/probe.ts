/**
 * A connection to one node, which asks exactly this node.
 *
 * @module
 */
import { PeerConnection } from "../../src/network/peer_connection.ts";
import { metadata } from "../../src/protocol/messages/metadata.ts";
import { hostRuntime } from "../../src/runtime/host.ts";

const TIMEOUT_MS = 10_000;
/** The interval at which a state is awaited. */
const POLL_MS = 2;

/** A connection to one node. */
export class NodeProbe implements Disposable {
  private constructor(readonly connection: PeerConnection) {}

  /** Connects and asks for the versions of the requests that the node serves. */
  static async open(host: string, port: number): Promise<NodeProbe> {
    return new NodeProbe(
      await PeerConnection.open({
        runtime: hostRuntime(),
        address: { host, port },
        clientId: "bench",
        requestTimeoutMs: TIMEOUT_MS,
        connectTimeoutMs: TIMEOUT_MS,
        maxResponseBytes: 100 * 1_048_576,
      }),
    );
  }

  /** Returns the ids of the brokers in the node's metadata: those that are not fenced. */
  async brokers(): Promise<number[]> {
    const query = { topics: [], allowAutoTopicCreation: false };
    const { brokers } = await this.connection.request(metadata, query);
    return brokers.map(({ nodeId }) => nodeId);
  }

  /** Resolves when the node's metadata contain the broker, or do not contain it. */
  async seesBroker(id: number, isExpected: boolean, withinMs: number): Promise<void> {
    const deadline = performance.now() + withinMs;
    while ((await this.brokers()).includes(id) !== isExpected) {
      if (performance.now() > deadline) {
        throw new Error(
          `broker ${id} ${isExpected ? "is not" : "is still"} in the metadata of ` +
            `${this.connection.address} after ${withinMs / 1000} s`,
        );
      }
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  }

  /** Closes the connection. */
  [Symbol.dispose](): void {
    this.connection.close();
  }
}
