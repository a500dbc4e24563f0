/**
 * How many calls of the file system it takes to create and to open a log: those of thousands of logs
 * are most of the time of a start, and of a request that creates many topics.
 */
import { assertEquals } from "@std/assert";
import { DataDirectory } from "../../../src/log/directory/data_directory.ts";
import { DEFAULT_LOG_CONFIG } from "../../../src/log/log_config.ts";
import { test } from "../../harness.ts";
import { CountedFiles } from "../counted_files.ts";
import { Machine } from "../fixture.ts";

const TOPIC_ID = "vwnYOrl8QJKJOWqndPArhA";

function open(machine: Machine) {
  const counted = new CountedFiles(machine.files);
  const directory = DataDirectory.open({
    runtime: { ...machine.runtime, files: counted.files },
    directory: "/data",
    nodeId: 1,
  });
  counted.reset();
  return { counted, directory };
}

test("a new log of a partition that is led here takes nine calls of the file system", async () => {
  const { counted, directory } = open(new Machine());
  directory.create("events", 0, TOPIC_ID, DEFAULT_LOG_CONFIG).assignEpoch(0);
  assertEquals(counted.counts, { close: 3, makeDirectory: 1, open: 3, writeAt: 2 });
  await directory.close();
});

for (const isClean of [true, false]) {
  test(`an empty log is opened after ${isClean ? "a clean" : "an unclean"} end with few calls`, async () => {
    const machine = new Machine();
    const first = open(machine);
    for (let partition = 0; partition < 10; partition++) {
      first.directory.create("events", partition, TOPIC_ID, DEFAULT_LOG_CONFIG).assignEpoch(0);
    }
    await first.directory.flushDirectory();
    if (isClean) await first.directory.close();
    const { counted, directory } = open(machine.kill());
    directory.openAll(() => DEFAULT_LOG_CONFIG);
    assertEquals([...directory.logs()].length, 10);
    // Of each: its directory, partition.metadata, leader-epoch-checkpoint and the size of its segment.
    assertEquals(counted.counts, { close: 30, list: 10, open: 30, readAt: 20, size: 30 });
    await directory.close();
  });
}

test("openInSteps() takes the lock, lists the directory and reads each checkpoint in a step of its own", async () => {
  const machine = new Machine();
  const first = open(machine);
  first.directory.create("events", 0, TOPIC_ID, DEFAULT_LOG_CONFIG).assignEpoch(0);
  await first.directory.flushDirectory();
  await first.directory.checkpoint();
  await first.directory.close();
  const again = machine.kill();
  const counted = new CountedFiles(again.files);
  const steps = DataDirectory.openInSteps({
    runtime: { ...again.runtime, files: counted.files },
    directory: "/data",
    nodeId: 1,
  });
  const read: string[][] = [];
  for (let step = steps.next();; step = steps.next()) {
    const { tryLock = 0, list = 0, readAt = 0 } = counted.counts;
    read.push([
      ...Array<string>(tryLock).fill("lock"),
      ...Array<string>(list).fill("list"),
      ...Array<string>(readAt).fill("read"),
    ]);
    counted.reset();
    if (step.done !== true) continue;
    // meta.properties and the start offsets, the recovery points, the high watermarks; there are no
    // cleaner offsets.
    assertEquals(read, [["lock"], ["list"], ["read", "read"], ["read"], ["read"], []]);
    await step.value.close();
    return;
  }
});
