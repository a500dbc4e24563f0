/**
 * The checks of a cluster without faults: every broker serves requests and changes, and every leader that
 * Metadata names is ready.
 *
 * @module
 */
import { PeerConnection } from "../../../src/network/peer_connection.ts";
import { ErrorCode, errorName } from "../../../src/protocol/errors.ts";
import { createTopics } from "../../../src/protocol/messages/create_topics.ts";
import { listOffsets } from "../../../src/protocol/messages/list_offsets.ts";
import { metadata } from "../../../src/protocol/messages/metadata.ts";
import type { Address, Runtime } from "../../../src/runtime/runtime.ts";
import type { World } from "../world.ts";
import type { ControlPlane } from "./control_plane_machines.ts";

const OBSERVER = "observer";
const REQUEST_TIMEOUT_MS = 3_000;
const MAX_ANSWER_BYTES = 1 << 20;
const LATEST = -1;

/** Fails unless each broker carries out a change. */
export async function expectChanges(world: World, cluster: ControlPlane): Promise<void> {
  const runtime = world.runtime(OBSERVER);
  try {
    for (const { name, address } of cluster.brokers) {
      await withConnection(runtime, address, async (connection) => {
        const { topics: [answer] } = await connection.request(createTopics, {
          topics: [{
            name: `last-${name}`,
            numPartitions: 1,
            replicationFactor: 1,
            assignments: [],
            configs: [],
          }],
          timeoutMs: REQUEST_TIMEOUT_MS,
        });
        if (answer!.errorCode === ErrorCode.NONE) return;
        world.fail(`${name} answers a creation with ${errorName(answer!.errorCode)}`);
      });
    }
  } catch (error) {
    world.fail(`a broker does not answer without faults: ${(error as Error).message}`);
  }
}

/**
 * Fails unless the leader of each partition answers, once all brokers have the same metadata. `settled` resolves
 * when they have, after a leader has moved between the two questions: a broker may still unregister another one
 * for a client that has given up.
 */
export async function expectLeaders(
  world: World,
  cluster: ControlPlane,
  settled: () => Promise<void>,
): Promise<void> {
  try {
    if (await haveLeadersMoved(world, world.runtime(OBSERVER), cluster, true)) {
      await settled();
      await haveLeadersMoved(world, world.runtime(OBSERVER), cluster, false);
    }
  } catch (error) {
    world.fail(`a leader does not answer without faults: ${(error as Error).message}`);
  }
}

/** Returns whether a leader has newer metadata than the broker that named it, if it `mayMove`. */
async function haveLeadersMoved(
  world: World,
  runtime: Runtime,
  cluster: ControlPlane,
  mayMove: boolean,
): Promise<boolean> {
  const { brokers, topics } = await withConnection(
    runtime,
    cluster.brokers[world.seed % cluster.brokers.length]!.address,
    (connection) => connection.request(metadata, { topics: null }),
  );
  for (const { nodeId, host, port } of brokers) {
    const led = topics.map(({ name, partitions }) => ({
      name: name!,
      partitions: partitions.filter(({ leaderId }) => leaderId === nodeId),
    })).filter(({ partitions }) => partitions.length > 0);
    if (led.length === 0) continue;
    const answer = await withConnection(
      runtime,
      { host, port },
      (connection) =>
        connection.request(listOffsets, {
          replicaId: -1,
          topics: led.map(({ name, partitions }) => ({
            name,
            partitions: partitions.map(({ partitionIndex, leaderEpoch }) => ({
              partitionIndex,
              currentLeaderEpoch: leaderEpoch,
              timestamp: LATEST,
            })),
          })),
        }),
    );
    for (const { name, partitions } of answer.topics) {
      for (const { partitionIndex, errorCode } of partitions) {
        world.count("leaders asked");
        if (errorCode === ErrorCode.NONE) continue;
        if (errorCode === ErrorCode.FENCED_LEADER_EPOCH && mayMove) return true;
        world.fail(
          `${host} leads ${name}-${partitionIndex} and answers ${errorName(errorCode)}`,
        );
      }
    }
  }
  return false;
}

async function withConnection<Result>(
  runtime: Runtime,
  address: Address,
  use: (connection: PeerConnection) => Promise<Result>,
): Promise<Result> {
  const connection = await PeerConnection.open({
    runtime,
    address,
    clientId: OBSERVER,
    requestTimeoutMs: REQUEST_TIMEOUT_MS,
    connectTimeoutMs: REQUEST_TIMEOUT_MS,
    maxResponseBytes: MAX_ANSWER_BYTES,
  });
  try {
    return await use(connection);
  } finally {
    connection.close();
  }
}
