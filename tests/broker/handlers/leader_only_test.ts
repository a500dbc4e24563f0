/**
 * The requests that only the leader of a partition may answer, on a node that has another role.
 */
import { assertEquals } from "@std/assert";
import { deleteRecordsHandler } from "../../../src/broker/handlers/delete_records.ts";
import { describeProducersHandler } from "../../../src/broker/handlers/describe_producers.ts";
import { fetchHandler } from "../../../src/broker/handlers/fetch.ts";
import { listOffsetsHandler } from "../../../src/broker/handlers/list_offsets.ts";
import { offsetForLeaderEpochHandler } from "../../../src/broker/handlers/offset_for_leader_epoch.ts";
import { produceHandler } from "../../../src/broker/handlers/produce.ts";
import { ErrorCode, errorName, KafkaError } from "../../../src/protocol/errors.ts";
import { deleteRecords } from "../../../src/protocol/messages/delete_records.ts";
import { describeProducers } from "../../../src/protocol/messages/describe_producers.ts";
import { fetch } from "../../../src/protocol/messages/fetch.ts";
import { listOffsets } from "../../../src/protocol/messages/list_offsets.ts";
import { offsetForLeaderEpoch } from "../../../src/protocol/messages/offset_for_leader_epoch.ts";
import { produce } from "../../../src/protocol/messages/produce.ts";
import type { Partition } from "../../../src/replication/partition.ts";
import { test } from "../../harness.ts";
import { DirectBroker } from "../direct_broker.ts";
import { batchOf } from "../fixture.ts";

const TIMESTAMPS = { latest: -1, earliest: -2, newest: -3, byTime: 1_000_000 };

/** Asks for partition 0 of "events" and returns its error code. */
const REQUESTS: Record<string, (broker: DirectBroker) => Promise<number>> = {
  ...Object.fromEntries([1, -1].map((acks) => [
    `Produce with acks ${acks}`,
    async (broker: DirectBroker) => {
      const { responses } = await broker.ask(produce, produceHandler, 9, {
        acks,
        timeoutMs: 1_000,
        topicData: [{ name: "events", partitionData: [{ index: 0, records: batchOf(["a"]) }] }],
      });
      return responses[0]!.partitionResponses[0]!.errorCode;
    },
  ])),
  ...Object.fromEntries([-1, 2].map((replicaId) => [
    `Fetch of replica ${replicaId}`,
    async (broker: DirectBroker) => {
      const { responses } = await broker.ask(fetch, fetchHandler, 12, {
        replicaId,
        maxWaitMs: 10_000,
        minBytes: 1,
        topics: [{
          topic: "events",
          partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1_000 }],
        }],
      });
      return responses[0]!.partitions[0]!.errorCode;
    },
  ])),
  ...Object.fromEntries(
    Object.entries(TIMESTAMPS).map(([name, timestamp]) => [
      `ListOffsets, ${name}`,
      async (broker: DirectBroker) => {
        const { topics } = await broker.ask(listOffsets, listOffsetsHandler, 7, {
          replicaId: -1,
          isolationLevel: 0,
          topics: [{ name: "events", partitions: [{ partitionIndex: 0, timestamp }] }],
        });
        return topics[0]!.partitions[0]!.errorCode;
      },
    ]),
  ),
  "OffsetForLeaderEpoch": async (broker) => {
    const { topics } = await broker.ask(offsetForLeaderEpoch, offsetForLeaderEpochHandler, 4, {
      replicaId: -1,
      topics: [{ topic: "events", partitions: [{ partition: 0, leaderEpoch: 0 }] }],
    });
    return topics[0]!.partitions[0]!.errorCode;
  },
  "DeleteRecords": async (broker) => {
    const { topics } = await broker.ask(deleteRecords, deleteRecordsHandler, 2, {
      timeoutMs: 1_000,
      topics: [{ name: "events", partitions: [{ partitionIndex: 0, offset: 0 }] }],
    });
    return topics[0]!.partitions[0]!.errorCode;
  },
  "DescribeProducers": async (broker) => {
    const { topics } = await broker.ask(describeProducers, describeProducersHandler, 0, {
      topics: [{ name: "events", partitionIndexes: [0] }],
    });
    return topics[0]!.partitions[0]!.errorCode;
  },
};

const ROLES: Record<string, (partition: Partition) => void> = {
  NONE: () => {},
  NOT_LEADER_OR_FOLLOWER: (partition) => partition.becomeFollower({ leaderEpoch: 1, leader: 2 }),
  KAFKA_STORAGE_ERROR: (partition) =>
    partition.becomeOffline(new KafkaError(ErrorCode.KAFKA_STORAGE_ERROR, "the disk is gone")),
};

for (const [what, ask] of Object.entries(REQUESTS)) {
  test(`${what} is answered by the leader of a partition only`, async () => {
    for (const [expected, change] of Object.entries(ROLES)) {
      const broker = new DirectBroker();
      const partition = broker.add({}, { replicas: [1, 2] });
      partition.log.append(batchOf(["a"]), { leaderEpoch: 0, origin: "client" });
      partition.becomeLeader({ leaderEpoch: 0, replicas: [1, 2], isr: [1] });
      change(partition);
      assertEquals(errorName(await ask(broker)), expected);
    }
  });
}

test("a partition without a known leader is not served", async () => {
  const broker = new DirectBroker();
  broker.addFollower();
  for (const [what, ask] of Object.entries(REQUESTS)) {
    assertEquals(errorName(await ask(broker)), "NOT_LEADER_OR_FOLLOWER", what);
  }
});
