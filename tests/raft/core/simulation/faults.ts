/**
 * The faults of a run, which its seed draws before it begins.
 *
 * @module
 */
import { isSameReplica, type VoterSet } from "../../../../src/raft/core/voter_set.ts";
import type { Xoshiro128 } from "../../../../src/simulator/xoshiro.ts";
import { type Cluster, directoryOf } from "./cluster.ts";
import type { Replica } from "./replica.ts";
import { NO_VOTERS, ReplicaDisk } from "./replica_disk.ts";

/** A fault that begins at a time and ends by itself. */
export interface Fault {
  readonly atMs: number;
  readonly text: string;
  readonly begin: () => void;
}

type Draw = (cluster: Cluster, random: Xoshiro128) => { text: string; begin: () => void };

/** Draws the faults of a run of `durationMs`. */
export function drawFaults(cluster: Cluster, durationMs: number): Fault[] {
  const random = cluster.random("faults");
  const faults: Fault[] = [];
  const kinds = cluster.shape.kraftVersion === 0 ? [...COMMON, upgrade] : [...COMMON, ...DYNAMIC];
  for (let count = 4 + random.below(22); count > 0; count--) {
    const draw = kinds[random.below(kinds.length)]!;
    const atMs = random.below(durationMs);
    const { text, begin } = draw(cluster, random);
    faults.push({ atMs, text: `${atMs} ms: ${text}`, begin });
  }
  return faults.sort((one, other) => one.atMs - other.atMs);
}

/** Starts a replica that is down. */
export function restart(cluster: Cluster, replica: Replica): void {
  if (replica.core !== null || cluster.lost.has(replica)) return;
  cluster.count("restarts");
  replica.start();
}

function anyReplica({ replicas }: Cluster, random: Xoshiro128): Replica {
  return replicas[random.below(replicas.length)]!;
}

/** Returns a replica for the moment at which a fault begins: often the leader. */
function victim(cluster: Cluster, random: Xoshiro128): { name: string; find: () => Replica } {
  const other = anyReplica(cluster, random);
  if (!random.oneIn(2)) return { name: `${other.id}`, find: () => other };
  return { name: "the leader", find: () => cluster.leader ?? other };
}

const kill: Draw = (cluster, random) => {
  const { name, find } = victim(cluster, random);
  const downMs = random.oneIn(3) ? random.below(100) : random.below(6_000);
  const isMachineGone = random.oneIn(3);
  return {
    text: `${isMachineGone ? "the machine" : "the process"} of ${name} ends, for ${downMs} ms`,
    begin: () => {
      const replica = find();
      if (replica.core === null) return;
      cluster.count("kills");
      replica.isMachineGone = isMachineGone;
      replica.kill();
      cluster.after(downMs, () => restart(cluster, replica));
    },
  };
};

const killAll: Draw = (cluster, random) => {
  const downMs = cluster.replicas.map(() => random.below(3_000));
  return {
    text: "the power of all fails",
    begin: () => {
      cluster.count("power failures");
      for (const [index, replica] of cluster.replicas.entries()) {
        if (replica.core === null) continue;
        replica.isMachineGone = true;
        replica.kill();
        cluster.after(downMs[index]!, () => restart(cluster, replica));
      }
    },
  };
};

const killSeveral: Draw = (cluster, random) => {
  const times = 2 + random.below(4);
  const gapMs = 20 + random.below(600);
  const downMs = 200 + random.below(3_000);
  return {
    text: `${times} leaders end, ${gapMs} ms apart`,
    begin: () => {
      const next = (left: number): void => {
        const { leader } = cluster;
        if (leader !== undefined) {
          cluster.count("kills");
          leader.kill();
          cluster.after(downMs, () => restart(cluster, leader));
        }
        if (left > 1) cluster.after(gapMs, () => next(left - 1));
      };
      next(times);
    },
  };
};

