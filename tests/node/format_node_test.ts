/** Formatted nodes: what is written for each kind of quorum, and what is refused. */
import { assert, assertEquals, assertNotEquals, assertStringIncludes } from "@std/assert";
import { ALL_PARTS } from "../../src/node/parts/all_parts.ts";
import { silentLogger } from "../../src/logger.ts";
import { decodeMetadataRecord } from "../../src/metadata/records/metadata_record.ts";
import { formatNode, type FormatNodeOptions } from "../../src/node/format_node.ts";
import { Node } from "../../src/node/node.ts";
import { KafkaError } from "../../src/protocol/errors.ts";
import { decodeBatch } from "../../src/protocol/records/batch.ts";
import { isUuid } from "../../src/protocol/uuid.ts";
import { formattedWith } from "../../src/raft/storage/format_directory.ts";
import { SnapshotFiles } from "../../src/raft/storage/snapshot_files.ts";
import { BOOTSTRAP_SNAPSHOT_ID } from "../../src/raft/storage/snapshot_names.ts";
import { hostRuntime } from "../../src/runtime/host.ts";
import { MemoryFileSystem } from "../../src/runtime/memory_files.ts";
import type { FileSystem } from "../../src/runtime/runtime.ts";
import { test } from "../harness.ts";

const CLUSTER = "MkU3OEVBNTcwNTJENDM2Qk";
const IDS = ["MdwpXVE7Rs2v2Cviip_Vnw", "07R5amHmR32VDA6jHkGbTA"] as const;
const DYNAMIC = {
  "listeners": "PLAINTEXT://127.0.0.1:0,CONTROLLER://127.0.0.1:9093",
  "controller.listener.names": "CONTROLLER",
  "controller.quorum.bootstrap.servers": "127.0.0.1:9093",
};
const CONTROLLER = {
  ...DYNAMIC,
  "process.roles": "controller",
  "listeners": "CONTROLLER://127.0.0.1:9093",
};
const BROKER = {
  ...DYNAMIC,
  "process.roles": "broker",
  "listeners": "PLAINTEXT://127.0.0.1:0",
  "node.id": "7",
};

function optionsFor(
  files: FileSystem,
  config: Readonly<Record<string, string>>,
  more: Partial<FormatNodeOptions> = {},
): FormatNodeOptions {
  return {
    runtime: { ...hostRuntime(), files },
    config: { "log.dirs": "/data", ...config },
    clusterId: null,
    firstControllers: { kind: "configured" },
    releaseVersion: null,
    levels: new Map(),
    formatted: "reject",
    ...more,
  };
}

async function bootstrapOf(files: FileSystem, directory = "/data") {
  const { reader, close } = (await SnapshotFiles.open(files, `${directory}/__cluster_metadata-0`))
    .read(BOOTSTRAP_SNAPSHOT_ID);
  const records: unknown[] = [];
  for (let batch = reader.next(); batch !== null; batch = reader.next()) {
    records.push(
      ...decodeBatch(batch).records.map(({ value }) => decodeMetadataRecord(value!).value),
    );
  }
  close();
  const { kraftVersion, voters } = reader.header;
  return { kraftVersion, voters, records };
}

async function refusalOf(
  config: Readonly<Record<string, string>>,
  more: Partial<FormatNodeOptions> = {},
  files: MemoryFileSystem = new MemoryFileSystem(),
): Promise<string> {
  const before = files.exists("/data");
  try {
    await formatNode(optionsFor(files, config, more));
  } catch (error) {
    if (!(error instanceof KafkaError)) throw error;
    assertEquals(files.exists("/data"), before, "a refused format leaves no files");
    return `${error.name} ${error.message}`;
  }
  throw new Error("The node was formatted");
}

