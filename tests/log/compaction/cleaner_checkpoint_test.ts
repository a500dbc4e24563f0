import { assertEquals } from "@std/assert";
import {
  CLEANER_OFFSETS,
  CleanerCheckpoint,
} from "../../../src/log/compaction/cleaner_checkpoint.ts";
import { DEFAULT_LOG_CONFIG } from "../../../src/log/log_config.ts";
import { DataDirectory } from "../../../src/log/directory/data_directory.ts";
import { test } from "../../harness.ts";
import { Machine } from "../fixture.ts";

function textOf(machine: Machine): string {
  const file = machine.files.open(`/data/${CLEANER_OFFSETS}`, "read");
  const bytes = new Uint8Array(file.size());
  file.readAt(bytes, 0);
  file.close();
  return new TextDecoder().decode(bytes);
}

function checkpoint(machine: Machine, losses: string[] = []): CleanerCheckpoint {
  const opened = new CleanerCheckpoint(machine.files, "/data");
  opened.read(new Set(["events-0", "a-topic-3"]), (sentence) => losses.push(sentence));
  return opened;
}

test("the checkpoint has Apache Kafka's format and can be read back", () => {
  const machine = new Machine();
  machine.files.makeDirectory("/data");
  const first = checkpoint(machine);
  assertEquals(first.get("events-0"), 0);
  first.set("events-0", 17);
  first.set("a-topic-3", 5);
  assertEquals(textOf(machine), "0\n2\nevents 0 17\na-topic 3 5\n");
  const second = checkpoint(machine);
  assertEquals([second.get("events-0"), second.get("a-topic-3")], [17, 5]);
  second.remove("events-0");
  assertEquals(textOf(machine), "0\n1\na-topic 3 5\n");
});

test("read() removes the logs that are not in the directory", () => {
  const machine = new Machine();
  machine.files.makeDirectory("/data");
  machine.write(`../${CLEANER_OFFSETS}`, "0\n2\nevents 0 17\ngone 0 5\n");
  const opened = checkpoint(machine);
  assertEquals([opened.get("events-0"), opened.get("gone-0")], [17, 0]);
  assertEquals(textOf(machine), "0\n1\nevents 0 17\n");
});

test("an unreadable checkpoint makes compaction start over, without loss of records", () => {
  const machine = new Machine();
  machine.files.makeDirectory("/data");
  for (const text of ["7\n0\n", "0\n2\nevents 0 17\n", "0\n1\nevents 0 x\n", "\u0001\u0002"]) {
    machine.write(`../${CLEANER_OFFSETS}`, text);
    const losses: string[] = [];
    assertEquals(checkpoint(machine, losses).get("events-0"), 0);
    assertEquals(losses.length, 1, text);
    assertEquals(losses[0]?.includes("compacted from their beginning"), true, losses[0]);
  }
});

test("a log created under the name of a deleted one counts as not compacted", async () => {
  const machine = new Machine();
  const open = () =>
    DataDirectory.open({ runtime: machine.runtime, directory: "/data", nodeId: 1, clusterId: "c" });
  const manager = open();
  const config = { ...DEFAULT_LOG_CONFIG, compact: true };
  manager.create("events", 0, null, config).compaction.markCleaned(12);
  manager.create("other", 0, null, config).compaction.markCleaned(3);
  await manager.close();
  const again = open();
  again.openAll(() => config);
  assertEquals(again.get("events", 0)?.compaction.cleanedOffset, 12);
  again.delete("events", 0);
  assertEquals(again.create("events", 0, null, config).compaction.cleanedOffset, 0);
  assertEquals(again.get("other", 0)?.compaction.cleanedOffset, 3);
  await again.close();
});
