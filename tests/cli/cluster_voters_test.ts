import { assertEquals, assertRejects } from "@std/assert";
import { findNewVoter, findVoter, type VoterAdmin } from "../../cli/cluster_voters.ts";
import { CommandError } from "../../cli/fail.ts";
import type { ControllersDescription, QuorumDescription } from "../../mod.ts";
import { test } from "../harness.ts";

const CLUSTER = "MkU3OEVBNTcwNTJENDM2Qk";
const LISTENERS = [
  { name: "CONTROLLER", host: "a.example", port: 9093 },
  { name: "INSIDE", host: "::1", port: 9193 },
];
const replica = (nodeId: number, directoryId: string | null) => ({
  nodeId,
  directoryId,
  logEndOffset: 9,
  lag: 0,
  lastFetchMs: 0,
  lastCaughtUpMs: 0,
});
const QUORUM: QuorumDescription = {
  leaderId: 1,
  leaderEpoch: 1,
  highWatermark: 9,
  voters: [replica(1, "one"), replica(2, "two")],
  observers: [replica(4, "four"), replica(5, "five"), replica(6, "six"), replica(6, "other")],
  listeners: new Map([[1, LISTENERS]]),
};

/** A cluster, and the controllers that each of the leader's listeners knows. */
class Cluster {
  readonly connected: string[] = [];
  closed = 0;

  constructor(
    readonly quorum: QuorumDescription = QUORUM,
    readonly controllers: Readonly<Record<string, readonly number[]>> = {},
  ) {}

  /** The client of the brokers, or of the listener at an address. */
  admin(address?: string): VoterAdmin {
    return {
      describeQuorum: () => Promise.resolve(this.quorum),
      describeCluster: () => Promise.resolve({ clusterId: CLUSTER, controllerId: 1, brokers: [] }),
      describeControllers: (): Promise<ControllersDescription> => {
        const ids = this.controllers[address!];
        if (ids === undefined) return Promise.reject(new Error("nothing listens there"));
        const controllers = ids.map((nodeId) => {
          return { nodeId, host: `${nodeId}.example`, port: address!.length, rack: null };
        });
        return Promise.resolve({ clusterId: CLUSTER, activeControllerId: 1, controllers });
      },
      close: () => Promise.resolve(void this.closed++),
    };
  }

  readonly connect = (address: string): VoterAdmin => {
    this.connected.push(address);
    return this.admin(address);
  };
}

async function refusalOf(work: Promise<unknown>): Promise<string> {
  return (await assertRejects(() => work, CommandError) as CommandError).message;
}

test("findNewVoter() takes the directory from the quorum and the listeners from the leader", async () => {
  const cluster = new Cluster(QUORUM, { "a.example:9093": [1, 4], "[::1]:9193": [1, 2, 4] });
  assertEquals(await findNewVoter(cluster.admin(), 4, [], cluster.connect), {
    nodeId: 4,
    directoryId: "four",
    listeners: [
      { name: "CONTROLLER", host: "4.example", port: 14 },
      { name: "INSIDE", host: "4.example", port: 10 },
    ],
    clusterId: CLUSTER,
  });
  assertEquals(cluster.closed, 2);
});

test("findNewVoter() asks no controller if the listeners are given", async () => {
  const cluster = new Cluster();
  const [listener] = LISTENERS;
  const { listeners } = await findNewVoter(cluster.admin(), 4, [listener!], cluster.connect);
  assertEquals([listeners, cluster.connected], [[listener!], []]);
});

test("findNewVoter() says what is missing", async () => {
  const cluster = new Cluster(QUORUM, { "a.example:9093": [1], "[::1]:9193": [1] });
  const refusals: [number, string][] = [
    [2, "it is a voter already"],
    [
      3,
      "no node with this id reads the metadata log; start it with process.roles=controller and " +
      "controller.quorum.bootstrap.servers first",
    ],
    [
      6,
      "2 directories are used with this id, six and other; stop all nodes with this id but one, and try " +
      "again after five minutes",
    ],
    [
      5,
      "it is not registered as a controller; if its process.roles has the role controller, name its " +
      "listeners with --listener CONTROLLER://host:port",
    ],
  ];
  for (const [id, why] of refusals) {
    const message = await refusalOf(findNewVoter(cluster.admin(), id, [], cluster.connect));
    assertEquals(message, `Cannot add controller ${id} to the quorum: ${why}`);
  }
  const old = new Cluster({ ...QUORUM, observers: [replica(4, null)] });
  assertEquals(
    await refusalOf(findNewVoter(old.admin(), 4, [], old.connect)),
    "Cannot add controller 4 to the quorum: the cluster does not report directory ids; upgrade it to " +
      "Apache Kafka 3.9 or later",
  );
  const apart = new Cluster();
  assertEquals(
    await refusalOf(findNewVoter(apart.admin(), 4, [], apart.connect)),
    "Cannot ask the active controller for the listeners of controller 4: nothing listens there; name them " +
      "with --listener CONTROLLER://host:port",
  );
  assertEquals(apart.closed, 1);
});

test("findVoter() finds the directory of a voter, unless it must stay", async () => {
  const found = await findVoter(new Cluster().admin(), 2);
  assertEquals(found, { nodeId: 2, directoryId: "two", clusterId: CLUSTER });
  const refusals: [QuorumDescription, number, string][] = [
    [QUORUM, 4, "the voters are 1, 2"],
    [{ ...QUORUM, voters: [replica(1, "one")] }, 1, "it is the only voter; add another one first"],
    [
      { ...QUORUM, voters: [replica(1, null), replica(2, null)] },
      2,
      "its quorum is a fixed one; change controller.quorum.voters on every node instead",
    ],
  ];
  for (const [quorum, id, why] of refusals) {
    const message = await refusalOf(findVoter(new Cluster(quorum).admin(), id));
    assertEquals(message, `Cannot remove controller ${id} from the quorum: ${why}`);
  }
});
