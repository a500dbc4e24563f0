import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { DEFAULT_LOG_CONFIG, type LogConfig } from "../../../src/log/log_config.ts";
import { DataDirectory } from "../../../src/log/directory/data_directory.ts";
import type { DataDirectoryOptions } from "../../../src/log/directory/data_directory_options.ts";
import { KafkaError } from "../../../src/protocol/errors.ts";
import type { RecoveryReport } from "../../../src/log/opening/recovery_types.ts";
import { hostRuntime } from "../../../src/runtime/host.ts";
import { FileError } from "../../../src/runtime/runtime.ts";
import { allBatches, batchOf, FailingFiles, Machine, refusal } from "../fixture.ts";
import { test } from "../../harness.ts";

const TOPIC_ID = "vwnYOrl8QJKJOWqndPArhA";
const CLUSTER_ID = "MkU3OEVBNTcwNTJENDM2Qk";
const config: LogConfig = { ...DEFAULT_LOG_CONFIG, segmentBytes: 400, fileDeleteDelayMs: 0 };

function open(machine: Machine, more: Partial<DataDirectoryOptions> = {}): DataDirectory {
  return DataDirectory.open({
    runtime: machine.runtime,
    directory: "/data",
    nodeId: 1,
    configOf: () => config,
    ...more,
  });
}

function textOf(machine: Machine, path: string): string {
  const file = machine.files.open(path, "read");
  const bytes = new Uint8Array(file.size());
  file.readAt(bytes, 0);
  file.close();
  return new TextDecoder().decode(bytes);
}

function put(machine: Machine, path: string, text: string): void {
  const file = machine.files.open(path, "create");
  file.truncate(0);
  if (text !== "") file.writeAt(new TextEncoder().encode(text), 0);
  file.close();
}

test("DataDirectory creates a directory in Kafka's format and finds its logs again", async () => {
  const machine = new Machine();
  const manager = open(machine, { clusterId: CLUSTER_ID });
  for (const [topic, partition] of [["events", 0], ["events", 1], ["a-b.c_d-2", 10]] as const) {
    const log = manager.create(topic, partition, TOPIC_ID, config);
    assertEquals([log.topic, log.partition, log.topicId], [topic, partition, TOPIC_ID]);
    for (let i = 0; i <= partition; i++) {
      log.append(batchOf(2), { leaderEpoch: 0, origin: "client" });
    }
  }
  assertEquals(textOf(machine, "/data/meta.properties").split("\n").slice(1), [
    "node.id=1",
    `directory.id=${manager.directoryId}`,
    "version=1",
    `cluster.id=${CLUSTER_ID}`,
    "",
  ]);
  await manager.close();
  const again = open(machine);
  assertEquals([again.clusterId, again.wasShutDownCleanly], [CLUSTER_ID, true]);
  assertEquals(again.directoryId, manager.directoryId);
  assertEquals([...again.logs()].map((log) => log.name).sort(), [
    "a-b.c_d-2-10",
    "events-0",
    "events-1",
  ]);
  assertEquals(again.get("a-b.c_d-2", 10)!.logEndOffset, 22);
  assertEquals(again.get("events", 2), undefined);
  assertEquals([again.has("events", 1), again.has("events", 2)], [true, false]);
  assertEquals(again.create("events", 1, TOPIC_ID, config), again.get("events", 1)!);
  const other = refusal(() => again.create("events", 1, CLUSTER_ID, config));
  assertEquals(other.name, "INCONSISTENT_TOPIC_ID");
  await again.close();
});

