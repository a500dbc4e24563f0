/**
 * Starts of a controller on damaged files of its quorum. A start restores everything, or is refused with one
 * sentence that names the file and says what to do. It never forgets a vote, and removes nothing: once the file is
 * restored, everything is there.
 *
 * @module
 */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { featureRecord } from "../../src/metadata/image_records.ts";
import { encodeMetadataRecord } from "../../src/metadata/records/metadata_record.ts";
import type { Node } from "../../src/node/node.ts";
import { encodeBatch } from "../../src/protocol/records/batch.ts";
import { MemoryFileSystem } from "../../src/runtime/memory_files.ts";
import type { FileSystem } from "../../src/runtime/runtime.ts";
import { test } from "../harness.ts";
import { closedPort } from "../network/closed_port.ts";
import { brokerConfig, controllerConfig, TestNodes, votersOf } from "./test_node.ts";

const DIRECTORY = "/data/__cluster_metadata-0";

function read(files: FileSystem, path: string): Uint8Array {
  const file = files.open(path, "read");
  const bytes = new Uint8Array(file.size());
  file.readAt(bytes, 0);
  file.close();
  return bytes;
}

function write(files: FileSystem, path: string, bytes: Uint8Array): void {
  const file = files.open(path, "create");
  file.truncate(0);
  if (bytes.length > 0) file.writeAt(bytes, 0);
  file.close();
}

const flipped = (bytes: Uint8Array, at: number) =>
  bytes.map((byte, index) => index === at ? byte ^ 0x55 : byte);

/** Kinds of damage. */
const DAMAGES: readonly (readonly [string, (bytes: Uint8Array) => Uint8Array])[] = [
  ["emptied", () => new Uint8Array(0)],
  ["cut in half", (bytes) => bytes.slice(0, bytes.length >> 1)],
  ["a byte too short", (bytes) => bytes.slice(0, -1)],
  ["all zeros", (bytes) => new Uint8Array(bytes.length)],
  ["garbled at its beginning", (bytes) => flipped(bytes, 0)],
  ["garbled in the middle", (bytes) => flipped(bytes, bytes.length >> 1)],
];

/** Names of the files of the quorum that match `pattern`. */
function pathsOf(files: FileSystem, pattern: RegExp): string[] {
  return files.list(DIRECTORY).map(({ name }) => `${DIRECTORY}/${name}`).filter((path) =>
    pattern.test(path)
  );
}

function topicsOf({ image }: Node): string[] {
  return [...image.topics()].map(({ name }) => name).sort();
}

test("a controller repairs or refuses a torn quorum-state, or a torn snapshot", async () => {
  const nodes = new TestNodes();
  const files = new MemoryFileSystem();
  const port = await closedPort();
  const voters = votersOf({ 1: port });
  const config = {
    ...controllerConfig(1, port, voters),
    // A snapshot after every batch; the log before it is removed.
    "metadata.log.max.record.bytes.between.snapshots": "1",
    "metadata.max.retention.bytes": "0",
  };
  const topics = ["chat", "events"];
  const startWhole = async () => {
    const node = await nodes.start(config, files);
    await node.quorum.caughtUp();
    assertEquals(topicsOf(node), topics);
    const { epoch } = node.quorum.replica.status;
    await nodes.close();
    return epoch;
  };
  try {
    const controller = await nodes.start(config, files);
    await nodes.start(brokerConfig(2, voters));
    for (const name of topics) {
      await controller.controller.createTopics([{ name, numPartitions: 1 }]);
    }
    await nodes.close();
    let epoch = await startWhole();
    let refused = 0;
    for (const pattern of [/quorum-state$/, /\.checkpoint$/]) {
      for (const [name, damage] of DAMAGES) {
        // A start may write another snapshot.
        const path = pathsOf(files, pattern).sort().at(-1)!;
        const whole = read(files, path);
        write(files, path, damage(whole));
        const failure = await nodes.start(config, files).then(
          () => null,
          (error: Error) => error.message,
        );
        const what = `${path} ${name}: ${failure}`;
        if (failure !== null) {
          refused++;
          assertEquals(failure.split("\n").length, 1, what);
          assert(failure.includes(path), what);
          assertMatch(failure, /[;:,] .{6,}/, what);
          write(files, path, whole);
        } else {
          await nodes.close();
        }
        const next = await startWhole();
        // The epoch in which it has voted is not forgotten.
        assert(next > epoch, `${what}: epoch ${next} after ${epoch}`);
        epoch = next;
      }
    }
    assert(refused > DAMAGES.length, `${refused} starts were refused`);
  } finally {
    await nodes.close();
  }
});

test("a newer metadata.version in the log ends the node with one sentence", async () => {
  const nodes = new TestNodes();
  const port = await closedPort();
  try {
    const node = await nodes.start(controllerConfig(1, port, votersOf({ 1: port })));
    while (node.quorum.replica.status.role !== "leader") await node.quorum.changed();
    await node.quorum.caughtUp();
    const value = encodeMetadataRecord(featureRecord("metadata.version", 99));
    assert(node.quorum.replica.propose(encodeBatch([{ value, timestamp: 1 }], {}), 1) !== null);
    const failure = await node.failed;
    assertMatch(failure.message, /metadata\.version.* 99/);
    assertEquals(failure.message.split("\n").length, 1);
    assertMatch(failure.message, /; .{6,}/);
  } finally {
    await nodes.close();
  }
});
