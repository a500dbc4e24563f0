/**
 * Nodes that do not belong together: each says in one sentence what is wrong on both sides, and what to do, and
 * the others go on with their state.
 *
 * @module
 */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { Admin } from "../../src/client/mod.ts";
import { Consumer } from "../../src/client/consumer/consumer.ts";
import { Producer } from "../../src/client/producer/producer.ts";
import { formatNode } from "../../src/node/format_node.ts";
import type { ResponseInputOf } from "../../src/protocol/api.ts";
import type { fetch } from "../../src/protocol/messages/fetch.ts";
import { readRecords } from "../../src/protocol/records/batch.ts";
import { isControl, readAttributes, writeCrc } from "../../src/protocol/records/batch_header.ts";
import { splitBatches } from "../../src/protocol/records/batch_split.ts";
import { hostRuntime } from "../../src/runtime/host.ts";
import { MemoryFileSystem } from "../../src/runtime/memory_files.ts";
import type { Node } from "../../src/node/node.ts";
import { test } from "../harness.ts";
import { closedPort } from "../network/closed_port.ts";
import { brokerConfig, controllerConfig, TestNodes, votersOf } from "./test_node.ts";

/** Runs `body` and shuts its nodes down. */
function nodesTest(name: string, body: (nodes: TestNodes) => Promise<void>): void {
  test(name, async () => {
    const nodes = new TestNodes();
    try {
      await body(nodes);
    } finally {
      await nodes.close();
    }
  });
}

/** Starts the only controller of a cluster and returns it with its list of voters. */
async function startController(nodes: TestNodes, id = 1) {
  const port = await closedPort();
  const voters = votersOf({ [id]: port });
  const files = new MemoryFileSystem();
  const config = controllerConfig(id, port, voters);
  return { controller: await nodes.start(config, files), port, voters, config, files };
}

/** Creates a topic through `broker` and returns all topics. */
async function createTopic({ address: { host, port } }: Node, name: string): Promise<string[]> {
  const admin = new Admin({ bootstrapServers: `${host}:${port}` });
  try {
    await admin.createTopics([{ name, partitions: 1 }]);
    return (await admin.listTopics()).sort();
  } finally {
    await admin.close();
  }
}

nodesTest(
  "a second broker with the id of one that lives is refused, and the first goes on",
  async (nodes) => {
    const { voters } = await startController(nodes);
    const first = await nodes.start(brokerConfig(2, voters));
    const epoch = first.brokerEpoch;
    // The session of a process that was killed would end within twice its time.
    const config = {
      ...brokerConfig(2, voters),
      "broker.session.timeout.ms": "200",
      "broker.heartbeat.interval.ms": "100",
    };
    assertMatch(
      await nodes.fail(config),
      /^Cannot register broker 2 with the active controller: another process that is alive is registered as broker 2, and this one has other data directories and the listeners PLAINTEXT:\/\/127\.0\.0\.1:\d+; stop that process, or set another node\.id here$/,
    );
    assertEquals(await createTopic(first, "after"), ["after"]);
    assertEquals(first.brokerEpoch, epoch);
  },
);

nodesTest(
  "a broker of another cluster is refused by the controllers, and keeps its records",
  async (nodes) => {
    const own = await startController(nodes);
    const other = await startController(nodes);
    const files = new MemoryFileSystem();
    const broker = await nodes.start(brokerConfig(2, own.voters), files);
    const { clusterId } = broker;
    await createTopic(broker, "kept");
    await broker.shutdown();
    assertEquals(
      await nodes.fail(brokerConfig(2, other.voters), files),
      `Cannot register broker 2 with the active controller: the data directories of this broker belong to ` +
        `cluster "${clusterId}", the controllers to another one; correct ` +
        "controller.quorum.bootstrap.servers or controller.quorum.voters, or name empty data directories in " +
        "log.dirs",
    );
    assertEquals([...other.controller.image.brokers()], []);
    const again = await nodes.start(brokerConfig(2, own.voters), files);
    assertEquals(again.clusterId, clusterId);
    assertEquals(await createTopic(again, "more"), ["kept", "more"]);
  },
);