test("DataDirectory distinguishes a clean shutdown from a kill", async () => {
  const machine = new Machine();
  const first = open(machine);
  assertEquals(first.wasShutDownCleanly, false);
  first.create("events", 0, TOPIC_ID, config).append(batchOf(2), {
    leaderEpoch: 0,
    origin: "client",
  });
  await first.close();
  assertEquals(textOf(machine, "/data/.kafka_cleanshutdown"), `{"version":0,"brokerEpoch":-1}`);
  const second = open(machine);
  assertEquals(second.wasShutDownCleanly, true);
  second.get("events", 0)!.append(batchOf(2), { leaderEpoch: 0, origin: "client" });
  const reports: RecoveryReport[] = [];
  const next = machine.kill();
  next.write("00000000000000000000.log", next.read("00000000000000000000.log").slice(0, -1));
  const third = open(next, { onRecovery: (report) => reports.push(report) });
  assertEquals(third.wasShutDownCleanly, false);
  assertEquals(reports.map((report) => report.name), ["events-0"]);
  await third.close();
});

test("DataDirectory keeps the broker epoch over a clean shutdown only", async () => {
  const machine = new Machine();
  const first = open(machine);
  assertEquals(first.identity.previousBrokerEpoch, -1);
  first.identity.brokerEpoch = 41;
  await first.close();
  assertEquals(textOf(machine, "/data/.kafka_cleanshutdown"), `{"version":0,"brokerEpoch":41}`);
  const second = open(machine);
  assertEquals(second.identity.previousBrokerEpoch, 41);
  second.identity.brokerEpoch = 42;
  const third = open(machine.kill());
  assertEquals(third.identity.previousBrokerEpoch, -1);
  await third.close();
});

test("DataDirectory reads the clean shutdown markers of every version of Apache Kafka", async () => {
  for (
    const [marker, epoch] of [
      ["", -1],
      [`{"version":0,"brokerEpoch":7}`, 7],
      [`{ "brokerEpoch" : 12 , "version" : 0 }\n`, 12],
      [`{"version":0}`, -1],
      [`{"version":0,"brokerEpoch":7`, -1],
      [`{"version":0,"brokerEpoch":"7"}`, -1],
    ] as const
  ) {
    const machine = new Machine();
    await open(machine).close();
    const file = machine.memory.open("/data/.kafka_cleanshutdown", "create");
    file.truncate(0);
    file.writeAt(new TextEncoder().encode(marker), 0);
    file.close();
    const { identity } = open(machine);
    assertEquals(
      [identity.previousBrokerEpoch, identity.wasShutDownCleanly],
      [epoch, true],
      marker,
    );
    identity.release();
  }
});

test("DataDirectory rejects a directory that another process has open", async () => {
  const machine = new Machine();
  const manager = open(machine);
  const { name, message } = refusal(() => open(machine));
  assertEquals(name, "KAFKA_STORAGE_ERROR");
  assertStringIncludes(message, "/data");
  assertStringIncludes(message, "stop that process");
  await manager.close();
  await open(machine).close();
});

test("DataDirectory rejects a directory of another node, cluster or version", () => {
  const good = { "node.id": "1", "directory.id": TOPIC_ID, version: "1", "cluster.id": CLUSTER_ID };
  const table: [Record<string, string>, string][] = [
    [{ "node.id": "2" }, "it belongs to node 2, this is node 1"],
    [{ "cluster.id": "other" }, `it belongs to cluster "other"`],
    [{ version: "2" }, `its version is "2"`],
    [{ version: "" }, `its version is ""`],
    [{ "node.id": "one" }, `node.id "one"`],
    [{ "node.id": "" }, "node.id is missing"],
    [{ "cluster.id": "" }, "cluster.id is missing"],
    [{ "directory.id": "short" }, `directory.id "short"`],
  ];
  for (const [change, words] of table) {
    const machine = new Machine();
    machine.files.makeDirectory("/data");
    const properties = Object.entries({ ...good, ...change }).filter(([, value]) => value !== "");
    put(
      machine,
      "/data/meta.properties",
      `#\n#a comment\n${properties.map(([key, value]) => `${key}=${value}`).join("\r\n")}`,
    );
    // A partition exists, so the file is not a first write torn by a power failure.
    machine.files.makeDirectory("/data/events-0");
    const { name, message } = refusal(() => open(machine, { clusterId: CLUSTER_ID }));
    assertEquals(name, "KAFKA_STORAGE_ERROR");
    assertStringIncludes(message, words);
    // The lock was released: the same error again, and no other.
    assertEquals(refusal(() => open(machine, { clusterId: CLUSTER_ID })).message, message);
  }
  const machine = new Machine();
  machine.files.makeDirectory("/data/events-0");
  assertStringIncludes(refusal(() => open(machine)).message, "no meta.properties");
});

