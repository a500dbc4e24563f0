/** A node started from a file, in a process of its own. */
import { assert, assertEquals } from "@std/assert";
import { Admin } from "../../src/client/mod.ts";
import { test } from "../harness.ts";
import { startNode } from "./node_process.ts";

if ("Deno" in globalThis) {
  test("start --config uses the settings of the file, and --set takes precedence", async () => {
    const directory = await Deno.makeTempDir({ prefix: "millrace-" });
    const path = `${directory}/server.properties`;
    await Deno.writeTextFile(
      path,
      `# a node
num.partitions = 2
log.dirs : ${directory}/data
broker.rack = rack-\\
    1
delete.topic.enable=true
log.retentoin.ms=5
num.partitions=3
`,
    );
    const topics = `${directory}/topics.json`;
    await Deno.writeTextFile(topics, "[]");
    const node = await startNode(
      ["--config", path, "--set", "broker.rack=rack-2", "--topics", topics],
    );
    try {
      const admin = new Admin({ bootstrapServers: `127.0.0.1:${node.port}` });
      try {
        const { brokers } = await admin.describeCluster();
        assertEquals(brokers.map(({ rack }) => rack), ["rack-2"]);
        await admin.createTopics([{ name: "events" }]);
        const [topic] = await admin.describeTopics(["events"]);
        assertEquals(topic!.partitions.length, 3);
      } finally {
        await admin.close();
      }
      assert((await Deno.stat(`${directory}/data/meta.properties`)).isFile);
      assert(node.ready.includes(`data in ${directory}/data`), node.ready);
    } finally {
      assertEquals(await node.stop(), 0);
      const notices = node.errors().trim().split("\n").map((line) => line.slice(31));
      assertEquals(notices, [
        `"${path}" sets "num.partitions" in line 2 and in line 8: the last one is used`,
        `In "${path}", "log.retentoin.ms" has no effect: there is no such broker key, did you mean ` +
        `"log.retention.ms"?`,
      ]);
      await Deno.remove(directory, { recursive: true });
    }
  });
}
