import {
  assert,
  assertEquals,
  assertNotEquals,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { Admin } from "../../src/client/mod.ts";
import { Consumer } from "../../src/client/consumer/consumer.ts";
import { Producer } from "../../src/client/producer/producer.ts";
import type { Cluster } from "../../src/cluster/cluster.ts";
import type { ClusterOptions } from "../../src/cluster/cluster_options.ts";
import { startCluster } from "../../src/cluster/start_cluster.ts";
import { PeerConnection } from "../../src/network/peer_connection.ts";
import { ErrorCode, KafkaError } from "../../src/protocol/errors.ts";
import { createTopics } from "../../src/protocol/messages/create_topics.ts";
import { describeCluster } from "../../src/protocol/messages/describe_cluster.ts";
import { hostRuntime } from "../../src/runtime/host.ts";
import { MemoryFileSystem } from "../../src/runtime/memory_files.ts";
import { RawClient } from "../broker/raw_client.ts";
import { test } from "../harness.ts";

/** Runs `body` with a cluster and an admin client, and shuts both down. */
async function withCluster(
  options: ClusterOptions,
  body: (cluster: Cluster, admin: Admin) => Promise<void>,
): Promise<void> {
  const cluster = await startCluster(options);
  const admin = new Admin({ bootstrapServers: cluster.bootstrapServers });
  try {
    await body(cluster, admin);
  } finally {
    await admin.close();
    await cluster.shutdown();
  }
}

/** Asks the first broker until the ids of the fenced brokers are `expected`. */
async function untilFenced({ host, port }: Cluster, expected: readonly number[]): Promise<void> {
  const connection = await PeerConnection.open({
    runtime: hostRuntime(),
    address: { host, port },
    clientId: "test",
    requestTimeoutMs: 10_000,
    connectTimeoutMs: 10_000,
    maxResponseBytes: 1 << 20,
  });
  try {
    for (;;) {
      const { brokers } = await connection.request(describeCluster, {
        includeClusterAuthorizedOperations: false,
        includeFencedBrokers: true,
        endpointType: 1,
      });
      const fenced = brokers.filter(({ isFenced }) => isFenced).map(({ brokerId }) => brokerId);
      if (fenced.join() === expected.join()) return;
    }
  } finally {
    connection.close();
  }
}

/** Resolves when another controller than `previous` is active. */
async function untilActive(cluster: Cluster, previous: number): Promise<number> {
  for (;;) {
    const active = cluster.activeController;
    if (active !== null && active !== previous) return active;
    await hostRuntime().clock.yieldToLoop();
  }
}

const stateOf = (cluster: Cluster, id: number) =>
  cluster.nodes.find((node) => node.id === id)?.state;

test("startCluster() with brokers and controllers starts all of them and creates the topics", async () => {
  const topics = [{ name: "events", partitions: 6 }];
  await withCluster({ brokers: 3, controllers: 3, topics }, async (cluster, admin) => {
    assertEquals(
      cluster.nodes.map(({ id, roles, state }) => `${id} ${roles.join()} ${state}`),
      [
        ...[101, 102, 103].map((id) => `${id} controller running`),
        ...[1, 2, 3].map((id) => `${id} broker running`),
      ],
    );
    const addresses = cluster.nodes.slice(3).map(({ address }) => address);
    assertEquals(cluster.bootstrapServers, addresses.join());
    assertEquals(new Set(cluster.nodes.map(({ address }) => address)).size, 6);
    assert([101, 102, 103].includes(cluster.activeController!));
    const { brokers, clusterId } = await admin.describeCluster();
    assertEquals(clusterId, cluster.clusterId);
    assertEquals(
      brokers.map(({ nodeId, host, port }) => `${nodeId} ${host}:${port}`),
      addresses.map((address, index) => `${index + 1} ${address}`),
    );
    const producer = new Producer({ bootstrapServers: cluster.bootstrapServers });
    const consumer = new Consumer({
      bootstrapServers: cluster.bootstrapServers,
      topics: "events",
    });
    try {
      for (let partition = 0; partition < 6; partition++) {
        await producer.send({ topic: "events", partition, value: String(partition) });
      }
      const values: string[] = [];
      for await (const { value } of consumer) {
        values.push(new TextDecoder().decode(value!));
        if (values.length === 6) break;
      }
      assertEquals(values.sort(), ["0", "1", "2", "3", "4", "5"]);
    } finally {
      await producer.close();
      await consumer.close();
    }
  });
});

test("startCluster() without controllers makes up to three brokers controllers too", async () => {
  for (const [brokers, combined] of [[2, 1], [4, 3]] as const) {
    await withCluster({ brokers }, async (cluster, admin) => {
      const controllers = cluster.nodes.filter(({ roles }) => roles.includes("controller"));
      assertEquals(controllers.map(({ id }) => id), [1, 2, 3].slice(0, combined));
      assert(cluster.nodes.every(({ roles }) => roles.includes("broker")));
      await admin.createTopics([{ name: "events", partitions: brokers }]);
    });
  }
});

test("kill() of the active controller lets another one carry out the next change", async () => {
  await withCluster({ brokers: 1, controllers: 3 }, async (cluster, admin) => {
    await admin.createTopics([{ name: "before", partitions: 1 }]);
    const first = cluster.activeController!;
    await cluster.kill(first);
    assertEquals(stateOf(cluster, first), "killed");
    await admin.createTopics([{ name: "after", partitions: 1 }]);
    const second = cluster.activeController!;
    assertNotEquals(second, first);
    await cluster.restart(first);
    assertEquals(stateOf(cluster, first), "running");
    // The first one is needed for a majority now.
    await cluster.kill(second);
    await admin.createTopics([{ name: "last", partitions: 1 }]);
    assertEquals((await admin.listTopics()).sort(), [
      "after",
      "before",
      "last",
    ]);
  });
});

test("kill() of a broker fences it, and restart() brings it back with its records", async () => {
  await withCluster({ brokers: 3, controllers: 1 }, async (cluster, admin) => {
    await admin.createTopics([{ name: "events", partitions: 3 }]);
    const { bootstrapServers } = cluster;
    const producer = new Producer({ bootstrapServers });
    const send = async (value: string) => {
      const sent = await Promise.all(
        [0, 1, 2].map((partition) => producer.send({ topic: "events", partition, value })),
      );
      return sent.map(({ offset }) => offset);
    };
    try {
      await send("before");
      const { address } = cluster.nodes.find(({ id }) => id === 2)!;
      await cluster.kill(2);
      await untilFenced(cluster, [2]);
      await cluster.restart(2);
      await untilFenced(cluster, []);
      assertEquals(cluster.nodes.find(({ id }) => id === 2)!.address, address);
      // Acknowledged at the second offset of each partition, also of the killed broker's.
      assertEquals((await send("after")).map(Number), [1, 1, 1]);
    } finally {
      await producer.close();
    }
  });
});

test("restart() of a running node shuts it down in order first", async () => {
  await withCluster({ brokers: 1, controllers: 3 }, async (cluster, admin) => {
    const first = cluster.activeController!;
    await cluster.restart(first);
    assertEquals(stateOf(cluster, first), "running");
    await admin.createTopics([{ name: "events", partitions: 1 }]);
    await cluster.restart(1);
    assertEquals(await admin.listTopics(), ["events"]);
  });
});

test("an orderly shutdown does not wait for the heartbeats of other brokers", async () => {
  const config = {
    "broker.heartbeat.interval.ms": "600000",
    "broker.session.timeout.ms": "1800000",
  };
  const { clock } = hostRuntime();
  await withCluster({ brokers: 3, controllers: 1, config }, async (cluster, admin) => {
    await admin.createTopics([{ name: "events", partitions: 9 }]);
    const began = clock.monotonicMs();
    for (const id of [1, 2, 3]) await cluster.restart(id);
    assert(clock.monotonicMs() - began < 60_000);
  });
});

test("every node can start again as soon as it was killed", async () => {
  await withCluster({ brokers: 3 }, async (cluster, admin) => {
    for (const { id } of cluster.nodes) {
      await cluster.kill(id);
      await cluster.restart(id);
    }
    await admin.createTopics([{ name: "events", partitions: 3 }]);
  });
});

test("a cluster of one broker can be killed and started again on its port", async () => {
  await withCluster({ topics: [{ name: "events" }] }, async (cluster, admin) => {
    const { bootstrapServers } = cluster;
    await cluster.kill(1);
    assertEquals(cluster.activeController, null);
    await cluster.restart(1);
    assertEquals(cluster.bootstrapServers, bootstrapServers);
    assertEquals(await admin.listTopics(), ["events"]);
  });
});

test("partition() around the active controller lets the others elect one, heal() joins them", async () => {
  await withCluster({ brokers: 1, controllers: 3 }, async (cluster, admin) => {
    const first = cluster.activeController!;
    const rest = cluster.nodes.map(({ id }) => id).filter((id) => id !== first);
    cluster.partition([first], rest);
    const second = await untilActive(cluster, first);
    await admin.createTopics([{ name: "cut", partitions: 1 }]);
    cluster.heal();
    // The first one is needed for a majority now, and must have caught up.
    await cluster.kill(second);
    await admin.createTopics([{ name: "healed", partitions: 1 }]);
    assertEquals((await admin.listTopics()).sort(), ["cut", "healed"]);
  });
});

test("partition() of a broker fences it after its session, heal() brings it back", async () => {
  const config = { "broker.session.timeout.ms": "300", "broker.heartbeat.interval.ms": "50" };
  await withCluster({ brokers: 2, controllers: 1, config }, async (cluster) => {
    cluster.partition([2], [1, 101]);
    await untilFenced(cluster, [2]);
    cluster.heal();
    await untilFenced(cluster, []);
  });
});

test("intercept() sees requests at brokers and at controllers until it is removed", async () => {
  await withCluster({ brokers: 1, controllers: 1 }, async (cluster, admin) => {
    const seen: string[] = [];
    const forwarded = cluster.intercept("Envelope", ({ name, nodeId }, next) => {
      seen.push(`${name} at ${nodeId}`);
      return next();
    });
    let failures = 0;
    // CreateTopics has the key 19.
    const failing = cluster.intercept(19, ({ name, nodeId }, next) => {
      seen.push(`${name} at ${nodeId}`);
      if (++failures > 2) return next();
      throw new KafkaError(ErrorCode.NOT_CONTROLLER, "Not yet");
    });
    await admin.createTopics([{ name: "events", partitions: 1 }]);
    assertEquals(seen, [
      "CreateTopics at 1",
      "CreateTopics at 1",
      "CreateTopics at 1",
      "Envelope at 101",
    ]);
    failing.remove();
    forwarded.remove();
    await admin.createTopics([{ name: "more", partitions: 1 }]);
    assertEquals(seen.length, 4);
    assertThrows(
      () => cluster.intercept("CreateTopic", (_, next) => next()),
      KafkaError,
      'Cannot intercept "CreateTopic": no node serves such a request, did you mean "CreateTopics"?',
    );
  });
});

test("a broker that the controllers refuse for good ends", async () => {
  const config = {
    "broker.heartbeat.interval.ms": "20",
    "initial.broker.registration.timeout.ms": "100",
  };
  await withCluster({ brokers: 2, controllers: 1, config }, async (cluster) => {
    const gone = cluster.intercept("BrokerHeartbeat", ({ request }, next) => {
      if ((request as { brokerId: number }).brokerId === 1) return next();
      throw new KafkaError(ErrorCode.BROKER_ID_NOT_REGISTERED, "It is gone");
    });
    const refused = cluster.intercept("BrokerRegistration", () => {
      throw new KafkaError(ErrorCode.INVALID_REGISTRATION, "It may not return");
    });
    const { message } = await cluster.failed;
    assertStringIncludes(message, "Cannot register broker 2 with the active controller");
    assertEquals(stateOf(cluster, 2), "failed");
    gone.remove();
    refused.remove();
  });
});

test("a topic of a cluster of several brokers has one replica", async () => {
  const topics = [{ name: "events", replicationFactor: 3 }];
  await withCluster({ brokers: 3, controllers: 1, topics }, async (cluster, admin) => {
    assertEquals(cluster.notices, [
      'Topic "events" has replication factor 1 instead of 3: this version keeps no more replicas of ' +
      "a partition",
    ]);
    const error = await assertRejects(
      () => admin.createTopics([{ name: "more", replicationFactor: 3 }]),
      KafkaError,
      "this version keeps at most 1 replica of a partition",
    );
    assertEquals(error.code, ErrorCode.INVALID_REPLICATION_FACTOR);
  });
});

test("two clusters in one process do not meet", async () => {
  await withCluster({ brokers: 2, controllers: 1 }, async (one, oneAdmin) => {
    await withCluster({ brokers: 2, controllers: 1 }, async (other, otherAdmin) => {
      assertNotEquals(one.clusterId, other.clusterId);
      await oneAdmin.createTopics([{ name: "events", partitions: 2 }]);
      await one.kill(101);
      await otherAdmin.createTopics([{ name: "others", partitions: 2 }]);
      assertEquals(await otherAdmin.listTopics(), ["others"]);
    });
  });
});

test("startCluster() opens the directories of all nodes again", async () => {
  const runtime = { ...hostRuntime(), files: new MemoryFileSystem() };
  const options = { brokers: 2, controllers: 1, dataDir: "/data", runtime } as const;
  let clusterId = "";
  await withCluster(options, async (cluster, admin) => {
    clusterId = cluster.clusterId;
    await admin.createTopics([{ name: "events", partitions: 2 }]);
  });
  assertEquals(runtime.files.list("/data").map(({ name }) => name).sort(), [
    "node-1",
    "node-101",
    "node-2",
  ]);
  assertEquals(runtime.files.openFiles, 0);
  await withCluster(options, async (cluster, admin) => {
    assertEquals(cluster.clusterId, clusterId);
    assertEquals(await admin.listTopics(), ["events"]);
  });
});

test("shutdown() of a cluster without a majority of controllers ends at once", async () => {
  const runtime = hostRuntime();
  await withCluster({ brokers: 2, controllers: 3 }, async (cluster) => {
    await cluster.kill(101);
    await cluster.kill(102);
    const startMs = runtime.clock.monotonicMs();
    await cluster.shutdown();
    assert(runtime.clock.monotonicMs() - startMs < 2_000);
    await cluster.shutdown();
    await assertRejects(() => cluster.restart(101), KafkaError, "the cluster has been shut down");
  });
});

test("faults name the node that does not exist", async () => {
  await withCluster({ brokers: 2 }, async (cluster) => {
    const reason = "There is no node 3 in the cluster: its nodes are 1, 2";
    await assertRejects(() => cluster.kill(3), KafkaError, reason);
    await assertRejects(() => cluster.restart(3), KafkaError, reason);
    assertThrows(() => cluster.partition([1], [3]), KafkaError, reason);
    assertThrows(() => cluster.partition([1, 2], [2]), KafkaError, "node 2 is in two groups");
  });
});

test("startCluster() rejects numbers and settings that several nodes cannot have", async () => {
  const rejected: readonly (readonly [ClusterOptions, string])[] = [
    [{ brokers: 0 }, "brokers cannot be 0: it takes a whole number from 1 to 100"],
    [{ controllers: 2 }, "controllers cannot be 2: it takes 0, 1, 3 or 5"],
    [{ brokers: 2, config: { "node.id": "7" } }, '"node.id" in config cannot be the same'],
    [{ brokers: 2, config: { listeners: "A://:0" } }, '"listeners" in config cannot be the same'],
    [{ brokers: 3, port: 65_534 }, "the last broker would listen on 65536"],
  ];
  for (const [options, reason] of rejected) {
    const error = await assertRejects(() => startCluster(options), KafkaError, reason);
    assertEquals(error.code, ErrorCode.INVALID_CONFIG);
  }
});

test("shutdown() during a restart leaves no node running", async () => {
  const cluster = await startCluster({ brokers: 2, controllers: 1 });
  const restarted = assertRejects(
    () => cluster.restart(1),
    KafkaError,
    "Cannot restart node 1: the cluster has been shut down",
  );
  await cluster.shutdown();
  await restarted;
  assert(cluster.nodes.every(({ state }) => state === "stopped"));
});

test("shutdown() stops all other nodes when one is killed meanwhile", async () => {
  const cluster = await startCluster({ brokers: 2, controllers: 1 });
  const ended = cluster.shutdown();
  await cluster.kill(1);
  await ended;
  assertEquals([1, 2, 101].map((id) => stateOf(cluster, id)), ["killed", "stopped", "stopped"]);
});

test("a request of the largest size that a broker accepts is forwarded", async () => {
  const maxBytes = 20_000;
  const config = { "socket.request.max.bytes": String(maxBytes) };
  await withCluster({ brokers: 1, controllers: 1, config }, async ({ host, port }) => {
    const client = await RawClient.connect(hostRuntime(), { host, port });
    try {
      const create = (spaces: number) => ({
        topics: [{
          name: `events-${spaces}`,
          numPartitions: 1,
          replicationFactor: 1,
          assignments: [],
          configs: [{ name: "retention.ms", value: `1${" ".repeat(spaces)}` }],
        }],
        timeoutMs: 5_000,
      });
      const version = createTopics.maxVersion;
      // Without the four bytes of the frame's length.
      const { length } = client.frame(createTopics, version, create(17_000));
      const largest = create(17_000 + maxBytes - (length - 4));
      const answer = await client.request(createTopics, version, largest);
      assertEquals(answer.topics.map(({ errorCode }) => errorCode), [ErrorCode.NONE]);
    } finally {
      client.close();
    }
  });
});
