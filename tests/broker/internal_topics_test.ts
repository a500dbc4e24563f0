/**
 * Requests about Kafka's own topics. The expected answers were recorded from Apache Kafka 4.4.0.
 */
import { assertEquals } from "@std/assert";
import { errorName } from "../../src/protocol/errors.ts";
import { alterConfigs } from "../../src/protocol/messages/alter_configs.ts";
import { createPartitions } from "../../src/protocol/messages/create_partitions.ts";
import { createTopics } from "../../src/protocol/messages/create_topics.ts";
import { deleteRecords } from "../../src/protocol/messages/delete_records.ts";
import { deleteTopics } from "../../src/protocol/messages/delete_topics.ts";
import { describeProducers } from "../../src/protocol/messages/describe_producers.ts";
import { describeTopicPartitions } from "../../src/protocol/messages/describe_topic_partitions.ts";
import { electLeaders } from "../../src/protocol/messages/elect_leaders.ts";
import { incrementalAlterConfigs } from "../../src/protocol/messages/incremental_alter_configs.ts";
import { listOffsets } from "../../src/protocol/messages/list_offsets.ts";
import { metadata } from "../../src/protocol/messages/metadata.ts";
import { offsetCommit } from "../../src/protocol/messages/offset_commit.ts";
import { produce } from "../../src/protocol/messages/produce.ts";
import { ZERO_UUID } from "../../src/protocol/uuid.ts";
import { test } from "../harness.ts";
import { batchOf, type Fixture, withBroker } from "./fixture.ts";
import type { RawClient } from "./raw_client.ts";

const INTERNAL = ["__consumer_offsets", "__transaction_state", "__share_group_state"];
const TOPIC = 2;

/** Sends a request about the topic and returns the code of its answer. */
type Ask = (client: RawClient, name: string) => Promise<number>;

function produceAs(clientId: string | null): Ask {
  return async (client, name) => {
    const { responses } = await client.request(produce, 9, {
      acks: -1,
      timeoutMs: 5_000,
      topicData: [{ name, partitionData: [{ index: 0, records: batchOf(["a"]) }] }],
    }, clientId);
    return responses[0]!.partitionResponses[0]!.errorCode;
  };
}

async function askMetadata(client: RawClient, name: string, allowAutoTopicCreation: boolean) {
  const { topics } = await client.request(metadata, 9, {
    topics: [{ name, topicId: ZERO_UUID }],
    allowAutoTopicCreation,
  });
  return topics[0]!;
}

async function describe(client: RawClient, name: string) {
  const { topics } = await client.request(describeTopicPartitions, 0, { topics: [{ name }] });
  return topics[0]!;
}

const REQUESTS: readonly (readonly [what: string, absent: string, existing: string, ask: Ask])[] = [
  ["Produce", "UNKNOWN_TOPIC_OR_PARTITION", "INVALID_TOPIC_EXCEPTION", produceAs("raw")],
  [
    "Produce without an id",
    "UNKNOWN_TOPIC_OR_PARTITION",
    "INVALID_TOPIC_EXCEPTION",
    produceAs(null),
  ],
  ["Produce as Kafka", "UNKNOWN_TOPIC_OR_PARTITION", "NONE", produceAs("__admin_client")],
  [
    "Metadata",
    "UNKNOWN_TOPIC_OR_PARTITION",
    "NONE",
    async (client, name) => (await askMetadata(client, name, false)).errorCode,
  ],
  [
    "DescribeTopicPartitions",
    "UNKNOWN_TOPIC_OR_PARTITION",
    "NONE",
    async (client, name) => (await describe(client, name)).errorCode,
  ],
  [
    "CreatePartitions",
    "UNKNOWN_TOPIC_OR_PARTITION",
    "NONE",
    async (client, name) =>
      (await client.request(createPartitions, 3, {
        topics: [{ name, count: 2, assignments: null }],
        timeoutMs: 5_000,
        validateOnly: false,
      })).results[0]!.errorCode,
  ],
  [
    "DeleteRecords",
    "UNKNOWN_TOPIC_OR_PARTITION",
    "INVALID_TOPIC_EXCEPTION",
    async (client, name) =>
      (await client.request(deleteRecords, 2, {
        topics: [{ name, partitions: [{ partitionIndex: 0, offset: -1 }] }],
        timeoutMs: 5_000,
      })).topics[0]!.partitions[0]!.errorCode,
  ],
  [
    "IncrementalAlterConfigs",
    "UNKNOWN_TOPIC_OR_PARTITION",
    "NONE",
    async (client, name) =>
      (await client.request(incrementalAlterConfigs, 1, {
        resources: [{
          resourceType: TOPIC,
          resourceName: name,
          configs: [{ name: "retention.ms", configOperation: 0, value: "1000000" }],
        }],
        validateOnly: false,
      })).responses[0]!.errorCode,
  ],
  [
    "AlterConfigs",
    "UNKNOWN_TOPIC_OR_PARTITION",
    "NONE",
    async (client, name) =>
      (await client.request(alterConfigs, 2, {
        resources: [{
          resourceType: TOPIC,
          resourceName: name,
          configs: [{ name: "retention.ms", value: "1000000" }],
        }],
        validateOnly: false,
      })).responses[0]!.errorCode,
  ],
  [
    "ListOffsets",
    "UNKNOWN_TOPIC_OR_PARTITION",
    "NONE",
    async (client, name) =>
      (await client.request(listOffsets, 7, {
        replicaId: -1,
        isolationLevel: 0,
        topics: [{ name, partitions: [{ partitionIndex: 0, timestamp: -1 }] }],
      })).topics[0]!.partitions[0]!.errorCode,
  ],
  [
    "DescribeProducers",
    "UNKNOWN_TOPIC_OR_PARTITION",
    "NONE",
    async (client, name) =>
      (await client.request(describeProducers, 0, {
        topics: [{ name, partitionIndexes: [0] }],
      })).topics[0]!.partitions[0]!.errorCode,
  ],
  [
    "ElectLeaders",
    "UNKNOWN_TOPIC_OR_PARTITION",
    "ELECTION_NOT_NEEDED",
    async (client, name) =>
      (await client.request(electLeaders, 2, {
        electionType: 0,
        topicPartitions: [{ topic: name, partitions: [0] }],
      })).replicaElectionResults[0]!.partitionResult[0]!.errorCode,
  ],
  [
    "OffsetCommit",
    "UNKNOWN_TOPIC_OR_PARTITION",
    "NONE",
    async (client, name) =>
      (await client.request(offsetCommit, 8, {
        groupId: "readers",
        generationIdOrMemberEpoch: -1,
        memberId: "",
        groupInstanceId: null,
        topics: [{
          name,
          partitions: [{ partitionIndex: 0, committedOffset: 0, committedMetadata: "" }],
        }],
      })).topics[0]!.partitions[0]!.errorCode,
  ],
  [
    "DeleteTopics",
    "UNKNOWN_TOPIC_OR_PARTITION",
    "NONE",
    async (client, name) =>
      (await client.request(deleteTopics, 5, { topicNames: [name], timeoutMs: 5_000 }))
        .responses[0]!.errorCode,
  ],
];

