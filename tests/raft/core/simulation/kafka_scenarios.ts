/**
 * The scenarios of Kafka's own simulation of its quorum, `RaftEventSimulationTest`, and the orderly end of a
 * leader.
 *
 * @module
 */
import type { Scenario } from "../../../simulation/outcome.ts";
import { CHECK_QUORUM_FETCH_TIMEOUTS } from "../../../../src/raft/core/timing.ts";
import type { Cluster } from "./cluster.ts";
import { Violation } from "./invariants.ts";
import type { Replica } from "./replica.ts";
import { drawQuorum, play, requireAgreement, requireProgress } from "./scenario.ts";

/** All of these end within this time, which is that of some elections. */
const LIMIT_MS = 15_000;

/** Within this time the successor of a leader that resigns leads. */
const SUCCESSION_MS = 150;

/** Runs a story of a quorum of at least `voters` voters, which has elected a leader and works. */
function scenario(voters: number, story: (cluster: Cluster) => void): Scenario {
  return (seed) => {
    const cluster = drawQuorum(seed, voters);
    return play(cluster, [], () => {
      for (const replica of cluster.replicas) replica.start();
      requireProgress(cluster, 10, LIMIT_MS);
      story(cluster);
      requireAgreement(cluster, LIMIT_MS);
    });
  };
}

/** Kills the leader and requires another one. Returns the old one. */
function replaceLeader(cluster: Cluster): Replica {
  const old = leaderOf(cluster);
  const { epoch } = old.core!.status;
  old.isMachineGone = cluster.random("failure").oneIn(2);
  old.kill();
  requireNewLeader(cluster, epoch);
  return old;
}

function requireNewLeader(cluster: Cluster, epoch: number): void {
  cluster.require(
    `another leader than that of epoch ${epoch} must be elected`,
    () => (cluster.leader?.core?.status.epoch ?? 0) > epoch,
    LIMIT_MS,
  );
  requireProgress(cluster, 10, LIMIT_MS);
}

function leaderOf(cluster: Cluster): Replica {
  const { leader } = cluster;
  if (leader === undefined) throw new Error("There is no leader");
  return leader;
}

/** Separates two groups, each of which has the nodes for which `isInFirst` is true or false. */
function separate(cluster: Cluster, isInFirst: (replica: Replica) => boolean): void {
  cluster.count("partitions");
  for (const one of cluster.replicas) {
    for (const other of cluster.replicas) {
      if (isInFirst(one) !== isInFirst(other)) cluster.cut(one.id, other.id);
    }
  }
}

/** The scenarios by name. */
export const KAFKA_SCENARIOS: Readonly<Record<string, Scenario>> = {
  raft_elect: scenario(1, (cluster) => {
    cluster.require(
      "all replicas must know the leader",
      () => {
        const { leader } = cluster;
        return cluster.replicas.every(({ core }) => core!.status.leaderId === leader?.id);
      },
      LIMIT_MS,
    );
  }),
  raft_leader_failure: scenario(3, (cluster) => {
    replaceLeader(cluster).start();
  }),
  raft_all_killed: scenario(1, (cluster) => {
    for (const replica of cluster.replicas) replica.kill();
    for (const replica of cluster.replicas) replica.start();
    requireProgress(cluster, 10, LIMIT_MS);
  }),
  raft_partitioned_leader: scenario(3, (cluster) => {
    const old = leaderOf(cluster);
    const { epoch } = old.core!.status;
    const random = cluster.random("sides");
    const sides = cluster.replicas.map(() => random.oneIn(2));
    separate(cluster, (one) => one === old || !one.canVote && sides[one.id - 1] === true);
    requireNewLeader(cluster, epoch);
    const { fetchTimeoutMs } = cluster.timing;
    // By its own clock, which may be slower.
    const limitMs = 2 * CHECK_QUORUM_FETCH_TIMEOUTS * fetchTimeoutMs;
    cluster.require(
      "the old leader must resign",
      () => old.core!.status.role !== "leader",
      limitMs,
    );
    cluster.healAll();
    cluster.require("the old leader must follow", () => {
      const { leader } = cluster;
      return leader !== old && old.core!.status.leaderId === leader?.id;
    }, LIMIT_MS);
  }),
  raft_majority: scenario(3, (cluster) => {
    const voters = cluster.replicas.filter(({ canVote }) => canVote);
    const random = cluster.random("sides");
    const minority = new Set<Replica>();
    const size = 1 + random.below(Math.floor((voters.length - 1) / 2));
    while (minority.size < size) minority.add(voters[random.below(voters.length)]!);
    // Only a replica that lacks no record could disturb the leader.
    const isQuiet = random.oneIn(2);
    if (isQuiet) requireAgreement(cluster, LIMIT_MS);
    const leader = leaderOf(cluster);
    const { epoch } = leader.core!.status;
    separate(cluster, (one) => minority.has(one));
    if (!isQuiet) requireProgress(cluster, 50, LIMIT_MS);
    cluster.run(2 * cluster.timing.fetchTimeoutMs);
    cluster.healAll();
    cluster.run(cluster.timing.fetchTimeoutMs);
    cluster.startProposing();
    requireProgress(cluster, 50, LIMIT_MS);
    if (minority.has(leader)) return;
    // Thanks to the pre-vote, the replicas that were cut off do not disturb the leader.
    const { status } = leader.core!;
    if (status.role !== "leader" || status.epoch !== epoch) {
      throw new Violation(`The leader of epoch ${epoch} must go on, and is ${status.role}`);
    }
  }),
  raft_back_to_back: scenario(3, (cluster) => {
    for (let failures = 0; failures < 5; failures++) {
      const old = replaceLeader(cluster);
      cluster.count("kills");
      old.start();
    }
  }),
  raft_clean_stop: scenario(3, (cluster) => {
    requireAgreement(cluster, LIMIT_MS);
    const old = leaderOf(cluster);
    const { epoch } = old.core!.status;
    old.step((core, now) => core.shutdown(now));
    // The successor begins at once, and the other voters are not in its way.
    cluster.require(
      "the successor must lead soon",
      () => (cluster.leader?.core?.status.epoch ?? 0) > epoch,
      SUCCESSION_MS,
    );
    cluster.require("all voters must have heard it", () => old.core!.isFarewellOver, LIMIT_MS);
    old.kill();
    old.start();
    cluster.startProposing();
    requireProgress(cluster, 10, LIMIT_MS);
  }),
  raft_lost_data: scenario(3, (cluster) => {
    requireAgreement(cluster, LIMIT_MS);
    const random = cluster.random("loss");
    const replica = random.oneIn(2)
      ? leaderOf(cluster)
      : cluster.replicas[random.below(cluster.replicas.length)]!;
    replica.kill();
    // The state of the quorum remains, so that the replica does not vote again in the same epoch.
    replica.disk.loseLog();
    cluster.count("logs lost");
    cluster.startProposing();
    if (random.oneIn(2)) requireProgress(cluster, 10, LIMIT_MS);
    replica.start();
    requireProgress(cluster, 10, LIMIT_MS);
  }),
};
