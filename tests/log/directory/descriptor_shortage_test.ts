import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { DEFAULT_LOG_CONFIG, type LogConfig } from "../../../src/log/log_config.ts";
import { LogManager } from "../../../src/log/directory/log_manager.ts";
import { DataDirectory } from "../../../src/log/directory/data_directory.ts";
import type { DataDirectoryOptions } from "../../../src/log/directory/data_directory_options.ts";
import { OpenSegments } from "../../../src/log/segments/open_segments.ts";
import type { PartitionLog } from "../../../src/log/partition_log.ts";
import { KafkaError } from "../../../src/protocol/errors.ts";
import { turnOfLoop } from "../../../src/runtime/host_clock.ts";
import { fileErrorOfCode } from "../../../src/runtime/errors.ts";
import type { FileHandle, FileSystem, OpenMode } from "../../../src/runtime/runtime.ts";
import { test } from "../../harness.ts";
import { FilesOver } from "../files_over.ts";
import { abortMarker, allBatches, batchOf, Machine, refusal } from "../fixture.ts";

const client = { leaderEpoch: 0, origin: "client" } as const;
const TOPIC_ID = "vwnYOrl8QJKJOWqndPArhA";
const config: LogConfig = { ...DEFAULT_LOG_CONFIG, segmentBytes: 300, indexIntervalBytes: 50 };
const SHORTAGE = "ulimit -n";

function manage(machine: Machine, more: Partial<DataDirectoryOptions> = {}): DataDirectory {
  return DataDirectory.open({
    runtime: machine.runtime,
    directory: "/data",
    nodeId: 1,
    configOf: () => config,
    ...more,
  });
}

/** Creates `count` logs in the directory. */
function logsOf(manager: DataDirectory, count: number): PartitionLog[] {
  return Array.from({ length: count }, (_, i) => manager.create("events", i, TOPIC_ID, config));
}

/** Opens files until the limit is reached, like other parts of a process. */
function takeAll(machine: Machine): FileHandle[] {
  const taken: FileHandle[] = [];
  for (;;) {
    try {
      taken.push(machine.memory.open("/elsewhere", "create"));
    } catch {
      return taken;
    }
  }
}

test("many logs take, roll, flush and return records under a limit on open files", async () => {
  const machine = new Machine();
  machine.memory.maxOpenFiles = 40;
  const openSegments = new OpenSegments();
  const manager = manage(machine, { openSegments });
  const logs = logsOf(manager, 100);
  for (let i = 0; i < 10; i++) {
    for (const log of logs) log.append(batchOf(2), client);
    // The syncs started by rolls keep files open until they end.
    await turnOfLoop();
  }
  assert(openSegments.openFiles <= 40 && openSegments.maxFiles < 40);
  for (const log of logs) assert(log.segmentCount > 2);
  await manager.flush();
  for (const log of logs) {
    assertEquals(allBatches(log, 1).length, 10);
    assertEquals([log.recoveryPoint, log.failure], [20, null]);
  }
  await manager.checkpoint();
  await manager.close();
  assert(machine.files.exists("/data/.kafka_cleanshutdown"));
  const again = manage(machine);
  assertEquals([again.wasShutDownCleanly, again.failures.size], [true, 0]);
  for (const log of again.logs()) assertEquals(allBatches(log, 1).length, 10);
  await again.close();
});

test("a log that lacked a descriptor for an append or a roll accepts the same records later", async () => {
  for (const records of [1, 5]) {
    const machine = new Machine();
    const openSegments = new OpenSegments();
    const manager = manage(machine, { openSegments });
    const [log] = logsOf(manager, 1);
    for (let i = 0; i < records; i++) log!.append(batchOf(2), client);
    while (openSegments.makeRoom());
    machine.memory.maxOpenFiles = 3;
    const taken = takeAll(machine);
    for (let i = 0; i < 3; i++) {
      const error = refusal(() => log!.append(batchOf(2), client));
      assertStringIncludes(error.message, SHORTAGE);
      assertStringIncludes(refusal(() => allBatches(log!)).message, SHORTAGE);
      assertEquals([log!.logEndOffset, log!.failure], [records * 2, null]);
    }
    for (const file of taken) file.close();
    for (let i = 0; i < 5; i++) log!.append(batchOf(2), client);
    assertEquals(allBatches(log!).length, records + 5);
    await manager.close();
    assert(machine.files.exists("/data/.kafka_cleanshutdown"));
  }
});