test("DataDirectory does not mark a shutdown as clean if logs were not opened since a crash", async () => {
  const machine = new Machine();
  const manager = open(machine);
  const log = manager.create("events", 0, TOPIC_ID, config);
  log.append(batchOf(2), { leaderEpoch: 0, origin: "client" });
  const next = machine.kill();
  // A start that fails before the logs are opened, for example because a port is in use.
  await DataDirectory.open({ runtime: next.runtime, directory: "/data", nodeId: 1 }).close();
  assertEquals(next.files.exists("/data/.kafka_cleanshutdown"), false);
  await open(next).close();
  assertEquals(next.files.exists("/data/.kafka_cleanshutdown"), true);
});

test("DataDirectory starts over if a power failure tore its first write, and only then", () => {
  const whole = `#\nnode.id=1\ndirectory.id=${TOPIC_ID}\nversion=1\ncluster.id=`;
  for (let length = 0; length <= whole.length; length++) {
    const text = whole.slice(0, length);
    const machine = new Machine();
    machine.files.makeDirectory("/data");
    put(machine, "/data/meta.properties", text);
    assertEquals(open(machine, { clusterId: CLUSTER_ID }).clusterId, CLUSTER_ID);
    const other = new Machine();
    other.files.makeDirectory("/data/events-0");
    put(other, "/data/meta.properties", text);
    assertStringIncludes(refusal(() => open(other)).message, "meta.properties");
  }
});

test("DataDirectory starts without start offsets that a power failure tore", async () => {
  for (const isClean of [true, false]) {
    const machine = new Machine();
    const manager = open(machine);
    manager.create("events", 0, TOPIC_ID, config);
    await manager.close();
    if (!isClean) machine.files.remove("/data/.kafka_cleanshutdown");
    put(machine, "/data/log-start-offset-checkpoint", "0");
    const losses: string[] = [];
    const again = () => open(machine, { onLoss: (sentence) => losses.push(sentence) });
    if (isClean) {
      assertStringIncludes(refusal(again).message, "log-start-offset-checkpoint");
    } else {
      await again().close();
      assertStringIncludes(losses.join(), "log-start-offset-checkpoint");
    }
  }
});

test("DataDirectory keeps a damaged log closed and opens the others", async () => {
  const machine = new Machine();
  const manager = open(machine);
  for (const partition of [0, 1]) {
    const log = manager.create("events", partition, TOPIC_ID, config);
    for (let i = 0; i < 9; i++) log.append(batchOf(2), { leaderEpoch: 0, origin: "client" });
  }
  await manager.close();
  const whole = machine.read("00000000000000000000.log");
  machine.write("00000000000000000000.log", whole.slice(0, -1));
  const again = open(machine);
  assertEquals([...again.failures.keys()], ["events-0"]);
  assertStringIncludes(again.failures.get("events-0")!.message, "00000000000000000000.log");
  assertEquals(again.get("events", 0), undefined);
  assertEquals(again.get("events", 1)!.logEndOffset, 18);
  const refused = refusal(() => again.create("events", 0, TOPIC_ID, config));
  assertEquals(refused.name, "KAFKA_STORAGE_ERROR");
  await again.close();
  // No shutdown is clean while there is a log that was not opened.
  const third = open(machine);
  assertEquals(third.wasShutDownCleanly, false);
  third.delete("events", 0);
  assertEquals(third.failures.size, 0);
  assertEquals(third.create("events", 0, TOPIC_ID, config).logEndOffset, 0);
  await third.close();
});

