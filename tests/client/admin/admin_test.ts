import { assert, assertEquals, assertRejects } from "@std/assert";
import { Admin } from "../../../src/client/admin/admin.ts";
import { startCluster } from "../../../src/cluster/start_cluster.ts";
import { ErrorCode, KafkaError } from "../../../src/protocol/errors.ts";
import { test } from "../../harness.ts";

async function withAdmin(body: (admin: Admin, port: number) => Promise<void>): Promise<void> {
  const cluster = await startCluster();
  const admin = new Admin({ bootstrapServers: cluster.bootstrapServers, retries: 1 });
  try {
    await body(admin, cluster.port);
  } finally {
    await admin.close();
    await cluster.shutdown();
  }
}

test("Admin creates, lists, describes and deletes topics", async () => {
  await withAdmin(async (admin) => {
    assertEquals(await admin.listTopics(), []);
    await admin.createTopics([{ name: "b", partitions: 3 }, { name: "a", replicationFactor: 1 }]);
    assertEquals(await admin.listTopics(), ["a", "b"]);
    const [b, a] = await admin.describeTopics(["b", "a"]);
    assertEquals([b!.name, b!.partitions.length], ["b", 3]);
    assertEquals([a!.name, a!.partitions.length], ["a", 1]);
    assert(b!.topicId !== a!.topicId);
    for (const { leader, replicas, isr } of b!.partitions) {
      assertEquals([replicas, isr], [[leader], [leader]]);
    }
    await admin.deleteTopics(["b"]);
    assertEquals((await admin.describeTopics()).map(({ name }) => name), ["a"]);
  });
});

test("Admin describes the cluster", async () => {
  await withAdmin(async (admin, port) => {
    const { brokers, controllerId, clusterId } = await admin.describeCluster();
    assertEquals(brokers.map((one) => [one.host, one.port]), [["127.0.0.1", port]]);
    assertEquals(brokers[0]!.nodeId, controllerId);
    assertEquals(clusterId?.length, 22);
  });
});

test("Admin describes the log directories of brokers", async () => {
  await withAdmin(async (admin) => {
    await admin.createTopics([{ name: "events", partitions: 2 }]);
    const [directory, ...others] = await admin.describeLogDirs();
    assertEquals(others, []);
    const { nodeId, path, error, totalBytes, usableBytes, partitions } = directory!;
    assertEquals([nodeId, path, error, totalBytes, usableBytes], [1, "/memory", null, null, null]);
    assertEquals(partitions.toSorted((a, b) => a.partition - b.partition), [
      { topic: "events", partition: 0, size: 0, offsetLag: 0, isFuture: false },
      { topic: "events", partition: 1, size: 0, offsetLag: 0, isFuture: false },
    ]);
    assertEquals(await admin.describeLogDirs([nodeId]), [directory!]);
    await assertRejects(() => admin.describeLogDirs([99]), KafkaError, "99");
  });
});

test("Admin throws the cluster's errors", async () => {
  await withAdmin(async (admin) => {
    await admin.createTopics([{ name: "taken" }]);
    const refused = async (work: Promise<unknown>, code: number) => {
      const error = await assertRejects(() => work, KafkaError);
      assertEquals((error as KafkaError).code, code);
    };
    await refused(admin.createTopics([{ name: "taken" }]), ErrorCode.TOPIC_ALREADY_EXISTS);
    await refused(
      admin.createTopics([{ name: "not/good" }]),
      ErrorCode.INVALID_TOPIC_EXCEPTION,
    );
    await refused(
      admin.createTopics([{ name: "t", configs: { "retention.ms": "soon" } }]),
      ErrorCode.INVALID_CONFIG,
    );
    await refused(admin.deleteTopics(["gone"]), ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
    await refused(admin.describeTopics(["gone"]), ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
  });
});

test("Admin rejects unknown properties of a new topic", async () => {
  const admin = new Admin({ bootstrapServers: "127.0.0.1:1" });
  await assertRejects(
    () => admin.createTopics([{ name: "orders", ...{ replication_factor: 1 } }]),
    TypeError,
    'Topic "orders" has no option "replication_factor", did you mean "replicationFactor"?',
  );
  await admin.close();
});
