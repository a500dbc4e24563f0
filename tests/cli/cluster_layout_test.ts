import { assertEquals, assertThrows } from "@std/assert";
import {
  checkAlone,
  checkNotAlone,
  checkVoters,
  planNodes,
  portCount,
  portsFrom,
  voterIds,
} from "../../cli/cluster_layout.ts";
import { CommandError, UsageError } from "../../cli/fail.ts";
import { BrokerConfig } from "../../src/config/broker_config.ts";
import { test } from "../harness.ts";

const SIZES = [[1, 0], [2, 0], [3, 0], [5, 0], [1, 1], [3, 3], [2, 5]] as const;

function planned(brokers: number, controllers: number, host = "10.0.0.1") {
  const size = { brokers, controllers };
  return planNodes(size, { host, ports: portsFrom(9092, portCount(size)), dataDir: "data" });
}

test("planNodes() makes brokers controllers, or separate nodes", () => {
  const roles = SIZES.map(([brokers, controllers]) =>
    planned(brokers, controllers).map(({ id, isBroker, isVoter }) =>
      `${id}${isBroker ? "b" : ""}${isVoter ? "c" : ""}`
    ).join(" ")
  );
  assertEquals(roles, [
    "1bc",
    "1bc 2b",
    "1bc 2bc 3bc",
    "1bc 2bc 3bc 4b 5b",
    "1b 101c",
    "1b 2b 3b 101c 102c 103c",
    "1b 2b 101c 102c 103c 104c 105c",
  ]);
});

test("planNodes() derives configurations that the nodes accept", () => {
  for (const [brokers, controllers] of SIZES) {
    const nodes = planned(brokers, controllers);
    const voters = voterIds({ brokers, controllers });
    const ports = new Set<number>();
    for (const { id, isBroker, isVoter, config, directory } of nodes) {
      const isAlone = nodes.length === 1;
      const checked = new BrokerConfig({ ...config, "log.dirs": directory! });
      assertEquals([checked.nodeId, checked.isBroker, checked.isController], [
        id,
        isBroker,
        isVoter,
      ]);
      // The only voter knows of no other node until brokers connect to it.
      assertEquals(checked.isAlone, isBroker && isVoter && voters.length === 1);
      assertEquals(checked.quorumVoters.map(({ id }) => id), isAlone ? [] : voters);
      assertEquals(directory, isAlone ? "data" : `data/node-${id}`);
      for (const { port } of [...checked.brokerListeners, ...checked.controllerListeners]) {
        assertEquals(ports.has(port), false);
        ports.add(port);
      }
      if (isBroker) assertEquals(checked.brokerListeners[0]!.port, 9091 + id);
    }
    assertEquals(ports.size, portCount({ brokers, controllers }));
  }
});

test("planNodes() writes IPv6 addresses in brackets", () => {
  const [first] = planned(2, 0, "::1");
  assertEquals(first!.config["listeners"], "PLAINTEXT://[::1]:9092,CONTROLLER://[::1]:9094");
  assertEquals(first!.config["controller.quorum.voters"], "1@[::1]:9094");
});

test("portsFrom() rejects ports beyond the last", () => {
  assertEquals(portsFrom(65_534, 2), [65_534, 65_535]);
  assertThrows(() => portsFrom(65_534, 3), UsageError, "the nodes need 3 ports from there on");
});

test("checkVoters() rejects a cluster that would get other controllers", () => {
  const check = (brokers: number, controllers: number, ...names: string[]) =>
    checkVoters({ brokers, controllers }, "data", names);
  check(3, 0);
  check(3, 0, "events-0", "node-x", "meta.properties");
  check(5, 0, "node-1", "node-2", "node-3");
  check(3, 0, "node-1", "node-2", "node-3", "node-4", "node-5");
  check(4, 1, "node-1", "node-101");
  const error = assertThrows(() => check(3, 0, "node-1", "node-2"), CommandError);
  assertEquals(
    (error as Error).message,
    "Cannot start 3 brokers in data: the controllers of its cluster are nodes 1, and would become " +
      "1, 2, 3; start it with --brokers 2, or name another directory",
  );
  const separate = "start it with --brokers 1 --controllers 3, or name";
  assertThrows(
    () => check(3, 0, "node-1", "node-101", "node-102", "node-103"),
    CommandError,
    separate,
  );
});

test("checkNotAlone() and checkAlone() keep a node alone and a cluster apart", () => {
  const size = { brokers: 3, controllers: 0 };
  assertThrows(
    () => checkNotAlone(size, "data", ["meta.properties", "chat-0"]),
    CommandError,
    "Cannot start 3 brokers in data: it is the data directory of one node; start that node without --brokers and " +
      "--controllers, or name another directory with --data-dir",
  );
  checkNotAlone(size, "data", ["node-1", "node-2", "node-3"]);
  checkNotAlone({ brokers: 1, controllers: 0 }, "data", ["meta.properties"]);
  assertThrows(
    () => checkAlone("data", ["node-1", "node-2", "node-3", "node-101"]),
    CommandError,
    "Cannot start a node in data: it has the directories of a cluster, node-1 and others; start that with " +
      "--brokers 3, or name another directory with --data-dir",
  );
  // "node" may be a topic of the node.
  checkAlone("data", ["meta.properties", "node-0", "node-1"]);
});
