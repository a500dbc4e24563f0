/**
 * Start and end of a node, and what nodes of one process share.
 *
 * @module
 */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { OpenSegments } from "../../src/log/segments/open_segments.ts";
import { silentLogger } from "../../src/logger.ts";
import { ALL_PARTS } from "../../src/node/parts/all_parts.ts";
import { Node, type NodeOptions } from "../../src/node/node.ts";
import { DirectoryFailures } from "../../src/node/storage.ts";
import { ErrorCode, KafkaError } from "../../src/protocol/errors.ts";
import { hostRuntime } from "../../src/runtime/host.ts";
import { KillableRuntime } from "../../src/runtime/killable_runtime.ts";
import { MemoryFileSystem } from "../../src/runtime/memory_files.ts";
import { AddressInUseError } from "../../src/runtime/runtime.ts";
import { batchOf, produceTo } from "../broker/fixture.ts";
import { RawClient } from "../broker/raw_client.ts";
import { test } from "../harness.ts";

function newProcess(files = new MemoryFileSystem()): KillableRuntime {
  return new KillableRuntime({ ...hostRuntime(), files });
}

function start(
  { runtime }: KillableRuntime,
  { config, ...options }: Partial<NodeOptions> = {},
): Promise<Node> {
  return Node.start({
    parts: ALL_PARTS,
    runtime,
    directory: "/data",
    config: { listeners: "PLAINTEXT://127.0.0.1:0", ...config },
    logger: silentLogger,
    ...options,
  });
}

test("Node.start() gives everything back if a port is taken", async () => {
  const process = newProcess();
  const { network } = hostRuntime();
  const listener = await network.listen({ host: "127.0.0.1", port: 0 });
  const listeners = `PLAINTEXT://127.0.0.1:${listener.address.port}`;
  await assertRejects(() => start(process, { config: { listeners } }), AddressInUseError);
  assertEquals(process.held(), []);
  listener.close();
});

test("Node.start() refuses data directories that are given twice", async () => {
  const process = newProcess();
  const error = await assertRejects(
    () => start(process, { config: { "log.dirs": "/other" } }),
    KafkaError,
    'Cannot set "log.dirs"',
  );
  assertEquals([error.code, process.held()], [ErrorCode.INVALID_CONFIG, []]);
});

test("Node.shutdown() gives everything back, and may be called twice", async () => {
  const process = newProcess();
  const node = await start(process);
  assert(process.held().length > 0);
  await Promise.all([node.shutdown(), node.shutdown()]);
  assertEquals(process.held(), []);
});

test("a node on a killed runtime leaves its directory to the next one, with its records", async () => {
  const files = new MemoryFileSystem();
  const process = newProcess(files);
  const killed = await start(process);
  await killed.controller.createTopics([{ name: "events", numPartitions: 1 }]);
  const client = await RawClient.connect(hostRuntime(), killed.address);
  assertEquals((await produceTo(client, "events", 0, batchOf(["a", "b"]))).errorCode, 0);
  process.kill();
  client.close();
  const next = await start(newProcess(files));
  assertEquals([...next.partitions].map(({ log }) => log.logEndOffset), [2]);
  await next.shutdown();
});

test("nodes of one process can share the bound on open segment files", async () => {
  const openSegments = new OpenSegments(6);
  const processes = [newProcess(), newProcess()];
  const nodes = await Promise.all(processes.map((process) => start(process, { openSegments })));
  const openFiles = () =>
    processes.flatMap((process) => process.held()).filter((name) => name.endsWith(".log")).length;
  for (const node of nodes) {
    await node.controller.createTopics([{ name: "events", numPartitions: 8 }]);
    const client = await RawClient.connect(hostRuntime(), node.address);
    for (let partition = 0; partition < 8; partition++) {
      const { errorCode } = await produceTo(client, "events", partition, batchOf(["a"]));
      assertEquals(errorCode, 0);
      assert(openFiles() <= 6, `${openFiles()} files`);
    }
    client.close();
  }
  for (const node of nodes) await node.shutdown();
  assertEquals(openSegments.openFiles, 0);
});

test("DirectoryFailures keeps failures until there is a listener", () => {
  const failures = new DirectoryFailures();
  const heard: string[] = [];
  const report = (message: string) =>
    failures.report({
      error: new KafkaError(ErrorCode.KAFKA_STORAGE_ERROR, message),
      isFatal: false,
    });
  report("first");
  failures.listen(({ error }) => void heard.push(error.message));
  report("second");
  assertEquals(heard, ["first", "second"]);
});
