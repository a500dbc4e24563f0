import { assert, assertEquals, assertRejects } from "@std/assert";
import { ALL_PARTS } from "../../src/node/parts/all_parts.ts";
import { Node } from "../../src/node/node.ts";
import { descriptorShares } from "../../src/limits.ts";
import { apiVersions } from "../../src/protocol/messages/api_versions.ts";
import { produce } from "../../src/protocol/messages/produce.ts";
import { hostRuntime } from "../../src/runtime/host.ts";
import { MemoryFileSystem } from "../../src/runtime/memory_files.ts";
import { test } from "../harness.ts";
import { batchOf } from "../broker/fixture.ts";
import { RawClient } from "../broker/raw_client.ts";

const LIMIT = 40;
const TOPICS = Array.from({ length: 100 }, (_, i) => `t${i}`);

/** A node in memory whose process may open few files. Sockets are not counted here. */
async function start(files: MemoryFileSystem, lines: string[] = []): Promise<Node> {
  return await Node.start({
    parts: ALL_PARTS,
    runtime: { ...hostRuntime(), files, openFileLimit: () => LIMIT },
    directory: "/data,/more",
    config: { listeners: "PLAINTEXT://127.0.0.1:0" },
    logger: { log: (_, message) => void lines.push(message) },
  });
}

const { segmentFiles, connections } = descriptorShares(LIMIT);
/** Files that are opened briefly. */
const OTHERS = 4;

test("a node with few descriptors serves many partitions, and stops and starts cleanly", async () => {
  // The number of files that the limit allows, whether the host enforces it or not.
  for (const maxOpenFiles of [segmentFiles + OTHERS, Infinity]) {
    const disk = new MemoryFileSystem();
    disk.maxOpenFiles = maxOpenFiles;
    const lines: string[] = [];
    const broker = await start(disk, lines);
    const created = await broker.controller.createTopics(TOPICS.map((name) => ({ name })));
    assertEquals(created.filter(({ errorCode }) => errorCode !== 0), []);
    const client = await RawClient.connect(hostRuntime(), broker.address);
    for (let round = 0; round < 3; round++) {
      const { responses } = await client.request(produce, 9, {
        acks: -1,
        timeoutMs: 1_000,
        topicData: TOPICS.map((name) => ({
          name,
          partitionData: [{ index: 0, records: batchOf([`${round}`]) }],
        })),
      });
      const answers = responses.flatMap(({ partitionResponses }) => partitionResponses);
      assertEquals(answers.map(({ errorCode, baseOffset }) => [errorCode, Number(baseOffset)]), [
        ...TOPICS.map(() => [0, round]),
      ]);
      assert(disk.openFiles <= segmentFiles + OTHERS, `${disk.openFiles} files`);
    }
    client.close();
    await broker.shutdown();
    assertEquals(lines, []);
    for (const directory of ["/data", "/more"]) {
      assert(disk.exists(`${directory}/.kafka_cleanshutdown`), directory);
    }
    assertEquals(disk.openFiles, 0);
    const again = await start(disk, lines);
    await again.shutdown();
    assertEquals(lines, []);
  }
});

test("connections beyond the share of the limit are closed, earlier ones are served", async () => {
  const lines: string[] = [];
  const broker = await start(new MemoryFileSystem(), lines);
  const runtime = hostRuntime();
  const clients: RawClient[] = [];
  for (let i = 0; i < connections; i++) {
    clients.push(await RawClient.connect(runtime, broker.address));
    await clients[i]!.request(apiVersions, 0, {});
  }
  const refused = await RawClient.connect(runtime, broker.address);
  await assertRejects(() => refused.request(apiVersions, 0, {}));
  refused.close();
  for (const client of clients) await client.request(apiVersions, 0, {});
  assertEquals(lines.length, 1);
  for (const client of clients) client.close();
  await broker.shutdown();
});