test("formatNode() begins a quorum of voters in the configuration by default", async () => {
  const files = new MemoryFileSystem();
  const formatted = await formatNode(optionsFor(files, { "log.dirs": "/data,/more" }));
  assert(isUuid(formatted.clusterId));
  assertEquals([...formatted.levels], [["metadata.version", 33], ["kraft.version", 0]]);
  assertEquals(formatted.metadataVersion, "4.4-IV2");
  for (const { path, directoryId, isKept } of formatted.directories) {
    assertEquals(isKept, false);
    const { clusterId } = formatted;
    assertEquals(formattedWith(files, path), { clusterId, nodeId: 1, directoryId });
  }
  assertEquals(formatted.directories.map(({ path }) => path), ["/data", "/more"]);
  assertEquals(await bootstrapOf(files), {
    kraftVersion: 0,
    voters: null,
    records: [{ name: "metadata.version", featureLevel: 33 }],
  });
  assertEquals(files.exists("/more/__cluster_metadata-0"), false);
});

test("formatNode() begins a dynamic quorum with the node alone, or with listed controllers", async () => {
  const alone = new MemoryFileSystem();
  const { directories: [directory] } = await formatNode(
    optionsFor(alone, DYNAMIC, { firstControllers: { kind: "standalone" } }),
  );
  const voter = (id: number, directoryId: string, port: number) => ({
    id,
    directoryId,
    endpoints: [{ name: "CONTROLLER", host: "127.0.0.1", port }],
    kraftVersions: { min: 0, max: 1 },
  });
  const { kraftVersion, voters } = await bootstrapOf(alone);
  assertEquals([kraftVersion, voters], [1, [voter(1, directory!.directoryId, 9093)]]);

  const text = `1@127.0.0.1:9093:${IDS[0]},2@127.0.0.1:9095:${IDS[1]}`;
  const listed = new MemoryFileSystem();
  const formatted = await formatNode(
    optionsFor(listed, { ...CONTROLLER, "log.dirs": "/other,/data", "metadata.log.dir": "/data" }, {
      firstControllers: { kind: "listed", text },
      clusterId: CLUSTER,
    }),
  );
  assertEquals(formatted.clusterId, CLUSTER);
  assertEquals(formatted.directories[0], { path: "/data", directoryId: IDS[0], isKept: false });
  assertNotEquals(formatted.directories[1]!.directoryId, IDS[0]);
  const bootstrap = await bootstrapOf(listed);
  assertEquals(bootstrap.voters, [voter(1, IDS[0], 9093), voter(2, IDS[1], 9095)]);
});

test("formatNode() formats controllers and brokers that join a cluster", async () => {
  const controller = new MemoryFileSystem();
  const joining = { firstControllers: { kind: "joining" }, clusterId: CLUSTER } as const;
  await formatNode(optionsFor(controller, CONTROLLER, joining));
  const { kraftVersion, voters } = await bootstrapOf(controller);
  assertEquals([kraftVersion, voters], [1, null]);
  const broker = new MemoryFileSystem();
  const { levels } = await formatNode(optionsFor(broker, BROKER, { clusterId: CLUSTER }));
  assertEquals(formattedWith(broker, "/data")?.nodeId, 7);
  assertEquals([broker.exists("/data/__cluster_metadata-0"), levels.size], [false, 0]);
});

test("formatNode() begins with the features of a release", async () => {
  const files = new MemoryFileSystem();
  const { metadataVersion } = await formatNode(optionsFor(files, {}, { releaseVersion: "4.3" }));
  assertEquals(metadataVersion, "4.3-IV0");
  const { records } = await bootstrapOf(files);
  assertEquals(records, [{ name: "metadata.version", featureLevel: 30 }]);
});

test("a node starts on a formatted directory, with its cluster id and features", async () => {
  const files = new MemoryFileSystem();
  const options = optionsFor(files, {}, { clusterId: CLUSTER, releaseVersion: "4.3" });
  await formatNode(options);
  const node = await Node.start({
    runtime: { ...hostRuntime(), files },
    directory: "/data",
    config: { listeners: "PLAINTEXT://127.0.0.1:0" },
    logger: silentLogger,
    parts: ALL_PARTS,
  });
  assertEquals(node.clusterId, CLUSTER);
  assertEquals(node.image.features.get("metadata.version"), 30);
  await node.shutdown();
});