test("a flush without a descriptor takes neither the log nor its directory offline, and a later one covers its records", async () => {
  const machine = new Machine();
  const openSegments = new OpenSegments();
  const failures: KafkaError[] = [];
  const manager = manage(machine, {
    openSegments,
    onFailure: (failure) => void failures.push(failure),
  });
  const [log] = logsOf(manager, 1);
  await manager.flush();
  log!.append(batchOf(2), client);
  while (openSegments.makeRoom());
  machine.memory.maxOpenFiles = 3;
  const taken = takeAll(machine);
  const error = await assertRejects(() => log!.flush(), KafkaError, SHORTAGE);
  assertStringIncludes(error.message, "Cannot flush events-0");
  assertEquals([log!.failure, manager.failure, log!.recoveryPoint], [null, null, 0]);
  for (const file of taken) file.close();
  await log!.flush();
  assertEquals([log!.recoveryPoint, failures.length], [2, 0]);
  await manager.close();
});

test("a create() that failed without a descriptor is made durable by a later one", async () => {
  const machine = new Machine();
  const files = new WatchedSyncs(machine.memory);
  machine.files = files;
  const manager = manage(machine);
  await manager.flushDirectory();
  // Its directory is created before a file in it can be opened.
  machine.memory.maxOpenFiles = 0;
  const create = () => manager.create("events", 0, TOPIC_ID, config);
  for (let i = 0; i < 2; i++) assertStringIncludes(refusal(create).message, SHORTAGE);
  assertEquals(machine.memory.exists("/data/events-0"), true);
  machine.memory.maxOpenFiles = Infinity;
  const log = create();
  log.append(batchOf(2), client);
  files.synced.length = 0;
  await log.flush();
  assertEquals(files.synced, ["/data/events-0", "/data"]);
  await manager.close();
  assert(machine.memory.exists("/data/.kafka_cleanshutdown"));
});

test("a log that lacked a descriptor at the start is opened later, and the shutdown is clean", async () => {
  const machine = new Machine();
  const first = manage(machine);
  for (const log of logsOf(first, 3)) log.append(batchOf(2), client);
  await first.close();
  const next = machine.kill();
  const lackingOf1 = new RefusingFiles(next.memory, "/data/events-1/");
  next.files = lackingOf1;
  const manager = manage(next);
  assertEquals([...manager.failures.keys()], ["events-1"]);
  const create = () => manager.create("events", 1, TOPIC_ID, config);
  assertStringIncludes(refusal(create).message, SHORTAGE);
  assertEquals([...manager.failures.keys()], ["events-1"]);
  lackingOf1.refused = "nothing";
  assertEquals([allBatches(create()).length, manager.failures.size], [1, 0]);
  await manager.close();
  assert(next.memory.exists("/data/.kafka_cleanshutdown"));
});

test("close() waits for descriptors, and reports a limit that is too low", async () => {
  for (const becomesFree of [true, false]) {
    const machine = new Machine();
    const openSegments = new OpenSegments();
    let taken: FileHandle[] = [];
    const runtime = {
      ...machine.runtime,
      clock: {
        ...machine.runtime.clock,
        setTimer(_: number, callback: () => void) {
          if (becomesFree) { for (const file of taken) file.close(); }
          queueMicrotask(callback);
          return { cancel: () => {} };
        },
      },
    };
    const manager = manage(machine, { openSegments, runtime });
    const [log] = logsOf(manager, 1);
    await manager.flush();
    log!.append(batchOf(2), client);
    while (openSegments.makeRoom());
    machine.memory.maxOpenFiles = 3;
    taken = takeAll(machine);
    if (becomesFree) await manager.close();
    else {
      const error = await assertRejects(() => manager.close(), KafkaError, SHORTAGE);
      assert(!error.message.includes("make it readable"), error.message);
    }
    assertEquals(machine.memory.exists("/data/.kafka_cleanshutdown"), becomesFree);
    for (const file of taken) file.close();
    const again = manage(machine.kill());
    assertEquals([...again.logs()].map((one) => allBatches(one).length), [1]);
    await again.close();
  }
});

test("close() writes no clean shutdown marker if a log could not be flushed", async () => {
  const machine = new Machine();
  const files = new RefusingFiles(machine.memory, "nothing");
  machine.files = files;
  const clock = {
    ...machine.runtime.clock,
    setTimer(_: number, callback: () => void) {
      queueMicrotask(callback);
      return { cancel: () => {} };
    },
  };
  const openSegments = new OpenSegments();
  const manager = manage(machine, { openSegments, runtime: { ...machine.runtime, clock } });
  for (const log of logsOf(manager, 3)) log.append(batchOf(2), client);
  while (openSegments.makeRoom());
  files.refused = "/data/events-1/";
  await assertRejects(() => manager.close(), KafkaError, SHORTAGE);
  assertEquals(machine.memory.exists("/data/.kafka_cleanshutdown"), false);
  const again = manage(machine.kill());
  assertEquals([...again.logs()].map((log) => allBatches(log).length), [1, 1, 1]);
  await again.close();
});

