import { assertEquals } from "@std/assert";
import { Admin } from "../../src/client/admin/admin.ts";
import { startNodeProcess } from "../../src/cluster/node_process.ts";
import { startProcess } from "../../src/cluster/start_process.ts";
import { silentLogger } from "../../src/logger.ts";
import { test } from "../harness.ts";

const LISTEN = "PLAINTEXT://127.0.0.1:0";

/** Makes changes that the controller decides, most of them in handlers that are loaded on demand. */
async function administer(bootstrapServers: string): Promise<void> {
  const admin = new Admin({ bootstrapServers });
  try {
    await admin.createTopics([{ name: "events", partitions: 1 }]);
    assertEquals((await admin.describeTopics(["events"]))[0]!.partitions.length, 1);
    await admin.deleteTopics(["events"]);
    assertEquals(await admin.listTopics(), []);
    assertEquals((await admin.describeQuorum()).leaderId, 1);
  } finally {
    await admin.close();
  }
}

test("startProcess() starts a node that loads the handlers of its controller on demand", async () => {
  const cluster = await startProcess({ config: { "node.id": "1" } });
  try {
    await administer(cluster.bootstrapServers);
  } finally {
    await cluster.shutdown();
  }
});

test("startNodeProcess() starts the nodes of a cluster, which load its parts", async () => {
  const options = { inMemory: true, logger: silentLogger };
  const first = await startNodeProcess({
    ...options,
    config: {
      "process.roles": "broker,controller",
      "node.id": "1",
      "listeners": `${LISTEN},CONTROLLER://127.0.0.1:0`,
      "controller.listener.names": "CONTROLLER",
    },
  });
  try {
    const { host, port } = first.addresses.get("CONTROLLER")!;
    const second = await startNodeProcess({
      ...options,
      config: {
        "process.roles": "broker",
        "node.id": "2",
        "listeners": LISTEN,
        "controller.listener.names": "CONTROLLER",
        "controller.quorum.bootstrap.servers": `${host}:${port}`,
      },
    });
    try {
      assertEquals(second.clusterId, first.clusterId);
      assertEquals([...first.image.brokers()].map(({ id, fenced }) => [id, fenced]), [
        [1, false],
        [2, false],
      ]);
      await administer(`${second.address.host}:${second.address.port}`);
    } finally {
      await second.shutdown();
    }
  } finally {
    await first.shutdown();
  }
});