nodesTest(
  "a controller of another cluster does not join, and both clusters go on",
  async (nodes) => {
    const first = await startController(nodes, 1);
    const files = new MemoryFileSystem();
    const second = await closedPort();
    // It begins a cluster of its own.
    const lone = await nodes.start(controllerConfig(2, second, votersOf({ 2: second })), files);
    const { clusterId } = lone;
    await lone.shutdown();
    const voters = votersOf({ 1: first.port, 2: second });
    const joined = await nodes.start(controllerConfig(2, second, voters), files);
    assertEquals(joined.clusterId, clusterId);
    assert(first.controller.clusterId !== clusterId);
    const broker = await nodes.start(brokerConfig(3, first.voters));
    assertEquals(await createTopic(broker, "events"), ["events"]);
    assertEquals(first.controller.quorum.current()?.id, 1);
    await nodes.logged(
      `Node 2 belongs to cluster "${clusterId}", the controller at 127.0.0.1:${first.port} to another one, so ` +
        "they form no quorum; correct controller.quorum.voters or controller.quorum.bootstrap.servers, or name " +
        "other data directories in log.dirs",
    );
  },
);

nodesTest("a directory of another node is refused and left as it is", async (nodes) => {
  const { voters, config, files, controller } = await startController(nodes);
  const brokerFiles = new MemoryFileSystem();
  const broker = await nodes.start(brokerConfig(2, voters), brokerFiles);
  await createTopic(broker, "events");
  await broker.shutdown();
  assertEquals(
    await nodes.fail(brokerConfig(3, voters), brokerFiles),
    "Cannot use the data directory /data: it belongs to node 2, this is node 3; name another directory",
  );
  await controller.shutdown();
  const port = await closedPort();
  assertEquals(
    await nodes.fail(controllerConfig(4, port, votersOf({ 4: port })), files),
    "Cannot use the data directory /data: it belongs to node 1, this is node 4; name another directory",
  );
  await nodes.start(config, files);
  const again = await nodes.start(brokerConfig(2, voters), brokerFiles);
  assertEquals(await createTopic(again, "more"), ["events", "more"]);
});

nodesTest(
  "new controllers with different lists of voters draw no cluster id until they agree",
  async (nodes) => {
    const ports = { 1: await closedPort(), 2: await closedPort() };
    const third = await closedPort();
    const both = votersOf(ports);
    const wrong = votersOf({ 2: ports[2], 3: third });
    const first = nodes.start(controllerConfig(1, ports[1], both));
    const limit = { "server.max.startup.time.ms": "1000" };
    const failure = await nodes.fail({ ...controllerConfig(2, ports[2], wrong), ...limit });
    assertMatch(failure, /^Cannot start node 2 within server\.max\.startup\.time\.ms, 1,000 ms: /);
    await nodes.logged(
      "Node 1 is new and waits: its controller.quorum.voters have the ids 1, 2, those of the new controller at " +
        `127.0.0.1:${ports[2]} have 2, 3; set the same list on all nodes and start them again`,
    );
    const second = await nodes.start(controllerConfig(2, ports[2], both));
    assertEquals(second.clusterId, (await first).clusterId);
  },
);

nodesTest(
  "new controllers with bootstrap servers and no voters say how a quorum begins",
  async (nodes) => {
    const ports = [await closedPort(), await closedPort()];
    const servers = ports.map((port) => `127.0.0.1:${port}`);
    const limit = { "server.max.startup.time.ms": "4000" };
    const failures = ports.map((port, index) => {
      const { "controller.quorum.voters": _voters, ...config } = controllerConfig(
        index + 1,
        port,
        "",
      );
      const bootstrap = { "controller.quorum.bootstrap.servers": servers.join() };
      return nodes.fail({ ...config, ...bootstrap, ...limit });
    });
    await nodes.logged(
      `Node 1 is new and waits until one of the controllers ${
        servers.join(", ")
      } has a cluster id, and the ` +
        "first of a quorum with controller.quorum.bootstrap.servers gets it by " +
        '"millrace format --standalone": format one of them',
    );
    await Promise.all(failures);
  },
);