test("formatNode() keeps formatted directories on request, of the same node and cluster only", async () => {
  const files = new MemoryFileSystem();
  const first = await formatNode(optionsFor(files, {}));
  assertStringIncludes(
    await refusalOf({}, {}, files),
    `it is formatted for node 1 of cluster "${first.clusterId}"; name another directory, or keep it`,
  );
  const both = { "log.dirs": "/data,/more" };
  const again = await formatNode(optionsFor(files, both, { formatted: "keep" }));
  assertEquals(again.clusterId, first.clusterId);
  assertEquals(again.directories.map(({ isKept }) => isKept), [true, false]);
  assertStringIncludes(
    await refusalOf({}, { formatted: "keep", clusterId: CLUSTER }, files),
    `and this is node 1 of cluster "${CLUSTER}"`,
  );
  assertStringIncludes(
    await refusalOf({ "node.id": "2" }, { formatted: "keep" }, files),
    "and this is node 2 of cluster",
  );
  assertStringIncludes(
    await refusalOf(
      { ...both, "metadata.log.dir": "/new" },
      { formatted: "keep" },
      files,
    ),
    "Cannot format /new: it is the metadata directory of a node whose directory /data is in use",
  );
});

const VOTERS = {
  "listeners": DYNAMIC.listeners,
  "controller.listener.names": "CONTROLLER",
  "controller.quorum.voters": "1@127.0.0.1:9093",
};

/** Configuration, options, what is refused. */
const REFUSED: readonly (readonly [
  Readonly<Record<string, string>>,
  Partial<FormatNodeOptions>,
  string,
])[] = [
  [{}, { clusterId: "a/b" }, 'Cannot format node 1: the cluster id cannot be "a/b"'],
  [{}, { firstControllers: { kind: "standalone" } }, "needs a listener for controllers"],
  [
    { ...DYNAMIC, listeners: "PLAINTEXT://127.0.0.1:0,CONTROLLER://:9093" },
    { firstControllers: { kind: "standalone" } },
    "other nodes cannot connect to CONTROLLER://:9093",
  ],
  [VOTERS, { firstControllers: { kind: "standalone" } }, "or leave out --standalone"],
  [VOTERS, { firstControllers: { kind: "joining" } }, "or leave out --no-initial-controllers"],
  [BROKER, { firstControllers: { kind: "standalone" } }, "makes it a broker only"],
  [BROKER, {}, "give the id of that cluster, --cluster-id"],
  [CONTROLLER, { firstControllers: { kind: "joining" } }, "give the id of that cluster"],
  [CONTROLLER, {}, "add --standalone, --initial-controllers or --no-initial-controllers"],
  [CONTROLLER, { firstControllers: { kind: "listed", text: "1@a:9" } }, '"1@a:9" is not a contr'],
  [
    CONTROLLER,
    { firstControllers: { kind: "listed", text: `1@a:1:${IDS[0]},2@a:1:${IDS[1]}` } },
    "two nodes have the address a:1",
  ],
  [
    CONTROLLER,
    { firstControllers: { kind: "listed", text: `1@a:1:${IDS[0]},2@a:2:${IDS[0]}` } },
    `two nodes have the directory id ${IDS[0]}`,
  ],
  [
    CONTROLLER,
    { firstControllers: { kind: "listed", text: `1@a:1:${IDS[0]}` } },
    "it is listed with port 1, and its listeners for controllers have port 9093",
  ],
  [{}, { releaseVersion: "3.9" }, 'there is no release version "3.9", it can be 4.3-IV0,'],
  [{}, { levels: new Map([["kraft.version", 1]]) }, "kraft.version 1 is for a dynamic quorum"],
  [
    DYNAMIC,
    { firstControllers: { kind: "standalone" }, levels: new Map([["kraft.version", 0]]) },
    "kraft.version 0 is for voters in controller.quorum.voters",
  ],
  [
    {},
    { releaseVersion: "4.3", levels: new Map([["metadata.version", 33]]) },
    "release version 4.3 has metadata.version 30, not 33",
  ],
  [{}, { levels: new Map([["metadata.version", 99]]) }, "this version supports levels 30 to 33"],
  [{}, { levels: new Map([["no.version", 1]]) }, "the features are metadata.version, kraft."],
];

test("formatNode() rejects options that contradict each other, and writes nothing", async () => {
  for (const [config, more, reason] of REFUSED) {
    assertStringIncludes(await refusalOf(config, more), reason);
  }
});