test("DataDirectory.delete removes a log, even with a long name", async () => {
  const machine = new Machine();
  const manager = open(machine);
  const topic = "t".repeat(249);
  const log = manager.create(topic, 0, TOPIC_ID, config);
  log.append(batchOf(2), { leaderEpoch: 0, origin: "client" });
  log.deleteRecordsBefore(1);
  await log.logStartOffsetSaved();
  assertStringIncludes(textOf(machine, "/data/log-start-offset-checkpoint"), `${topic} 0 1\n`);
  manager.delete(topic, 0);
  manager.delete("unknown", 3);
  assertEquals(manager.get(topic, 0), undefined);
  assertEquals(machine.files.list("/data").filter((entry) => entry.isDirectory), []);
  assertEquals(
    refusal(() => log.append(batchOf(2), { leaderEpoch: 0, origin: "client" })).name,
    "KAFKA_STORAGE_ERROR",
  );
  assertEquals(manager.create(topic, 0, TOPIC_ID, config).logStartOffset, 0);
  await manager.close();
  assertEquals(textOf(machine, "/data/log-start-offset-checkpoint"), "0\n0\n");
});

test("DataDirectory.quarantine renames a log, so that its name can be used again", async () => {
  const machine = new Machine();
  const manager = open(machine);
  const log = manager.create("events", 0, TOPIC_ID, config);
  log.append(batchOf(4), { leaderEpoch: 0, origin: "client" });
  log.deleteRecordsBefore(3);
  const place = manager.quarantine("events", 0);
  assert(machine.files.exists(`/data/${place}/00000000000000000000.log`));
  assertEquals(manager.get("events", 0), undefined);
  const anew = manager.create("events", 0, "4aKkGA0ISBCOdhh3DvpjpA", config);
  assertEquals([anew.logStartOffset, anew.logEndOffset], [0, 0]);
  await manager.close();
  const again = open(machine);
  assertEquals([...again.logs()].map((found) => found.name), ["events-0"]);
  await again.close();
});

test("DataDirectory.create gives a log without topic id the given one", async () => {
  const machine = new Machine();
  const first = open(machine);
  first.create("events", 0, TOPIC_ID, config).append(batchOf(2), {
    leaderEpoch: 0,
    origin: "client",
  });
  await first.close();
  machine.files.remove("/data/events-0/partition.metadata");
  const manager = open(machine);
  const log = manager.create("events", 0, TOPIC_ID, config);
  assertEquals([log.topicId, log.logEndOffset], [TOPIC_ID, 2]);
  await manager.close();
  const again = open(machine);
  assertEquals(again.get("events", 0)!.topicId, TOPIC_ID);
  await again.close();
});

test("DataDirectory completes an interrupted deletion", async () => {
  const machine = new Machine();
  await open(machine).close();
  machine.files.makeDirectory(`/data/events-0.${"0a".repeat(16)}-delete`);
  machine.files.makeDirectory("/data/events-0-delete");
  const manager = open(machine);
  await manager.flushDirectory();
  const directories = machine.files.list("/data").filter((entry) => entry.isDirectory);
  assertEquals(directories.map((entry) => entry.name), ["events-0-delete"]);
  assertEquals([...manager.logs()], []);
  await manager.close();
});

test("log start offsets survive kill -9", async () => {
  const machine = new Machine();
  const manager = open(machine);
  const log = manager.create("events", 0, TOPIC_ID, config);
  for (let i = 0; i < 9; i++) log.append(batchOf(2), { leaderEpoch: 0, origin: "client" });
  log.deleteRecordsBefore(7);
  await log.logStartOffsetSaved();
  const next = machine.kill();
  const again = open(next).get("events", 0)!;
  assertEquals([again.logStartOffset, again.logEndOffset], [7, 18]);
  assertEquals(allBatches(again)[0]!.lastOffset, 7);
  const last = open(next.kill());
  last.get("events", 0)!.deleteRecordsBefore(8);
  last.get("events", 0)!.deleteRecordsBefore(18);
  assertEquals(last.get("events", 0)!.logStartOffset, 18);
  await last.close();
});