/** Resolves with the files of a controller that was formatted for a cluster. */
async function formatted(config: Record<string, string>): Promise<MemoryFileSystem> {
  const files = new MemoryFileSystem();
  await formatNode({
    runtime: { ...hostRuntime(), files },
    config: { ...config, "log.dirs": "/data" },
    clusterId: "MkU3OEVBNTcwNTJENDM2Qk",
    firstControllers: { kind: "configured" },
    releaseVersion: null,
    levels: new Map(),
    formatted: "reject",
  });
  return files;
}

nodesTest(
  "a controller whose voters do not include the active controller says so",
  async (nodes) => {
    const ports = { 1: await closedPort(), 2: await closedPort(), 3: await closedPort() };
    const lists = { 1: votersOf(ports), 2: votersOf(ports), 3: votersOf({ 3: ports[3], 4: 1 }) };
    await Promise.all(([1, 2, 3] as const).map(async (id) => {
      const config = controllerConfig(id, ports[id], lists[id]);
      return nodes.start(config, await formatted(config));
    }));
    await nodes.logged(
      /^Node [12] is the active controller of epoch \d+, and controller\.quorum\.voters of node 3 has only 3, 4; set the same list on all nodes and start them again$/,
    );
  },
);

nodesTest(
  "a controller whose voters are not those of the active controller says so",
  async (nodes) => {
    const { port } = await startController(nodes);
    const second = await closedPort();
    const voters = votersOf({ 1: port, 2: second });
    await nodes.start(controllerConfig(2, second, voters));
    await nodes.logged(
      "The controller.quorum.voters of the active controller, node 1, have the ids 1, those of node 2 have 1, 2; " +
        "set the same list on all nodes and start them again",
    );
  },
);

nodesTest("a controller without a majority says what it waits for", async (nodes) => {
  const ports = { 1: await closedPort(), 2: await closedPort() };
  const config = controllerConfig(1, ports[1], votersOf(ports));
  await nodes.start(config, await formatted(config));
  await nodes.logged(
    `Node 1 has found no active controller for 5 s; start the controllers 127.0.0.1:${ports[1]}, ` +
      `127.0.0.1:${ports[2]}, of which a majority must run and reach each other, or correct ` +
      "controller.quorum.voters or controller.quorum.bootstrap.servers",
  );
});

nodesTest(
  "a broker of a known cluster that takes a broker for its controller says so",
  async (nodes) => {
    const { voters } = await startController(nodes);
    const files = new MemoryFileSystem();
    const own = await nodes.start(brokerConfig(3, voters), files);
    await own.shutdown();
    const { address: { port } } = await nodes.start(brokerConfig(2, voters));
    assertStringIncludes(
      await nodes.fail(brokerConfig(3, votersOf({ 1: port })), files),
      `(Cannot ask 127.0.0.1:${port} for BrokerRegistration: it is the listener of a broker, which does not ` +
        "serve it; name the address of a controller, or run a version that serves it)",
    );
  },
);

nodesTest("a broker that takes a broker for its controller says so", async (nodes) => {
  const { voters } = await startController(nodes);
  const { address: { port } } = await nodes.start(brokerConfig(2, voters));
  assertEquals(
    await nodes.fail(brokerConfig(3, votersOf({ 1: port }))),
    `Cannot start node 3: its controllers 127.0.0.1:${port} are listeners of brokers; name those of ` +
      "controllers: correct controller.quorum.voters or controller.quorum.bootstrap.servers",
  );
});

