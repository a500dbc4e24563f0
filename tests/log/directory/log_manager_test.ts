import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { LogManager, type LogManagerOptions } from "../../../src/log/directory/log_manager.ts";
import { DEFAULT_LOG_CONFIG } from "../../../src/log/log_config.ts";
import type { PartitionLog } from "../../../src/log/partition_log.ts";
import { KafkaError } from "../../../src/protocol/errors.ts";
import { METADATA_TOPIC_ID } from "../../../src/protocol/uuid.ts";
import { FileError } from "../../../src/runtime/runtime.ts";
import { allBatches, batchOf, FailingFiles, Machine, refusal } from "../fixture.ts";
import { test } from "../../harness.ts";

const TOPIC_ID = "4aKkGA0ISBCOdhh3DvpjpQ";
const METADATA = "__cluster_metadata";
const config = { ...DEFAULT_LOG_CONFIG, segmentBytes: 200 };
const client = { leaderEpoch: 0, origin: "client" } as const;

async function open(
  machine: Machine,
  more: Partial<LogManagerOptions> = {},
): Promise<LogManager> {
  const logs = await LogManager.open({
    runtime: machine.runtime,
    directories: ["/a", "/b", "/c"],
    metadataTopic: METADATA,
    nodeId: 1,
    ...more,
  });
  logs.openMetadataLog(METADATA_TOPIC_ID, config);
  for (const directory of logs.directories) directory.openAll(() => config);
  return logs;
}

/** Creates partitions 0 to `count` - 1 of the topic `events`. */
function create(logs: LogManager, count: number): PartitionLog[] {
  return Array.from({ length: count }, (_, i) => logs.create("events", i, TOPIC_ID, config));
}

function put(machine: Machine, path: string, text: string): void {
  const file = machine.memory.open(path, "create");
  file.truncate(0);
  file.writeAt(new TextEncoder().encode(text), 0);
  file.close();
}

async function refused(machine: Machine, more: Partial<LogManagerOptions> = {}) {
  const error = await assertRejects(() => open(machine, more), KafkaError);
  assertEquals(error.message.split("\n").length, 1);
  // Every lock was released.
  for (const directory of ["/a", "/b", "/c"]) {
    if (machine.memory.exists(directory)) machine.memory.tryLock(`${directory}/.lock`)!.release();
  }
  return error.message;
}

test("LogManager creates partitions in the directory with the fewest, and finds them again", async () => {
  const machine = new Machine();
  const logs = await open(machine);
  const places = create(logs, 5).map(({ directory }) => directory);
  assertEquals(places, [
    "/a/events-0",
    "/b/events-1",
    "/c/events-2",
    "/a/events-3",
    "/b/events-4",
  ]);
  for (const log of logs.logs()) if (log.topic === "events") log.append(batchOf(2), client);
  logs.holderOf("events", 1)!.delete("events", 1);
  logs.holderOf("events", 4)!.delete("events", 4);
  assertEquals(create(logs, 2).map(({ directory }) => directory), ["/a/events-0", "/b/events-1"]);
  assertEquals(logs.get("events", 4), undefined);
  assertEquals(logs.holderOf("events", 2), logs.directories[2]);
  await logs.close();

  // The order of the directories only matters for the metadata log.
  const again = await open(machine, { directories: ["/a", "/c", "/b"] });
  assertEquals(again.get("events", 3)!.directory, "/a/events-3");
  assertEquals(again.get("events", 2)!.logEndOffset, 2);
  assertEquals(again.get("events", 1)!.logEndOffset, 0);
  await again.close();
});

test("LogManager has a previous broker epoch only if all directories agree", async () => {
  const machine = new Machine();
  const restart = async (epoch: number) => {
    const logs = await open(machine);
    const { previousBrokerEpoch } = logs;
    logs.brokerEpoch = epoch;
    await logs.close();
    return previousBrokerEpoch;
  };
  assertEquals(await restart(41), -1);
  assertEquals(await restart(42), 41);
  put(machine, "/b/.kafka_cleanshutdown", `{"version":0,"brokerEpoch":41}`);
  assertEquals(await restart(43), -1);
  machine.memory.remove("/c/.kafka_cleanshutdown");
  assertEquals(await restart(44), -1);
  assertEquals(await restart(45), 44);
});

