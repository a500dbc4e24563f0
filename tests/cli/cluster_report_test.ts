import { assertEquals } from "@std/assert";
import { reportLines, reportValue } from "../../cli/cluster_report.ts";
import type { ClusterDescription, QuorumDescription } from "../../mod.ts";
import { test } from "../harness.ts";

const broker = (nodeId: number, isFenced: boolean, rack: string | null = null) => ({
  nodeId,
  host: nodeId === 3 ? "::1" : "10.0.0.1",
  port: 9090 + nodeId,
  rack,
  isFenced,
});
const replica = (nodeId: number, logEndOffset: number, lag: number, ms: number | null) => ({
  nodeId,
  directoryId: nodeId === 2 ? null : `directory-${nodeId}`,
  logEndOffset,
  lag,
  lastFetchMs: ms,
  lastCaughtUpMs: ms,
});
const CLUSTER: ClusterDescription = {
  clusterId: "MkU3OEVBNTcwNTJENDM2Qk",
  controllerId: 1,
  brokers: [broker(1, false, "east"), broker(3, true)],
};
const NOW = 1_000_000;
const QUORUM: QuorumDescription = {
  leaderId: 1,
  leaderEpoch: 4,
  highWatermark: 12_345,
  voters: [replica(1, 12_350, 0, NOW), replica(2, 12_345, 5, NOW - 120)],
  observers: [replica(3, 12_000, 350, NOW - 60_000), replica(4, -1, 12_350, null)],
  listeners: new Map([[2, [{ name: "CONTROLLER", host: "c.example", port: 9093 }]]]),
};
const FEATURES = [
  { name: "kraft.version", level: 1, minSupported: 0, maxSupported: 1 },
  { name: "metadata.version", level: 30, minSupported: 33, maxSupported: 33 },
];

test("reportLines() aligns nodes, replicas and features", () => {
  assertEquals(reportLines({ cluster: CLUSTER, quorum: QUORUM, features: FEATURES }), [
    "Cluster MkU3OEVBNTcwNTJENDM2Qk",
    "",
    "Nodes",
    "  id  roles               address         rack  broker is",
    "  1   broker, controller  10.0.0.1:9091   east  running",
    "  2   controller          c.example:9093  -     -",
    "  3   broker              [::1]:9093      -     fenced",
    "  4   observer            unknown         -     -",
    "",
    "Quorum  leader 1, epoch 4, high watermark 12,345",
    "  id  role      end offset  lag     last fetch  caught up   directory id",
    "  1   leader    12,350      0       -           -           directory-1",
    "  2   voter     12,345      5       120 ms ago  120 ms ago  -",
    "  3   observer  12,000      350     60 s ago    60 s ago    directory-3",
    "  4   observer  unknown     12,350  never       never       directory-4",
    "",
    "Features",
    "  name              level  supported",
    "  kraft.version     1      0 to 1",
    "  metadata.version  30     33",
  ]);
});

test("reportLines() shows the brokers of a cluster without a leader", () => {
  const lines = reportLines({ cluster: CLUSTER, quorum: null, features: FEATURES });
  assertEquals(lines.slice(2, 8), [
    "Nodes",
    "  id  roles   address        rack  broker is",
    "  1   broker  10.0.0.1:9091  east  running",
    "  3   broker  [::1]:9093     -     fenced",
    "",
    "Quorum  no controller answers: the nodes above are as the broker knew them last",
  ]);
});

test("reportValue() has the nodes with their roles, and the replicas with their lag", () => {
  const value = JSON.parse(
    JSON.stringify(reportValue({ cluster: CLUSTER, quorum: QUORUM, features: FEATURES })),
  );
  assertEquals(
    value.nodes.map(({ id, roles, isFenced }: Record<string, unknown>) => [
      id,
      roles,
      isFenced,
    ]),
    [
      [1, ["broker", "controller"], false],
      [2, ["controller"], null],
      [3, ["broker"], true],
      [4, [], null],
    ],
  );
  assertEquals(value.nodes[1].controllerListeners, QUORUM.listeners.get(2));
  const { voters: [, second], observers, ...rest } = value.quorum;
  assertEquals(rest, { leaderId: 1, leaderEpoch: 4, highWatermark: 12_345 });
  assertEquals(second, {
    id: 2,
    directoryId: null,
    logEndOffset: 12_345,
    lag: 5,
    lastFetchMs: NOW - 120,
    lastCaughtUpMs: NOW - 120,
  });
  assertEquals(observers.length, 2);
  assertEquals(value.features, FEATURES);
  const without = reportValue({ cluster: CLUSTER, quorum: null, features: [] });
  assertEquals((without as { quorum: unknown }).quorum, null);
});
