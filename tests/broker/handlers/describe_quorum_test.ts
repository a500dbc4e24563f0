import { assert, assertEquals } from "@std/assert";
import { errorName } from "../../../src/protocol/errors.ts";
import { describeQuorum } from "../../../src/protocol/messages/describe_quorum.ts";
import { ZERO_UUID } from "../../../src/protocol/uuid.ts";
import { test } from "../../harness.ts";
import { withBroker } from "../fixture.ts";
import { versionsOf } from "./group_requests.ts";

const METADATA_LOG = [{
  topicName: "__cluster_metadata",
  partitions: [{ partitionIndex: 0 }],
}];

test("DescribeQuorum returns this node as leader and only voter, in every version", () =>
  withBroker(async ({ client, broker, runtime, createTopic }) => {
    await createTopic({ name: "events" });
    const { offset } = broker.image;
    for (const version of versionsOf(describeQuorum)) {
      const beginMs = runtime.clock.now();
      const { errorCode, topics, nodes } = await client.request(describeQuorum, version, {
        topics: METADATA_LOG,
      });
      const { currentVoters, ...partition } = topics[0]!.partitions[0]!;
      assertEquals(errorName(errorCode), "NONE");
      assertEquals(partition, {
        partitionIndex: 0,
        errorCode: 0,
        errorMessage: version >= 2 ? null : "",
        leaderId: 1,
        leaderEpoch: 1,
        highWatermark: offset + 1,
        observers: [],
      });
      const [{ lastFetchTimestamp, lastCaughtUpTimestamp, ...voter }, ...others] =
        currentVoters as [(typeof currentVoters)[number]];
      assertEquals(others, []);
      assertEquals(voter, {
        replicaId: 1,
        // Voters have directory ids from kraft.version 1 on.
        replicaDirectoryId: ZERO_UUID,
        logEndOffset: offset + 1,
      });
      assertEquals(lastFetchTimestamp, lastCaughtUpTimestamp);
      if (version === 0) assertEquals(lastFetchTimestamp, -1);
      else assert(beginMs <= lastFetchTimestamp && lastFetchTimestamp <= runtime.clock.now());
      // The only controller has no listener of its own: it is reached through the broker's.
      const listeners = [{ name: "PLAINTEXT", ...broker.address }];
      assertEquals(nodes, version >= 2 ? [{ nodeId: 1, listeners }] : []);
    }
    await createTopic({ name: "chat" });
    const { topics } = await client.request(describeQuorum, 2, { topics: METADATA_LOG });
    assertEquals(topics[0]!.partitions[0]!.highWatermark, broker.image.offset + 1);
    assert(broker.image.offset > offset);
  }));

test("DescribeQuorum rejects all partitions other than that of the metadata log", () =>
  withBroker(async ({ client, createTopic }) => {
    await createTopic({ name: "events" });
    const partitions = (...indexes: number[]) =>
      indexes.map((partitionIndex) => ({ partitionIndex }));
    const cases = [
      [],
      [{ topicName: "events", partitions: partitions(0) }],
      [{ topicName: "__cluster_metadata", partitions: partitions(1) }],
      [{ topicName: "__cluster_metadata", partitions: partitions(0, 1) }],
      [{ topicName: "__cluster_metadata", partitions: [] }],
      [...METADATA_LOG, { topicName: "events", partitions: partitions(0) }],
    ];
    for (const asked of cases) {
      const { errorCode, topics, nodes } = await client.request(describeQuorum, 2, {
        topics: asked,
      });
      assertEquals([errorName(errorCode), nodes], ["NONE", []]);
      assertEquals(
        topics.map(({ topicName, partitions }) => ({
          topicName,
          partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex })),
        })),
        asked,
      );
      for (const { errorCode } of topics.flatMap(({ partitions }) => partitions)) {
        assertEquals(errorName(errorCode), "UNKNOWN_TOPIC_OR_PARTITION");
      }
    }
  }));