test("LogManager gives every directory its own id in one cluster", async () => {
  const machine = new Machine();
  const logs = await open(machine);
  const ids = logs.directories.map(({ directoryId }) => directoryId);
  assertEquals(new Set(ids).size, 3);
  assertEquals(logs.onlineIds, ids.toSorted());
  assertEquals(new Set(logs.directories.map(({ clusterId }) => clusterId)).size, 1);
  await logs.close();
  for (const directory of ["/a", "/b", "/c"]) {
    for (const name of ["meta.properties", "log-start-offset-checkpoint", ".kafka_cleanshutdown"]) {
      assert(machine.files.exists(`${directory}/${name}`), `${directory}/${name}`);
    }
  }
  // A new directory joins the cluster of the others.
  const more = await open(machine, {
    directories: ["/d", "/a", "/b", "/c"],
    metadataDirectory: "/a",
  });
  assertEquals(more.directories.map(({ clusterId }) => clusterId), Array(4).fill(logs.clusterId));
  assertEquals(create(more, 1)[0]!.directory, "/d/events-0");
  await more.close();
});

test("LogManager rejects directories that do not belong together, and says what to do", async () => {
  const machine = new Machine();
  const logs = await open(machine);
  create(logs, 2);
  await logs.close();

  assertStringIncludes(await refused(machine, { directories: ["/a", "/b", "/a/"] }), "/a twice");
  assertStringIncludes(
    await refused(machine, { metadataDirectory: "/elsewhere" }),
    "metadata.log.dir must be one of the data directories, /a, /b, /c",
  );
  assertStringIncludes(
    await refused(machine, { directories: ["/b", "/a"] }),
    "it lies in /a; name that one first, or as metadata.log.dir",
  );
  machine.files.makeDirectory("/b/events-0");
  assertStringIncludes(
    await refused(machine),
    "/a and /b together: both hold events-0; move the one that is not wanted away",
  );
  machine.files.remove("/b/events-0");
  put(
    machine,
    "/c/meta.properties",
    `node.id=1\nversion=1\ncluster.id=other\ndirectory.id=${TOPIC_ID}\n`,
  );
  assertStringIncludes(await refused(machine), '/c: it belongs to cluster "other"');
  machine.files.remove("/c/meta.properties");
  machine.files.remove(`/a/${METADATA}-0`);
  assertStringIncludes(await refused(machine), "/a has no metadata log __cluster_metadata-0");
  // Other nodes have it.
  const broker = await open(machine, { fetchesMetadata: true });
  assertEquals(broker.get("events", 0)!.directory, "/a/events-0");
  await broker.close();
});

test("LogManager continues with the other directories when one fails", async () => {
  for (const operation of ["write", "sync", "open"] as const) {
    const machine = new Machine();
    const files = new FailingFiles(machine.memory);
    machine.files = files;
    files.reason = "io";
    const told: [string, boolean][] = [];
    const logs = await open(machine, {
      onFailure: ({ message }, isFatal) => told.push([message, isFatal]),
    });
    const [, second, third] = create(logs, 3) as [PartitionLog, PartitionLog, PartitionLog];
    second.append(batchOf(2), client);
    files.failsAt = "/b/";
    files.failing.add(operation);
    if (operation === "sync") await assertRejects(() => second.flush(), KafkaError);
    // The open one fails at the roll, which creates a file.
    else refusal(() => second.append(batchOf(3), client));
    await Promise.resolve();
    assertEquals(told.length, 1);
    assertStringIncludes(
      told[0]![0],
      "The data directory /b is out of service until the next start",
    );
    assertEquals(told[0]![1], false);
    files.failing.clear();

    // Nothing is written there any more, although the disk would accept it.
    assertEquals(refusal(() => second.append(batchOf(2), client)).name, "KAFKA_STORAGE_ERROR");
    await assertRejects(() => second.flush(), KafkaError);
    assertEquals(refusal(() => second.deleteRecordsBefore(2)).name, "KAFKA_STORAGE_ERROR");
    // Its records can still be read.
    assertEquals(allBatches(second).length, 1);
    // Other directories continue to work, and get new partitions.
    third.append(batchOf(2), client);
    await logs.each((directory) => directory.flush());
    assertEquals(logs.create("more", 0, TOPIC_ID, config).directory, "/a/more-0");
    assertEquals(logs.create("more", 1, TOPIC_ID, config).directory, "/c/more-1");
    assertEquals(logs.states().map(({ failure }) => failure === null), [true, false, true]);
    assertEquals([logs.onlineIds.length, logs.isDegraded, logs.fatalFailure], [2, true, null]);
    await logs.close();
    assertEquals(machine.files.exists("/b/.kafka_cleanshutdown"), false);
    assertEquals(machine.files.exists("/c/.kafka_cleanshutdown"), true);

    // Everything works after the next start.
    const again = await open(machine);
    assertEquals(again.isDegraded, false);
    assertEquals(again.get("events", 1)!.logEndOffset, 2);
    again.get("events", 1)!.append(batchOf(1), client);
    await again.close();
  }
});