/** Leaders end within milliseconds after they were elected. */
const killNewLeaders: Draw = (cluster, random) => {
  const durationMs = 200 + random.below(3_000);
  const livesMs = 1 + random.below(12);
  const draws = cluster.random(`new leaders ${random.below(1_000_000)}`);
  return {
    text: `new leaders end after up to ${livesMs} ms, for ${durationMs} ms`,
    begin: () => {
      const end = cluster.now + durationMs;
      let epoch = cluster.leader?.core?.status.epoch ?? -1;
      const look = (): void => {
        const { leader } = cluster;
        const newEpoch = leader?.core?.status.epoch ?? -1;
        if (leader !== undefined && newEpoch > epoch) {
          epoch = newEpoch;
          cluster.later(leader, draws.below(livesMs), () => {
            cluster.count("kills");
            leader.kill();
            cluster.after(draws.below(300), () => restart(cluster, leader));
          });
        }
        if (cluster.now < end) cluster.after(1, look);
      };
      look();
    },
  };
};

const partition: Draw = (cluster, random) => {
  const sides = cluster.replicas.map(() => random.below(2));
  const withLeader = random.oneIn(3);
  const isOneWay = random.oneIn(3);
  const durationMs = 100 + random.below(8_000);
  const what = withLeader ? "the leader alone" : `sides ${sides.join("")}`;
  return {
    text: `the network is cut${isOneWay ? " one way" : ""}, ${what}, for ${durationMs} ms`,
    begin: () => {
      cluster.count("partitions");
      const leader = cluster.leader;
      const sideOf = (replica: Replica): number =>
        withLeader ? replica === leader ? 0 : 1 : sides[replica.id - 1]!;
      for (const one of cluster.replicas) {
        for (const other of cluster.replicas) {
          if (sideOf(one) === sideOf(other) || isOneWay && sideOf(one) === 1) continue;
          cluster.cut(one.id, other.id);
          cluster.after(durationMs, () => cluster.heal(one.id, other.id));
        }
      }
    },
  };
};

const pause: Draw = (cluster, random) => {
  const { name, find } = victim(cluster, random);
  const durationMs = 50 + random.below(6_000);
  return {
    text: `${name} is paused for ${durationMs} ms`,
    begin: () => {
      cluster.count("pauses");
      const replica = find();
      replica.pausedUntil = Math.max(replica.pausedUntil, cluster.now + durationMs);
    },
  };
};

const jump: Draw = (cluster, random) => {
  const { name, find } = victim(cluster, random);
  const byMs = random.oneIn(2) ? random.below(3_000) : random.below(5_000_000);
  return {
    text: `the clock of ${name} jumps ${byMs} ms forward`,
    begin: () => {
      cluster.count("clock jumps");
      const replica = find();
      cluster.later(replica, 0, () => replica.jumpClock(byMs));
    },
  };
};

const slowDisk: Draw = (cluster, random) => {
  const { name, find } = victim(cluster, random);
  const slowestMs = 20 + random.below(2_500);
  const durationMs = 500 + random.below(6_000);
  return {
    text: `the disk of ${name} takes up to ${slowestMs} ms, for ${durationMs} ms`,
    begin: () => {
      cluster.count("slow disks");
      const replica = find();
      const before = replica.slowestWriteMs;
      replica.slowestWriteMs = slowestMs;
      cluster.after(durationMs, () => replica.slowestWriteMs = Math.min(before, 5));
    },
  };
};

const badNetwork: Draw = (cluster, random) => {
  const slowestMs = 5 + random.below(400);
  const lostPerMille = random.below(300);
  const durationMs = 500 + random.below(5_000);
  return {
    text: `messages take up to ${slowestMs} ms, ${lostPerMille}‰ are lost, for ${durationMs} ms`,
    begin: () => {
      cluster.count("bad networks");
      cluster.setNetwork(slowestMs, lostPerMille);
      cluster.after(durationMs, () => cluster.setNetwork(3, 0));
    },
  };
};

