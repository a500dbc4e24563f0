/** Requests about many items serve other connections in between. */
import { assertEquals } from "@std/assert";
import { deleteRecordsHandler } from "../../../src/broker/handlers/delete_records.ts";
import { describeProducersHandler } from "../../../src/broker/handlers/describe_producers.ts";
import { metadataHandler } from "../../../src/broker/handlers/metadata.ts";
import { offsetForLeaderEpochHandler } from "../../../src/broker/handlers/offset_for_leader_epoch.ts";
import { REQUESTS_TURN_MS } from "../../../src/limits.ts";
import { deleteRecords } from "../../../src/protocol/messages/delete_records.ts";
import { describeProducers } from "../../../src/protocol/messages/describe_producers.ts";
import { metadata } from "../../../src/protocol/messages/metadata.ts";
import { offsetForLeaderEpoch } from "../../../src/protocol/messages/offset_for_leader_epoch.ts";
import { ZERO_UUID } from "../../../src/protocol/uuid.ts";
import type { MetadataImage } from "../../../src/metadata/image.ts";
import { imageOf, uuidOf } from "../../controller/fixture.ts";
import { broker, EVENTS, partitionWith, topic } from "../../metadata/fixture.ts";
import { test } from "../../harness.ts";
import { askHandler } from "../../network/server/ask_handler.ts";
import { steppingClock } from "../../network/server/stepping_clock.ts";
import { DirectBroker } from "../direct_broker.ts";

const COUNT = 60;
const indexes = Array.from({ length: COUNT }, (_, index) => index);
const { partitions } = new DirectBroker();

function metadataServices(image: MetadataImage, clock: ReturnType<typeof steppingClock>) {
  return {
    clock,
    nodeId: 1,
    clusterId: "c",
    image: () => image,
    advertisedAddress: () => ({ host: "h", port: 1 }),
    config: { autoCreateTopicsEnable: false },
    forwarding: { createTopics: () => Promise.reject(new Error("none is created")) },
  };
}

/** Calls `ask` with a clock by which each item takes a turn, and returns whether others were served. */
async function isDivided(
  ask: (clock: ReturnType<typeof steppingClock>) => Promise<unknown[]>,
): Promise<boolean> {
  const clock = steppingClock(REQUESTS_TURN_MS + 1);
  assertEquals((await ask(clock)).length, COUNT);
  return clock.turns >= COUNT / 2 - 1;
}

test("OffsetForLeaderEpoch serves others between many partitions", async () => {
  const isServed = await isDivided(async (clock) => {
    const { topics } = await askHandler(offsetForLeaderEpochHandler, offsetForLeaderEpoch, 4, {
      topics: [
        { topic: "a", partitions: [] },
        {
          topic: "b",
          partitions: indexes.map((partition) => ({ partition, leaderEpoch: 0 })),
        },
      ],
    }, { services: { clock, partitions } });
    assertEquals(topics[1]!.partitions.map(({ partition }) => partition), indexes);
    return topics[1]!.partitions;
  });
  assertEquals(isServed, true);
});

test("DescribeProducers serves others between many topics", async () => {
  const isServed = await isDivided(async (clock) => {
    const { topics } = await askHandler(describeProducersHandler, describeProducers, 0, {
      topics: indexes.map((index) => ({ name: `topic-${index}`, partitionIndexes: [index] })),
    }, { services: { clock, partitions } });
    assertEquals(topics.map((topic) => topic.partitions[0]!.partitionIndex), indexes);
    return topics;
  });
  assertEquals(isServed, true);
});

test("DeleteRecords serves others between many partitions", async () => {
  const isServed = await isDivided(async (clock) => {
    const { topics } = await askHandler(deleteRecordsHandler, deleteRecords, 2, {
      topics: [{
        name: "events",
        partitions: indexes.map((partitionIndex) => ({ partitionIndex, offset: 0 })),
      }],
      timeoutMs: 1_000,
    }, { services: { clock, partitions } });
    return topics[0]!.partitions;
  });
  assertEquals(isServed, true);
});

test("Metadata serves others between many topics, by name or id", async () => {
  const image = imageOf();
  for (const byId of [false, true]) {
    const isServed = await isDivided(async (clock) => {
      const { topics } = await askHandler(metadataHandler, metadata, 12, {
        topics: indexes.map((index) =>
          byId
            ? { name: null, topicId: uuidOf(1_000 + index) }
            : { name: `topic-${index}`, topicId: ZERO_UUID }
        ),
        allowAutoTopicCreation: false,
      }, {
        services: metadataServices(image, clock),
      });
      return topics;
    });
    assertEquals(isServed, true);
  }
});

test("Metadata names every broker that leads, although one is fenced while the answer is made", async () => {
  const id = 2;
  const before = imageOf(
    broker(1),
    broker(id),
    topic("events", EVENTS),
    partitionWith(EVENTS, 0, { leader: id }),
  );
  const after = imageOf(broker(1), broker(id, { fenced: true }));
  const clock = steppingClock(REQUESTS_TURN_MS + 1);
  const { yieldToLoop } = clock;
  let image = before;
  clock.yieldToLoop = () => {
    image = after;
    return yieldToLoop.call(clock);
  };
  const { brokers, topics } = await askHandler(metadataHandler, metadata, 12, {
    topics: ["events", "other", "another"].map((name) => ({ name, topicId: ZERO_UUID })),
    allowAutoTopicCreation: false,
  }, { services: { ...metadataServices(before, clock), image: () => image } });
  assertEquals(topics[0]!.partitions.map(({ leaderId }) => leaderId), [id]);
  assertEquals(brokers.map(({ nodeId }) => nodeId), [1, id]);
});
