import { PendingWork } from "../../../src/log/pending_work.ts";
import { assertEquals } from "@std/assert";
import type { PartitionLog } from "../../../src/log/partition_log.ts";
import {
  LOG_START_OFFSETS,
  StartOffsets,
} from "../../../src/log/directory/log_start_checkpoint.ts";
import { readTextFile } from "../../../src/log/text_file.ts";
import { Machine } from "../fixture.ts";
import { test } from "../../harness.ts";

test("save() writes the logs that do not start at 0, and removes one that was reset to 0", async () => {
  const { files } = new Machine();
  files.makeDirectory("/data");
  const [one, two] = [{ name: "one-0", logStartOffset: 0 }, { name: "two-3", logStartOffset: 9 }];
  const logs = new Map([one, two].map((log) => [log.name, log as unknown as PartitionLog]));
  const starts = new StartOffsets({
    files,
    directory: "/data",
    logs,
    wasShutDownCleanly: false,
    pendingWork: new PendingWork(),
    onLoss: () => {},
  });
  starts.read(new Set(logs.keys()));
  const saved = async () => {
    await starts.save();
    return readTextFile(files, `/data/${LOG_START_OFFSETS}`)!.split("\n").slice(2).filter(Boolean);
  };
  assertEquals(await saved(), ["two 3 9"]);
  one.logStartOffset = 4;
  assertEquals(await saved(), ["two 3 9", "one 0 4"]);
  // The log was emptied: a leader that starts at 0 again must not lose its records.
  two.logStartOffset = 0;
  assertEquals(await saved(), ["one 0 4"]);
});
