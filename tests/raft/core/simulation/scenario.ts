/**
 * A scenario of a simulated quorum: faults for a while, and the recovery from them.
 *
 * @module
 */
import type { Outcome, RunOptions, Scenario } from "../../../simulation/outcome.ts";
import { Cluster, type ClusterShape } from "./cluster.ts";
import { canLose, drawFaults, restart } from "./faults.ts";
import type { Replica } from "./replica.ts";

const LONGEST_FAULTS_MS = 12_000;
/** Within this time after all faults there is a leader, and records are committed. */
const RECOVERY_MS = 30_000;

/** Plays a run of `cluster`, and returns what became of it. */
export function play(
  cluster: Cluster,
  schedule: readonly string[],
  story: () => void,
): Promise<Outcome> {
  const failures: string[] = [];
  try {
    story();
  } catch (error) {
    failures.push(error instanceof Error ? describe(error) : String(error));
  }
  const { seed, traceHash, transcript } = cluster;
  const counts = { ...cluster.counts, events: cluster.events };
  return Promise.resolve({ seed, traceHash, failures, counts, schedule, transcript });
}

function describe(error: Error): string {
  return error.name === "Violation" ? error.message : error.stack ?? error.message;
}

/** Draws the shape of a quorum. */
export function drawShape(seed: number): ClusterShape {
  const random = new Cluster(seed, SMALLEST).random("shape");
  const voters = 1 + random.below(5);
  const kraftVersion = random.oneIn(2) ? 0 : 1;
  const observers = random.below(3) === 0 ? random.below(6) : random.below(2);
  const spares = kraftVersion === 0 ? 0 : random.below(3);
  const hasDrift = random.oneIn(3);
  const isQuick = !random.oneIn(3);
  const timing = isQuick
    ? {
      electionTimeoutMs: 200,
      fetchTimeoutMs: 500,
      electionBackoffMaxMs: 200,
      requestTimeoutMs: 400,
    }
    : {};
  return { voters, observers, spares, kraftVersion, hasDrift, timing };
}

const SMALLEST: ClusterShape = {
  voters: 1,
  observers: 0,
  spares: 0,
  kraftVersion: 0,
  hasDrift: false,
};

/** Draws a quorum of at least `voters` voters, to which none is added. */
export function drawQuorum(seed: number, voters: number): Cluster {
  const shape = drawShape(seed);
  return new Cluster(seed, {
    ...shape,
    voters: Math.max(voters, shape.voters),
    observers: Math.min(5, shape.observers),
    spares: 0,
  });
}

/** Random faults, then none: the quorum recovers, and all replicas agree. */
export const runRaft: Scenario = (seed, { dropped }: RunOptions = {}) => {
  const cluster = new Cluster(seed, drawShape(seed));
  const durationMs = cluster.random("duration").between(1_500, LONGEST_FAULTS_MS);
  const faults = drawFaults(cluster, durationMs);
  const schedule = faults.map(({ text }) => text);
  return play(cluster, schedule, () => {
    for (const replica of cluster.replicas) replica.start();
    for (const [index, { atMs, begin }] of faults.entries()) {
      if (dropped?.has(index + 1)) continue;
      cluster.after(atMs, begin);
    }
    cluster.run(durationMs);
    recover(cluster);
  });
};

/** Ends all faults, and checks that the quorum recovers. */
export function recover(cluster: Cluster): void {
  cluster.healAll();
  // A minority may never return.
  const random = cluster.random("losses");
  const lost = new Set(cluster.replicas.filter(() => random.oneIn(6)));
  const isLost = canLose(cluster, lost);
  for (const replica of cluster.replicas) {
    replica.slowestWriteMs = 5;
    replica.pausedUntil = Math.min(replica.pausedUntil, cluster.now);
    if (!isLost || !lost.has(replica)) restart(cluster, replica);
    else {
      replica.kill();
      cluster.lost.add(replica);
      cluster.count("replicas lost");
    }
  }
  requireProgress(cluster);
  requireAgreement(cluster);
}

/** Records are committed. */
export function requireProgress(cluster: Cluster, records = 20, limitMs = RECOVERY_MS): void {
  const { invariants } = cluster;
  const before = invariants.acknowledgedCount;
  cluster.require(
    `${records} records must be acknowledged`,
    () => invariants.acknowledgedCount >= before + records,
    limitMs,
  );
}

/** After the last proposal all running replicas have the same log, and know that it is committed. */
export function requireAgreement(cluster: Cluster, limitMs = RECOVERY_MS): void {
  cluster.stopProposing();
  cluster.require("all replicas must agree", () => agree(cluster), limitMs);
  for (const replica of cluster.running) cluster.invariants.holdsEverything(replica);
}

function agree(cluster: Cluster): boolean {
  const { leader } = cluster;
  if (leader === undefined) return false;
  const { epoch, highWatermark, logEndOffset } = leader.core!.status;
  if (highWatermark !== logEndOffset) return false;
  return cluster.running.every(({ id, core }: Replica) => {
    const status = core!.status;
    return status.epoch === epoch && status.leaderId === leader.id &&
      status.highWatermark === highWatermark && status.logEndOffset === logEndOffset &&
      (id === leader.id || status.role === "follower");
  });
}