/** A replica is down until the logs of the others begin after the end of its own. */
const outlive: Draw = (cluster, random) => {
  const { name, find } = victim(cluster, random);
  const downMs = 300 + random.below(4_000);
  return {
    text: `${name} is down for ${downMs} ms, then the others cut their logs`,
    begin: () => {
      const replica = find();
      if (replica.core === null) return;
      cluster.count("kills");
      replica.kill();
      cluster.after(downMs, () => {
        for (const other of cluster.replicas) {
          if (other.core === null || other.pausedUntil > cluster.now) continue;
          if (other.writeSnapshot()) cluster.count("snapshots written");
          if (other.cutLog()) cluster.count("logs cut");
        }
        restart(cluster, replica);
      });
    },
  };
};

const snapshot: Draw = (cluster, random) => {
  const chosen = cluster.replicas.map(() => random.oneIn(2));
  const isCut = random.oneIn(2);
  return {
    text: `snapshots${isCut ? ", logs are cut" : ""}`,
    begin: () => {
      for (const [index, replica] of cluster.replicas.entries()) {
        if (!chosen[index] || replica.core === null || replica.pausedUntil > cluster.now) continue;
        if (replica.writeSnapshot()) cluster.count("snapshots written");
        if (isCut && replica.cutLog()) cluster.count("logs cut");
      }
    },
  };
};

const resign: Draw = (cluster, random) => {
  const isShutdown = random.oneIn(2);
  const downMs = random.below(2_000);
  return {
    text: isShutdown ? `the leader shuts down, for ${downMs} ms` : "the leader resigns",
    begin: () => {
      const { leader } = cluster;
      if (leader === undefined || leader.pausedUntil > cluster.now) return;
      cluster.count("resignations");
      if (!isShutdown) return leader.step((core, now) => core.resign(now));
      leader.step((core, now) => core.shutdown(now));
      cluster.after(100, () => {
        leader.kill();
        cluster.after(downMs, () => restart(cluster, leader));
      });
    },
  };
};

const COMMON: readonly Draw[] = [
  kill,
  kill,
  killAll,
  killSeveral,
  killNewLeaders,
  partition,
  partition,
  pause,
  jump,
  slowDisk,
  badNetwork,
  outlive,
  snapshot,
  resign,
];

const upgrade: Draw = (cluster) => ({
  text: "kraft.version is raised",
  begin: () => {
    const { leader } = cluster;
    if (leader === undefined || leader.pausedUntil > cluster.now) return;
    leader.step((core, now) => {
      const { refusal, effects } = core.upgradeKRaftVersion(now);
      cluster.count(refusal === null ? "upgrades" : "upgrades refused");
      return effects;
    });
  },
});

/** Returns whether a majority of all voter sets in use remains without `lost`. */
export function canLose(cluster: Cluster, lost: ReadonlySet<Replica>): boolean {
  for (const voters of setsInUse(cluster)) {
    const left = [...voters].filter((voter) => {
      const replica = cluster.byId(voter.id);
      return isSameReplica(voter, replica) && !lost.has(replica);
    });
    if (left.length < voters.majority) return false;
  }
  return true;
}

/** The voter sets that some replica may act on. */
function* setsInUse(cluster: Cluster): Generator<VoterSet> {
  for (const { core, disk } of cluster.replicas) {
    if (core !== null) yield core.status.voters;
    const { voters, voterRecords } = disk.open();
    yield voters;
    for (const record of voterRecords) if ("voters" in record) yield record.voters;
  }
}

/** Returns how many voters have their disk. */
function presentVoters(cluster: Cluster, voters: VoterSet): number {
  return [...voters].filter((voter) => isSameReplica(voter, cluster.byId(voter.id))).length;
}

/** An operator adds and removes voters as fast as it can, of any leader. */
const changeVoters: Draw = (cluster, random) => {
  const attempts = 5 + random.below(60);
  const everyMs = 1 + random.below(40);
  const draws = cluster.random(`operator ${random.below(1_000_000)}`);
  return {
    text: `${attempts} attempts to change the voters, ${everyMs} ms apart`,
    begin: () => {
      const next = (left: number): void => {
        const { begin } = draws.oneIn(2) ? addVoter(cluster, draws) : removeVoter(cluster, draws);
        begin();
        if (left > 1) cluster.after(everyMs, () => next(left - 1));
      };
      next(attempts);
    },
  };
};

