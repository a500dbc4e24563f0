import { assertEquals } from "@std/assert";
import { fetchHandler } from "../../../src/broker/handlers/fetch.ts";
import { fetch } from "../../../src/protocol/messages/fetch.ts";
import { test } from "../../harness.ts";
import { batchOf } from "../fixture.ts";
import { DirectBroker } from "../direct_broker.ts";

const NONE = -1;

/** Fetches as a reader at `fetchOffset` whose last record is of `lastFetchedEpoch`. */
async function read(broker: DirectBroker, fetchOffset: number, lastFetchedEpoch: number) {
  const { responses } = await broker.ask(fetch, fetchHandler, 12, {
    maxWaitMs: 0,
    minBytes: 1,
    topics: [{
      topic: "events",
      partitions: [{ partition: 0, fetchOffset, lastFetchedEpoch, partitionMaxBytes: 10_000 }],
    }],
  });
  const { divergingEpoch, records, errorCode } = responses[0]!.partitions[0]!;
  return [errorCode, divergingEpoch.epoch, divergingEpoch.endOffset, records!.length > 0];
}

test("Fetch names a diverging epoch only to readers beyond the end of their last epoch", async () => {
  const broker = new DirectBroker();
  const { log } = broker.add();
  // Epoch 0 has the offsets 0 and 1, epoch 2 those from 2 to 4.
  log.append(batchOf(["a", "b"]), { leaderEpoch: 0, origin: "client" });
  log.append(batchOf(["c", "d", "e"]), { leaderEpoch: 2, origin: "client" });
  const partition = broker.partitions.byName("events", 0);
  await partition.flush();
  assertEquals(partition.highWatermark, 5);
  const table: [[offset: number, epoch: number], (number | boolean)[]][] = [
    [[1, 0], [0, NONE, NONE, true]],
    // Exactly at the end of the epoch the histories still agree.
    [[2, 0], [0, NONE, NONE, true]],
    [[3, 0], [0, 0, 2, false]],
    [[5, 2], [0, NONE, NONE, false]],
    [[4, 2], [0, NONE, NONE, true]],
    // There are no records of epoch 1: it ended where epoch 0 did.
    [[2, 1], [0, 0, 2, false]],
  ];
  for (const [[offset, epoch], expected] of table) {
    assertEquals(await read(broker, offset, epoch), expected, `offset ${offset}, epoch ${epoch}`);
  }
});
