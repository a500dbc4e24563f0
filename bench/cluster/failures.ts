/**
 * Failures of controllers and brokers, in a cluster of three controllers and three brokers as processes.
 *
 * @module
 */
import type { Samples } from "../kafka/samples.ts";
import { Isolation } from "./isolation.ts";
import { type ClusterSide, elapse, ProcessCluster, SEPARATE } from "./nodes.ts";
import { FIGURE, TEST } from "./rows.ts";

const DEADLINE_MS = 60_000;
/** Time before each failure in which the cluster is left alone. */
const SETTLE_MS = 1_000;

/** Kills the active controller and changes the metadata through a broker, `count` times. */
export async function measureControllerKills(
  side: ClusterSide,
  count: number,
  samples: Samples,
): Promise<void> {
  await using cluster = await ProcessCluster.start({ side, nodes: SEPARATE });
  await using admin = cluster.admin();
  for (let i = 0; i < count; i++) {
    await elapse(SETTLE_MS);
    // The client has its connections already, as an application has.
    await admin.createTopics([{ name: `before-${i}`, partitions: 1, replicationFactor: 1 }]);
    const { leaderId } = await admin.describeQuorum();
    const killed = cluster.kill(leaderId);
    await admin.createTopics([{ name: `after-${i}`, partitions: 1, replicationFactor: 1 }]);
    const changedAt = performance.now();
    samples.add(side, TEST.controllerKilled, FIGURE.changed, changedAt - await killed);
    cluster.restart(leaderId);
    await cluster.serves(leaderId);
    await hasCaughtUp(admin, leaderId);
  }
}

/** Resolves when a controller has all records that were in the log when it began to serve. */
async function hasCaughtUp(
  admin: ReturnType<ProcessCluster["admin"]>,
  id: number,
): Promise<void> {
  const deadline = performance.now() + DEADLINE_MS;
  const { highWatermark } = await admin.describeQuorum();
  for (;;) {
    const { voters } = await admin.describeQuorum();
    if (voters.some((voter) => voter.nodeId === id && voter.logEndOffset >= highWatermark)) return;
    if (performance.now() > deadline) throw new Error(`controller ${id} does not catch up`);
    await elapse(20);
  }
}

/** Kills the brokers in turn until another broker misses them, and restarts them, `count` times. */
export async function measureBrokerKills(
  side: ClusterSide,
  count: number,
  samples: Samples,
): Promise<void> {
  await using cluster = await ProcessCluster.start({ side, nodes: SEPARATE });
  const { brokers } = cluster;
  for (let i = 0; i < count; i++) {
    await elapse(SETTLE_MS);
    const victim = brokers[i % brokers.length]!;
    using observer = await cluster.probe(brokers[(i + 1) % brokers.length]!);
    const killed = cluster.kill(victim);
    await observer.seesBroker(victim, false, DEADLINE_MS);
    const fencedAt = performance.now();
    samples.add(side, TEST.brokerKilled, FIGURE.fenced, fencedAt - await killed);
    const launched = cluster.restart(victim);
    await cluster.serves(victim);
    await observer.seesBroker(victim, true, DEADLINE_MS);
    samples.add(side, TEST.brokerKilled, FIGURE.serves, performance.now() - launched);
  }
}

/** Cuts a broker off the network until another broker misses it, `count` times. */
export async function measureIsolations(
  side: ClusterSide,
  count: number,
  samples: Samples,
): Promise<void> {
  await using isolation = await Isolation.create();
  const { host, broker: lastBroker } = isolation;
  await using cluster = await ProcessCluster.start({ side, nodes: SEPARATE, host, lastBroker });
  const victim = cluster.brokers.at(-1)!;
  using observer = await cluster.probe(cluster.brokers[0]!);
  for (let i = 0; i < count; i++) {
    await elapse(SETTLE_MS);
    const began = performance.now();
    await isolation.begin();
    await observer.seesBroker(victim, false, DEADLINE_MS);
    samples.add(side, TEST.brokerIsolated, FIGURE.fenced, performance.now() - began);
    await isolation.end();
    await observer.seesBroker(victim, true, DEADLINE_MS);
  }
}