test("one descriptor is enough for an abort marker and its entry in the transaction index", async () => {
  const machine = new Machine();
  const openSegments = new OpenSegments();
  const manager = manage(machine, { openSegments });
  const log = manager.create("events", 0, TOPIC_ID, { ...config, segmentBytes: 10_000 });
  const coordinator = { leaderEpoch: 0, origin: "coordinator" } as const;
  const transactional = { producerId: 7, producerEpoch: 0, baseSequence: 0, isTransactional: true };
  log.append(batchOf(1, transactional), coordinator);
  while (openSegments.makeRoom());
  machine.memory.maxOpenFiles = 3;
  const taken = takeAll(machine);
  taken.pop()!.close();
  log.append(abortMarker({ producerId: 7, producerEpoch: 0 }), coordinator);
  assertEquals(log.failure, null);
  for (const file of taken) file.close();
  assertEquals(log.abortedTransactions(0, 2).map(({ producerId }) => producerId), [7]);
  await manager.close();
});

test("OpenSegments closes half of the idle files without descriptors, and raises its limit again later", () => {
  const open = new OpenSegments(100);
  const segments = Array.from({ length: 60 }, (_, i) => new FakeSegment(open, i));
  for (const segment of segments) segment.open();
  for (let i = 50; i < 60; i++) segments[i]!.isBusy = true;
  assert(open.makeRoom());
  assertEquals([open.openFiles, open.maxFiles], [35, 35]);
  assertEquals(segments.filter((segment) => !segment.isOpen).map(({ lastUsed }) => lastUsed), [
    ...Array(25).keys(),
  ]);
  while (open.makeRoom());
  // Files in use stay open.
  assertEquals(segments.filter((segment) => segment.isOpen).length, 10);
  assertEquals(open.maxFiles, 10);
  for (const segment of segments) segment.isBusy = false;
  let openings = 0;
  for (; open.maxFiles < 100; openings++) {
    const segment = segments[openings % 60]!;
    segment.closeFile();
    segment.open();
    assert(open.openFiles <= open.maxFiles);
  }
  assert(openings > 500, `${openings} openings`);
});

test("all data directories of a node share one limit", async () => {
  const machine = new Machine();
  const logs = await LogManager.open({
    runtime: machine.runtime,
    nodeId: 1,
    directories: ["/one", "/two"],
    metadataTopic: "__cluster_metadata",
    openSegments: new OpenSegments(8),
  });
  logs.openMetadataLog(TOPIC_ID, config);
  for (let i = 0; i < 20; i++) {
    logs.create("events", i, TOPIC_ID, config).append(batchOf(2), client);
    assert(machine.memory.openFiles <= 8, `${machine.memory.openFiles} files`);
  }
  assert(logs.makeRoom());
  while (logs.makeRoom());
  assertEquals(machine.memory.openFiles, 0);
  for (const log of logs.logs()) {
    if (log.topic === "events") assertEquals(allBatches(log).length, 1);
  }
  await logs.close();
});

/** Records the directories that are synced. */
class WatchedSyncs extends FilesOver {
  readonly synced: string[] = [];

  open(path: string, mode: OpenMode): FileHandle {
    return this.files.open(path, mode);
  }

  override async syncDirectory(path: string): Promise<void> {
    await super.syncDirectory(path);
    this.synced.push(path);
  }
}

/** A file system without a descriptor for paths that contain `refused`. */
class RefusingFiles extends FilesOver {
  constructor(files: FileSystem, public refused: string) {
    super(files);
  }

  open(path: string, mode: OpenMode): FileHandle {
    if (path.includes(this.refused)) throw fileErrorOfCode("open", path, "EMFILE");
    return this.files.open(path, mode);
  }
}

class FakeSegment {
  isBusy = false;
  isOpen = false;
  constructor(readonly counted: OpenSegments, public lastUsed: number) {}
  open(): void {
    this.counted.beforeOpen();
    this.isOpen = true;
    this.counted.opened(this);
  }
  closeFile(): void {
    this.isOpen = false;
    this.counted.closed(this);
  }
  unloadIndex(): void {}
}
