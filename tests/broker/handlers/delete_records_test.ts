import { assertEquals } from "@std/assert";
import { deleteRecords } from "../../../src/protocol/messages/delete_records.ts";
import { fetch } from "../../../src/protocol/messages/fetch.ts";
import { test } from "../../harness.ts";
import { batchOf, produceTo, withBroker } from "../fixture.ts";

test("DeleteRecords moves the log's beginning in every version, never back", () =>
  withBroker(async ({ client, createTopic }) => {
    await createTopic({ name: "events" });
    await produceTo(client, "events", 0, batchOf(["a", "b", "c", "d"]));
    const remove = async (version: number, offset: number, partitionIndex = 0) => {
      const { topics } = await client.request(deleteRecords, version, {
        timeoutMs: 1_000,
        topics: [{ name: "events", partitions: [{ partitionIndex, offset }] }],
      });
      const { errorCode, lowWatermark } = topics[0]!.partitions[0]!;
      return [errorCode, lowWatermark];
    };
    assertEquals(await remove(0, 1), [0, 1]);
    assertEquals(await remove(1, 3), [0, 3]);
    assertEquals(await remove(2, 2), [0, 3]);
    assertEquals(await remove(2, 5), [1, -1]);
    assertEquals(await remove(2, -2), [1, -1]);
    assertEquals(await remove(2, 0, 9), [3, -1]);
    const read = async (fetchOffset: number) => {
      const { responses } = await client.request(fetch, 11, {
        maxWaitMs: 0,
        minBytes: 1,
        topics: [{
          topic: "events",
          partitions: [{ partition: 0, fetchOffset, partitionMaxBytes: 1_000 }],
        }],
      });
      const { errorCode, logStartOffset } = responses[0]!.partitions[0]!;
      return [errorCode, logStartOffset];
    };
    assertEquals(await read(2), [1, -1]);
    assertEquals(await read(3), [0, 3]);
    assertEquals(await remove(2, -1), [0, 4]);
  }));
