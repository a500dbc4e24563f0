import { assertEquals } from "@std/assert";
import { deleteRecordsHandler } from "../../../src/broker/handlers/delete_records.ts";
import { errorName } from "../../../src/protocol/errors.ts";
import { deleteRecords } from "../../../src/protocol/messages/delete_records.ts";
import { fetch } from "../../../src/protocol/messages/fetch.ts";
import { test } from "../../harness.ts";
import { ACKS_LEADER, DirectBroker, stateOf } from "../direct_broker.ts";
import { batchOf, produceTo, withBroker } from "../fixture.ts";

test("DeleteRecords raises the log start offset in every version, and never lowers it", () =>
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

test("DeleteRecords rejects offsets above the high watermark", async () => {
  const broker = new DirectBroker();
  const partition = broker.add({}, { replicas: [1, 2], isr: [1] });
  partition.append(batchOf(["a", "b"]), ACKS_LEADER);
  partition.becomeLeader(stateOf({ replicas: [1, 2], isr: [1, 2] }));
  partition.append(batchOf(["c", "d"]), ACKS_LEADER);
  assertEquals([partition.highWatermark, partition.log.logEndOffset], [2, 4]);
  const remove = async (offset: number) => {
    const { topics } = await broker.ask(deleteRecords, deleteRecordsHandler, 2, {
      timeoutMs: 1_000,
      topics: [{ name: "events", partitions: [{ partitionIndex: 0, offset }] }],
    });
    const { errorCode, lowWatermark } = topics[0]!.partitions[0]!;
    return [errorName(errorCode), lowWatermark];
  };
  // Records above the high watermark may still be lost, so they cannot be deleted.
  assertEquals(await remove(3), ["OFFSET_OUT_OF_RANGE", -1]);
  assertEquals(await remove(-1), ["NONE", 2]);
  assertEquals(partition.log.logStartOffset, 2);
});

test("DeleteRecords rejects a topic that is only compacted", () =>
  withBroker(async ({ client, createTopic }) => {
    for (const [name, policy] of [["kept", "compact"], ["both", "compact,delete"]] as const) {
      await createTopic({
        name,
        numPartitions: 1,
        configs: [{ name: "cleanup.policy", value: policy }],
      });
    }
    const { topics } = await client.request(deleteRecords, 2, {
      timeoutMs: 1_000,
      topics: ["kept", "both"].map((name) => ({
        name,
        partitions: [{ partitionIndex: 0, offset: 0 }],
      })),
    });
    assertEquals(
      topics.map(({ partitions }) => errorName(partitions[0]!.errorCode)),
      ["POLICY_VIOLATION", "NONE"],
    );
  }));