/** Returns a leader, which need not be the newest one. */
function anyLeader({ running }: Cluster, draw: number): Replica | undefined {
  const leaders = running.filter(({ core }) => core!.status.role === "leader");
  return leaders[draw % Math.max(1, leaders.length)];
}

const addVoter: Draw = (cluster, random) => {
  const draw = random.below(1_000);
  const waitsForCommit = random.oneIn(2);
  return {
    text: "a voter is added",
    begin: () => {
      const leader = anyLeader(cluster, draw);
      if (leader?.core == null) return;
      const { voters } = leader.core.status;
      const others = cluster.replicas.filter(({ id, canVote }) =>
        canVote && voters.byId(id) === undefined
      );
      const added = others[draw % Math.max(1, others.length)];
      if (added === undefined) return;
      const { id, directoryId, endpoints } = added;
      const voter = { id, directoryId };
      cluster.operate(leader, { type: "add-voter", voter, endpoints, waitsForCommit });
    },
  };
};

const removeVoter: Draw = (cluster, random) => {
  const draw = random.below(1_000);
  return {
    text: "a voter is removed",
    begin: () => {
      const leader = anyLeader(cluster, draw);
      if (leader?.core == null) return;
      const { voters } = leader.core.status;
      const all = [...voters];
      const lost = all.find((voter) => !isSameReplica(voter, cluster.byId(voter.id)));
      const removed = lost ?? all[draw % Math.max(1, all.length)];
      if (removed === undefined) return;
      const rest = voters.without(removed.id);
      if (presentVoters(cluster, rest) < rest.majority) return;
      const { id, directoryId } = removed;
      cluster.operate(leader, { type: "remove-voter", voter: { id, directoryId } });
    },
  };
};

/** The leader removes itself, and ends before the others know. */
const removeLeader: Draw = (cluster, random) => {
  const livesMs = random.below(12);
  const downMs = random.below(2_000);
  return {
    text: `the leader is removed, and ends ${livesMs} ms later, for ${downMs} ms`,
    begin: () => {
      const { leader } = cluster;
      if (leader?.core == null) return;
      const rest = leader.core.status.voters.without(leader.id);
      if (rest.size === 0 || presentVoters(cluster, rest) < rest.majority) return;
      const { id, directoryId } = leader;
      cluster.operate(leader, { type: "remove-voter", voter: { id, directoryId } });
      cluster.later(leader, livesMs, () => {
        cluster.count("kills");
        leader.kill();
        cluster.after(downMs, () => restart(cluster, leader));
      });
    },
  };
};

/** A node loses its disk and returns with another one, which is not a voter. */
const replaceDisk: Draw = (cluster, random) => {
  const replica = anyReplica(cluster, random);
  const downMs = random.below(2_000);
  return {
    text: `${replica.id} gets another disk, after ${downMs} ms`,
    begin: () => {
      if (!canLose(cluster, new Set([replica]))) return;
      cluster.count("disks replaced");
      replica.kill();
      cluster.replacedDisks.push({ id: replica.id, disk: replica.disk });
      const replacements = Number(replica.directoryId.split(".")[1]) + 1;
      replica.disk = new ReplicaDisk(directoryOf(replica.id, replacements), NO_VOTERS);
      cluster.after(downMs, () => restart(cluster, replica));
    },
  };
};

/** A node restarts with another address. The old one still leads to it. */
const move: Draw = (cluster, random) => {
  const replica = anyReplica(cluster, random);
  return {
    text: `${replica.id} moves to another address`,
    begin: () => {
      if (!replica.canVote) return;
      cluster.count("moves");
      replica.kill();
      cluster.placeAt(replica, replica.endpoints[0]!.port + 100);
      cluster.after(100, () => restart(cluster, replica));
    },
  };
};

const DYNAMIC: readonly Draw[] = [
  changeVoters,
  changeVoters,
  addVoter,
  addVoter,
  removeVoter,
  removeLeader,
  replaceDisk,
  move,
];
