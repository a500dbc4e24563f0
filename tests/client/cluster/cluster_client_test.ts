/** How a client finds its cluster, and which topics it refreshes. */
import { assertEquals, assertRejects } from "@std/assert";
import { ClusterClient } from "../../../src/client/cluster/cluster_client.ts";
import { ErrorCode, KafkaError } from "../../../src/protocol/errors.ts";
import { metadata } from "../../../src/protocol/messages/metadata.ts";
import { hostRuntime } from "../../../src/runtime/host.ts";
import { test } from "../../harness.ts";
import { ScriptedBroker } from "../scripted_broker.ts";

const FAST = { retries: 1, retryBackoffMs: 1, retryBackoffMaxMs: 1 };

test("ClusterClient tries every bootstrap address, starting with any", async () => {
  for (const first of [0, 1, 2]) {
    const broker = new ScriptedBroker();
    const random = { fill: (bytes: Uint8Array) => bytes, below: () => first };
    const client = new ClusterClient({
      bootstrapServers: ["gone:1", broker.bootstrapServers, "gone:2"],
      runtime: { ...hostRuntime(), network: broker.network, random },
    });
    assertEquals((await client.anyBroker()).address, broker.bootstrapServers);
    const inOrder = ["gone:1", broker.bootstrapServers, "gone:2"];
    const tried = [...inOrder.slice(first), ...inOrder.slice(0, first)];
    assertEquals(broker.attempts, tried.slice(0, tried.indexOf(broker.bootstrapServers) + 1));
    client.close();
  }
});

test("ClusterClient does not refresh a topic that was not found", async () => {
  const broker = new ScriptedBroker();
  broker.onMetadata({ events: 1 });
  const client = new ClusterClient({
    bootstrapServers: broker.bootstrapServers,
    runtime: { ...hostRuntime(), network: broker.network },
    ...FAST,
  });
  const error = await assertRejects(() => client.topic("misspelt", false), KafkaError);
  assertEquals(error.code, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
  await client.topic("events", false);
  const asked: (string | null)[][] = [];
  broker.on(metadata, ({ topics }) => {
    asked.push(topics!.map(({ name }) => name));
    return { brokers: [], topics: [] };
  });
  await client.refresh();
  assertEquals(asked, [["events"]]);
  client.close();
});
