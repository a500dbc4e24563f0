import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { Producer } from "../../src/client/producer/producer.ts";
import type { ClusterOptions } from "../../src/cluster/cluster_options.ts";
import { CloseConnection } from "../../src/cluster/mod.ts";
import { startCluster } from "../../src/cluster/start_cluster.ts";
import { lineLogger } from "../../src/logger.ts";
import { ErrorCode, KafkaError } from "../../src/protocol/errors.ts";
import { hostRuntime } from "../../src/runtime/host.ts";
import { MemoryFileSystem } from "../../src/runtime/memory_files.ts";
import { test } from "../harness.ts";
import { HeldSyncs } from "../log/held_syncs.ts";

/** Returns the number of syncs of a topic's log for ten records in sequence. */
async function syncsOfTenRecords(options: ClusterOptions): Promise<number> {
  const disk = new HeldSyncs(new MemoryFileSystem());
  const runtime = { ...hostRuntime(), files: disk };
  const cluster = await startCluster({ ...options, dataDir: "/data", runtime });
  const producer = new Producer({ bootstrapServers: cluster.bootstrapServers });
  try {
    await producer.send({ topic: "events", value: "first" });
    disk.heldAt = /\/events-0\/\d+\.log$/;
    for (let i = 0; i < 10; i++) {
      const sent = producer.send({ topic: "events", value: String(i) });
      if (options.flush === "always") {
        await disk.untilPending(1);
        disk.release();
      }
      await sent;
    }
    return disk.begun;
  } finally {
    disk.heldAt = null;
    await producer.close();
    await cluster.shutdown();
  }
}

test('startCluster() with flush "always" syncs before each acknowledgement, with "os" never', async () => {
  assertEquals(await syncsOfTenRecords({ flush: "always" }), 10);
  assertEquals(await syncsOfTenRecords({ flush: "os" }), 0);
  assertEquals(await syncsOfTenRecords({}), 0);
});

test("startCluster() rejects two flush policies", async () => {
  for (const flush of ["os", "always"] as const) {
    await assertRejects(
      () => startCluster({ flush, config: { "log.flush.interval.messages": "7" } }),
      KafkaError,
      `Cannot set flush to "${flush}" and log.flush.interval.messages to "7"`,
    );
  }
});

/** Options that JavaScript does not check, and the reason why they are rejected. */
const REJECTED: readonly (readonly [Record<string, unknown>, string])[] = [
  [{ prot: 1 }, 'Cannot start a cluster: there is no option "prot", did you mean "port"?'],
  [{ dataDirectory: "x" }, 'there is no option "dataDirectory"'],
  [{ port: "9092" }, 'port cannot be "9092": it takes a whole number from 0 to 65,535'],
  [{ port: -1 }, "port cannot be -1"],
  [{ host: "" }, '"0.0.0.0" or "::" listens on every address'],
  [{ host: "a b" }, 'host cannot be "a b": it takes an IP address or a host name'],
  [{ dataDir: "" }, 'dataDir cannot be "": it takes a path'],
  [{ dataDir: ["a", ""] }, "dataDir cannot be this list: it takes a path"],
  [{ flush: "often" }, 'flush cannot be "often": it takes "os" or "always"'],
  [{ config: { "num.partitions": 3 } }, 'the value of "num.partitions" is 3, write it as a string'],
  [{ config: [] }, "config cannot be this list: it takes an object of keys and strings"],
  [{ topics: "events" }, 'topics cannot be "events": it takes a list of topics'],
  [
    { topics: [{ name: "a", partition: 1 }] },
    'no topic option "partition", did you mean "partitions"?',
  ],
  [{ topics: [{ name: "a", replication_factor: 1 }] }, 'no topic option "replication_factor"'],
  [{ topics: [{ name: "a", partitions: 0 }] }, 'partitions of "a" is 0'],
  [{ topics: [{}] }, 'each topic needs a "name"'],
  [{ logger: () => {} }, "logger cannot be this object: it takes an object with log()"],
  [{ interceptors: [true] }, "interceptors cannot be this list: it takes a list of functions"],
  [{ runtime: {} }, "runtime cannot be this object: it takes a Runtime"],
  [
    { port: 0, config: { listeners: "PLAINTEXT://:0" } },
    'Cannot set port to 0 and listeners to "PLAINTEXT://:0": they mean the same, give only one',
  ],
  [
    { host: "::1", config: { listeners: "PLAINTEXT://:0" } },
    'Cannot set host to "::1" and listeners to "PLAINTEXT://:0"',
  ],
  [
    { dataDir: "a", config: { "log.dirs": "b" } },
    'Cannot set dataDir to "a" and log.dirs to "b": they mean the same, give only one',
  ],
  [
    { dataDir: ["a", "b"], config: { "log.dir": "b" } },
    'Cannot set dataDir to "a,b" and log.dir to "b"',
  ],
];