const create: Ask = async (client, name) =>
  (await client.request(createTopics, 7, {
    topics: [{ name, numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] }],
    timeoutMs: 5_000,
    validateOnly: false,
  })).topics[0]!.errorCode;

/** Returns the names of the error codes of all requests, in their order. */
async function answers({ client }: Fixture, name: string): Promise<string[]> {
  const codes: string[] = [];
  for (const [what, , , ask] of REQUESTS) {
    codes.push(`${what}: ${errorName(await ask(client, name))}`);
  }
  return codes;
}

for (const name of INTERNAL) {
  test(`requests about ${name} are answered as by Apache Kafka`, () =>
    withBroker(async (fixture) => {
      const { client } = fixture;
      assertEquals(
        await answers(fixture, name),
        REQUESTS.map(([what, code]) => `${what}: ${code}`),
      );
      assertEquals(errorName(await create(client, name)), "NONE");
      assertEquals(errorName(await create(client, name)), "TOPIC_ALREADY_EXISTS");
      assertEquals(
        await answers(fixture, name),
        REQUESTS.map(([what, , code]) => `${what}: ${code}`),
      );
    }));

  test(`a Metadata request for ${name} creates it with Kafka's settings and marks it as internal`, () =>
    withBroker(async ({ client, broker }) => {
      for (const topic of [await askMetadata(client, name, false), await describe(client, name)]) {
        assertEquals([errorName(topic.errorCode), topic.isInternal], [
          "UNKNOWN_TOPIC_OR_PARTITION",
          true,
        ]);
      }
      const created = await askMetadata(client, name, true);
      assertEquals([errorName(created.errorCode), created.isInternal], ["NONE", true]);
      assertEquals(created.partitions.length, 50);
      const policy = name === "__share_group_state" ? "delete" : "compact";
      assertEquals(broker.image.configs(TOPIC, name).get("cleanup.policy"), policy);
      assertEquals((await describe(client, name)).isInternal, true);
      assertEquals(errorName(await produceAs("raw")(client, name)), "INVALID_TOPIC_EXCEPTION");
    }));
}

test("no request sees or creates the topic of the metadata log", () =>
  withBroker(async (fixture) => {
    const { client, broker } = fixture;
    const name = "__cluster_metadata";
    assertEquals(await answers(fixture, name), REQUESTS.map(([what, code]) => `${what}: ${code}`));
    assertEquals(errorName(await create(client, name)), "INVALID_REQUEST");
    const { errorCode, isInternal } = await askMetadata(client, name, true);
    assertEquals([errorName(errorCode), isInternal], ["UNKNOWN_TOPIC_OR_PARTITION", false]);
    assertEquals(broker.image.topicCount, 0);
  }));

test("a produce by topic id, and one with acks=0, cannot write to an internal topic", () =>
  withBroker(async ({ client, connect, createTopic }) => {
    const name = "__consumer_offsets";
    const topicId = await createTopic({ name, numPartitions: 1 });
    const topicData = (topic: { name?: string; topicId?: string }) => [
      { ...topic, partitionData: [{ index: 0, records: batchOf(["a"]) }] },
    ];
    const { responses } = await client.request(produce, 13, {
      acks: -1,
      timeoutMs: 5_000,
      topicData: topicData({ topicId }),
    });
    const [answer] = responses[0]!.partitionResponses;
    assertEquals([errorName(answer!.errorCode), answer!.errorMessage], [
      "INVALID_TOPIC_EXCEPTION",
      "Cannot append to __consumer_offsets-0: the topic is one of Kafka's own",
    ]);
    const other = await connect();
    await other.send(produce, 9, { acks: 0, timeoutMs: 5_000, topicData: topicData({ name }) });
    assertEquals(await other.nextFrame(), null, "the connection ends");
    const { topics } = await client.request(listOffsets, 7, {
      replicaId: -1,
      isolationLevel: 0,
      topics: [{ name, partitions: [{ partitionIndex: 0, timestamp: -1 }] }],
    });
    assertEquals(topics[0]!.partitions[0]!.offset, 0);
  }));