test("LogManager does not let a full disk or a failed read take a directory out of service", async () => {
  const machine = new Machine();
  const files = new FailingFiles(machine.memory);
  machine.files = files;
  const logs = await open(machine, { directories: ["/a"] });
  const [log] = create(logs, 1) as [PartitionLog];
  log.append(batchOf(2), client);
  files.failing.add("write");
  assertEquals(refusal(() => log.append(batchOf(2), client)).name, "KAFKA_STORAGE_ERROR");
  files.failing.clear();
  assertEquals(log.append(batchOf(2), client).baseOffset, 2);
  files.reason = "io";
  files.failing.add("read");
  assertEquals(refusal(() => allBatches(log)).name, "KAFKA_STORAGE_ERROR");
  files.failing.clear();
  assertEquals([logs.isDegraded, allBatches(log).length], [false, 2]);
  // A sync that fails on a full disk still loses data.
  files.reason = "no-space";
  files.failing.add("sync");
  await assertRejects(() => log.flush(), KafkaError);
  assertStringIncludes(logs.fatalFailure!.message, "The data directory /a is out of service");
  await logs.close();
});

test("LogManager reports the failure of the metadata log's directory, and closes", async () => {
  const machine = new Machine();
  const files = new FailingFiles(machine.memory);
  machine.files = files;
  const told: boolean[] = [];
  const logs = await open(machine, { onFailure: (_, isFatal) => told.push(isFatal) });
  const [first, second] = create(logs, 2) as [PartitionLog, PartitionLog];
  second.append(batchOf(2), client);
  files.reason = "io";
  files.failsAt = "/a/events-0";
  files.failing.add("write");
  refusal(() => first.append(batchOf(2), client));
  await Promise.resolve();
  assertEquals(told, [true]);
  assert(logs.fatalFailure !== null);
  await logs.close();
  files.failing.clear();
  const again = await open(machine);
  assertEquals([again.get("events", 0)!.logEndOffset, again.get("events", 1)!.logEndOffset], [
    0,
    2,
  ]);
  await again.close();
});

test("LogManager starts without a directory whose disk fails, and does not create its logs elsewhere", async () => {
  const machine = new Machine();
  const first = await open(machine);
  const log = create(first, 3)[1]!;
  log.append(batchOf(2), client);
  const lostId = first.holderOf("events", 1)!.directoryId;
  await first.close();

  const files = new FailingFiles(machine.memory);
  files.tryLock = (path) => {
    if (!path.startsWith("/b")) return machine.memory.tryLock(path);
    throw new FileError(`Cannot open ${path}: the disk reports an error, check it`, "io");
  };
  machine.files = files;
  const logs = await open(machine);
  const [, lost] = logs.states();
  assertEquals([lost!.directory, lost!.path], [null, "/b"]);
  assertStringIncludes(lost!.failure!.message, "the disk reports an error");
  const place = (directoryId: string) => () =>
    logs.create("events", 1, TOPIC_ID, config, { directoryId, isNew: false });
  for (const id of [lostId, METADATA_TOPIC_ID]) {
    const { name, message } = refusal(place(id));
    assertEquals(name, "KAFKA_STORAGE_ERROR");
    assertStringIncludes(message, "Cannot open events-1: it may lie in /b");
  }
  assertEquals(logs.get("events", 1), undefined);
  assertEquals(logs.create("new", 0, TOPIC_ID, config).directory, "/a/new-0");
  await logs.close();

  machine.files = machine.memory;
  const fewer = await open(machine, { directories: ["/a", "/c"] });
  const { message } = refusal(() =>
    fewer.create("events", 1, TOPIC_ID, config, { directoryId: lostId, isNew: false })
  );
  assertStringIncludes(
    message,
    `with the id ${lostId}, which is not among /a, /c; name that one too`,
  );
  await fewer.close();
  const again = await open(machine);
  assertEquals(again.get("events", 1)!.logEndOffset, 2);
  await again.close();
});