test("startCluster() rejects unknown, invalid and contradicting options", async () => {
  for (const [options, reason] of REJECTED) {
    const error = await assertRejects(
      () => startCluster(options as ClusterOptions),
      KafkaError,
      reason,
    );
    assertEquals(error.code, ErrorCode.INVALID_CONFIG);
  }
});

test("startCluster() opens the listeners of the configuration and reports keys without effect", async () => {
  const cluster = await startCluster({
    config: {
      "listeners": "A://127.0.0.1:0,B://:0",
      "listener.security.protocol.map": "A:PLAINTEXT,B:PLAINTEXT",
      "num.io.threads": "8",
    },
  });
  try {
    const { bootstrapServers, host, port, listeners, notices } = cluster;
    assertEquals([host, bootstrapServers], ["127.0.0.1", `127.0.0.1:${port}`]);
    assertEquals(listeners.map((listener) => [listener.name, listener.host]), [
      ["A", "127.0.0.1"],
      ["B", ""],
    ]);
    for (const { port } of listeners) {
      const producer = new Producer({ bootstrapServers: `127.0.0.1:${port}` });
      await producer.send({ topic: "events", value: "x" });
      await producer.close();
    }
    assertEquals(notices.map((notice) => notice.slice(0, 29)), [
      "Other machines can reach B://",
      "These settings have no effect",
    ]);
  } finally {
    await cluster.shutdown();
  }
});

test("startCluster() on every address returns a bootstrap address that can be connected to", async () => {
  const host = hostRuntime();
  // The machine may not have IPv6.
  const listen = ({ port }: { port: number }) => host.network.listen({ host: "127.0.0.1", port });
  const runtime = { ...host, network: { ...host.network, listen } };
  for (const [everywhere, bootstrap] of [["0.0.0.0", "127.0.0.1"], ["::", "[::1]"]]) {
    const cluster = await startCluster({ runtime, host: everywhere! });
    assertEquals(cluster.host, everywhere);
    assertEquals(cluster.bootstrapServers, `${bootstrap}:${cluster.port}`);
    await cluster.shutdown();
  }
});

test("startCluster() reports differences of an existing topic", async () => {
  const runtime = { ...hostRuntime(), files: new MemoryFileSystem() };
  const start = async (partitions: number, replicationFactor: number) => {
    const topics = [{ name: "events", partitions, replicationFactor }];
    const cluster = await startCluster({ topics, dataDir: "/data", runtime });
    await cluster.shutdown();
    return cluster.notices;
  };
  assertEquals(await start(2, 1), []);
  assertEquals(await start(2, 1), []);
  assertEquals(await start(3, 2), [
    'Topic "events" exists and has partition count 2 instead of 3',
    'Topic "events" exists and has replication factor 1 instead of 2',
  ]);
});

test("the messages of a cluster name their node", async () => {
  const lines: string[] = [];
  const runtime = hostRuntime();
  const cluster = await startCluster({
    config: { "node.id": "7" },
    logger: lineLogger({ now: () => 0, write: (line) => void lines.push(line) }),
  });
  const connection = await runtime.network.connect(cluster);
  await connection.writeAll!(new TextEncoder().encode("GET / HTTP/1.1\r\n\r\n"));
  while (await connection.readInto!(new Uint8Array(100)).catch(() => null) !== null);
  connection.close();
  await cluster.shutdown();
  assertEquals(lines.length, 1);
  assertMatch(lines[0]!, /^1970-01-01T00:00:00\.000Z WARN {2}\[node 7\] Closed 127\.0\.0\.1:\d+: /);
});

test("startCluster() with interceptors lets a request fail and closes a connection", async () => {
  const seen: string[] = [];
  const cluster = await startCluster({
    topics: [{ name: "events" }],
    interceptors: [({ name, request }, next) => {
      if (name !== "Produce") return next();
      seen.push(`acks ${(request as { acks: number }).acks}`);
      if (seen.length === 1) throw new KafkaError(ErrorCode.NOT_LEADER_OR_FOLLOWER, "Not yet");
      if (seen.length === 2) throw new CloseConnection("closed by a test");
      return next();
    }],
  });
  const producer = new Producer({ bootstrapServers: cluster.bootstrapServers });
  try {
    assertEquals((await producer.send({ topic: "events", value: "a" })).offset, 0);
    assertEquals(seen, ["acks -1", "acks -1", "acks -1"]);
  } finally {
    await producer.close();
    await cluster.shutdown();
  }
});