/** Gives the metadata records in `bytes` a type that does not exist. */
function makeUnknown(bytes: Uint8Array): void {
  for (const { start } of splitBatches(bytes)) {
    if (isControl(readAttributes(bytes, start))) continue;
    for (const { value } of readRecords(bytes, start)) value![1] = 99;
    writeCrc(bytes, start);
  }
}

nodesTest("a broker that cannot read a record of the metadata does not start", async (nodes) => {
  const port = await closedPort();
  const voters = votersOf({ 1: port });
  await nodes.start(controllerConfig(1, port, voters), new MemoryFileSystem(), {
    controllerInterceptors: [async ({ name }, next) => {
      const answer = await next();
      if (name !== "Fetch") return answer;
      const { responses } = answer as ResponseInputOf<typeof fetch>;
      for (const { records } of responses.flatMap(({ partitions }) => partitions)) {
        if (records) makeUnknown(records as Uint8Array);
      }
      return answer;
    }],
  });
  assertMatch(
    await nodes.fail(brokerConfig(2, voters)),
    /^Cannot read __cluster_metadata-0 at offset \d+: .*unknown type 99.*; a newer version may have written it, start that one on this directory$/,
  );
});

nodesTest("a broker whose controllers cannot be reached says which", async (nodes) => {
  const port = await closedPort();
  assertEquals(
    await nodes.fail(brokerConfig(3, votersOf({ 1: port }))),
    `Cannot start node 3: none of its controllers 127.0.0.1:${port} has named a cluster within 300 ms; start ` +
      "them, or correct controller.quorum.voters or controller.quorum.bootstrap.servers",
  );
});

nodesTest("a listener that cannot be bound, or has no protocol, is named", async (nodes) => {
  const { voters, port } = await startController(nodes);
  const taken = { ...brokerConfig(3, voters), listeners: `PLAINTEXT://127.0.0.1:${port}` };
  assertMatch(
    await nodes.fail(taken),
    new RegExp(`^Cannot listen on 127\\.0\\.0\\.1:${port}: the port is taken`),
  );
  assertEquals(
    await nodes.fail({ ...brokerConfig(3, voters), listeners: "INSIDE://127.0.0.1:0" }),
    'Cannot set "listeners" to "INSIDE://127.0.0.1:0": INSIDE has no security protocol, add ' +
      "INSIDE:PLAINTEXT to listener.security.protocol.map",
  );
  assertMatch(
    await nodes.fail({ ...brokerConfig(3, voters), listeners: "PLAINTEXT://192.0.2.1:0" }),
    /^Cannot listen on 192\.0\.2\.1:0: this machine does not have that address, name one that it has$/,
  );
  assertMatch(
    await nodes.fail({
      ...brokerConfig(3, voters),
      listeners: "PLAINTEXT://no.such.host.invalid:0",
    }),
    /^Cannot listen on no\.such\.host\.invalid:0: the name cannot be resolved, check it$/,
  );
});

nodesTest("clients that are given the port of a controller are told so", async (nodes) => {
  const { port } = await startController(nodes);
  const bootstrapServers = `127.0.0.1:${port}`;
  const why = new RegExp(
    `Cannot ask ${bootstrapServers} for \\w+: it is the listener of a controller; name the address of a ` +
      "broker instead",
  );
  const clients = [
    async () => {
      const producer = new Producer({ bootstrapServers });
      try {
        await producer.send({ topic: "events", value: "a" });
      } finally {
        await producer.close();
      }
    },
    async () => {
      const consumer = new Consumer({ bootstrapServers, topics: "events" });
      try {
        for await (const _record of consumer);
      } finally {
        await consumer.close();
      }
    },
    async () => {
      const admin = new Admin({ bootstrapServers });
      try {
        await admin.listTopics();
      } finally {
        await admin.close();
      }
    },
  ];
  for (const use of clients) {
    const message = await use().then(() => "", (error: Error) => error.message);
    assertMatch(message, why);
  }
});
