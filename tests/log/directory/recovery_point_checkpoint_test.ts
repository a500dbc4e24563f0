import { assertEquals } from "@std/assert";
import { PendingWork } from "../../../src/log/pending_work.ts";
import {
  RECOVERY_POINTS,
  RecoveryPoints,
} from "../../../src/log/directory/recovery_point_checkpoint.ts";
import { atOnce } from "../../../src/protocol/records/compression/steps.ts";
import { readTextFile } from "../../../src/log/text_file.ts";
import type { FileSystem } from "../../../src/runtime/runtime.ts";
import { MemoryFileSystem } from "../../../src/runtime/memory_files.ts";
import { test } from "../../harness.ts";
import { Machine } from "../fixture.ts";

const PATH = `/data/${RECOVERY_POINTS}`;

function write(files: FileSystem, path: string, text: string): void {
  const file = files.open(path, "create");
  const bytes = new TextEncoder().encode(text);
  if (bytes.length > 0) file.writeAt(bytes, 0);
  file.close();
}

/**
 * Creates the recovery points of /data, whose log events-0 has segments at 0 and 500 and is not
 * open.
 */
function setUp(text: string | null) {
  const files = new MemoryFileSystem();
  files.makeDirectory("/data/events-0");
  for (const offset of [0, 500]) {
    write(files, `/data/events-0/${String(offset).padStart(20, "0")}.log`, "");
  }
  if (text !== null) write(files, PATH, text);
  const losses: string[] = [];
  const points = new RecoveryPoints({
    files,
    directory: "/data",
    logs: new Map(),
    wasShutDownCleanly: true,
    onLoss: (sentence) => void losses.push(sentence),
    pendingWork: new PendingWork(),
  });
  atOnce(points.read(new Set(["events-0"])));
  return { points, losses };
}

test("stored() is the written offset, 0 for a log without one, and undefined without a file", () => {
  assertEquals(setUp("0\n1\nevents 0 7\n").points.stored("events-0"), 7);
  assertEquals(setUp("0\n0\n").points.stored("events-0"), 0);
  assertEquals(setUp(null).points.stored("events-0"), undefined);
});

test("stored() is 0 if the file is empty, as after a power failure", () => {
  const { points, losses } = setUp("");
  assertEquals([points.stored("events-0"), points.wasMissing, losses], [0, false, []]);
});

test("markComplete() treats a rejected log as durable up to its last segment", async () => {
  const { points } = setUp(null);
  points.markComplete(["events-0"]);
  await points.save();
  assertEquals([points.stored("events-0"), points.wasMissing], [500, true]);
});

test("save() keeps the stored high watermark of a log whose high watermark is unknown", async () => {
  const machine = new Machine();
  const file = "/data/replication-offset-checkpoint";
  const text = () => readTextFile(machine.files, file);
  const log = machine.open();
  write(machine.files, file, "0\n1\nevents 0 7\n");
  let known: number | null = null;
  const points = new RecoveryPoints({
    files: machine.files,
    directory: "/data",
    logs: new Map([[log.name, log]]),
    wasShutDownCleanly: false,
    onLoss: () => {},
    pendingWork: new PendingWork(),
    highWatermarkOf: () => known,
  });
  atOnce(points.read(new Set([log.name])));
  points.markComplete([]);
  await points.save();
  assertEquals([points.storedHighWatermark(log.name), text()], [7, "0\n1\nevents 0 7\n"]);
  known = 9;
  await points.save();
  assertEquals([points.storedHighWatermark(log.name), text()], [9, "0\n1\nevents 0 9\n"]);
  assertEquals(points.storedHighWatermark("other-0"), -1);
});