test("DataDirectory rejects a garbled log-start-offset-checkpoint", async () => {
  const machine = new Machine();
  await open(machine).close();
  put(machine, "/data/log-start-offset-checkpoint", "0\n1\nevents x 5\n");
  assertStringIncludes(refusal(() => open(machine)).message, "log-start-offset-checkpoint");
});

test("DataDirectory says in one sentence that a directory cannot be written", () => {
  const machine = new Machine();
  const files = new FailingFiles(machine.memory);
  machine.files = files;
  files.tryLock = () => {
    throw new FileError("Cannot open /data/.lock: permission denied", "permission");
  };
  const { name, message } = refusal(() => open(machine));
  assertEquals(name, "KAFKA_STORAGE_ERROR");
  assertStringIncludes(message, "Cannot use the data directory /data");
  assertStringIncludes(message, "permission denied");
  assertEquals(message.split("\n").length, 1);
});

test("DataDirectory.close rejects if the disk fails, and the next start recovers the log", async () => {
  const machine = new Machine();
  const files = new FailingFiles(machine.memory);
  machine.files = files;
  const manager = open(machine);
  manager.create("events", 0, TOPIC_ID, config).append(batchOf(2), {
    leaderEpoch: 0,
    origin: "client",
  });
  files.reason = "io";
  files.failsAt = ".log";
  files.failing.add("sync");
  const { message } = await assertRejects(() => manager.close(), KafkaError);
  assertStringIncludes(message, "The data directory /data is out of service until the next start");
  assertStringIncludes(message, "Cannot sync");
  files.failing.clear();
  const again = open(machine);
  assertEquals(again.wasShutDownCleanly, false);
  assertEquals(again.get("events", 0)!.logEndOffset, 2);
  await again.close();
});

test("DataDirectory.openAll opens the logs later, with the settings known by then", async () => {
  const machine = new Machine();
  const first = open(machine);
  first.create("events", 0, TOPIC_ID, config).append(batchOf(2), {
    leaderEpoch: 0,
    origin: "client",
  });
  await first.close();
  const manager = DataDirectory.open({ runtime: machine.runtime, directory: "/data", nodeId: 1 });
  assertEquals([...manager.logs()], []);
  const metadata = manager.create("__cluster_metadata", 0, null, DEFAULT_LOG_CONFIG);
  manager.openAll((topic) => {
    assertEquals(topic, "events");
    return { ...config, retentionMs: 5 };
  });
  assertEquals(manager.get("__cluster_metadata", 0), metadata);
  assertEquals(manager.get("events", 0)!.config.retentionMs, 5);
  await manager.close();
});

test("DataDirectory works on the host's real files, and its lock excludes others", async () => {
  const runtime = hostRuntime();
  const random = Array.from(runtime.random.fill(new Uint8Array(8))).join("");
  const directory = `.cache/log-manager-${random}`;
  try {
    const options = { runtime, directory, nodeId: 1, configOf: () => config };
    const manager = DataDirectory.open(options);
    const log = manager.create("events", 0, TOPIC_ID, config);
    for (let i = 0; i < 9; i++) {
      log.append(batchOf(2, { timestamp: runtime.clock.now() }), {
        leaderEpoch: 0,
        origin: "client",
      });
    }
    assert(log.segmentCount > 1);
    assertStringIncludes(refusal(() => DataDirectory.open(options)).message, directory);
    const before = allBatches(log);
    log.deleteRecordsBefore(4);
    await log.flush();
    await manager.close();
    const again = DataDirectory.open(options);
    assertEquals(allBatches(again.get("events", 0)!), before.slice(2));
    again.delete("events", 0);
    assertEquals(runtime.files.exists(`${directory}/events-0`), false);
    await again.close();
  } finally {
    runtime.files.remove(directory);
  }
});
