import { assert, assertEquals } from "@std/assert";
import { OpenSegments } from "../../../src/log/segments/open_segments.ts";
import { ByteWriter } from "../../../src/protocol/wire.ts";
import { allBatches, batchOf, bytesOf, Machine } from "../fixture.ts";
import { test } from "../../harness.ts";

const client = { leaderEpoch: 0, origin: "client" } as const;
const config = { segmentBytes: 300, indexIntervalBytes: 50, fileDeleteDelayMs: 1_000 };

test("open files and loaded indexes of many logs are bounded, and everything can still be read", async () => {
  const machine = new Machine();
  const openSegments = new OpenSegments(8, 2_000);
  const logs = Array.from(
    { length: 6 },
    (_, i) => machine.open(config, { directory: `/data/events-${i}`, partition: i, openSegments }),
  );
  for (let i = 0; i < 30; i++) for (const log of logs) log.append(batchOf(2), client);
  for (const log of logs) await log.flush();
  for (let round = 0; round < 2; round++) {
    for (const log of logs) {
      assertEquals(allBatches(log, 1).length, 30);
      assert(log.segmentCount > 8);
      assert(openSegments.openFiles <= 8, `${openSegments.openFiles} files`);
      assert(openSegments.loadedBytes <= 2_000, `${openSegments.loadedBytes} bytes`);
    }
  }
  for (const log of logs) log.close();
  assertEquals([openSegments.openFiles, openSegments.loadedBytes], [0, 0]);
});

test("the file of a deleted segment is kept while a response is being sent from it", () => {
  const machine = new Machine();
  const log = machine.open(config);
  for (let i = 0; i < 6; i++) log.append(batchOf(2), client);
  const count = machine.segments().length;
  const read = log.read({ fetchOffset: 0, maxBytes: 200, endOffset: 12, minOneBatch: true });
  const wanted = bytesOf(read);
  const answer = new ByteWriter();
  answer.external(read);
  log.deleteRecordsBefore(12);
  log.applyRetention(machine.nowMs + 100_000);
  // The others have been removed.
  assertEquals(machine.segments().length, 2);
  assertEquals(bytesOf(read), wanted);
  answer.reset();
  log.applyRetention(machine.nowMs + 100_000);
  assertEquals(machine.segments().length, 1);
  assert(count > 2);
  log.close();
});
