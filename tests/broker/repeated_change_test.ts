import { assertEquals } from "@std/assert";
import {
  type RepeatedChangeNeeds,
  repeatedCreation,
  repeatedDeletion,
  repeatedGrowth,
} from "../../src/broker/repeated_change.ts";
import { BrokerConfig } from "../../src/config/broker_config.ts";
import { ErrorCode } from "../../src/protocol/errors.ts";
import { ZERO_UUID } from "../../src/protocol/uuid.ts";
import { test } from "../harness.ts";

const ID = "AAAAAAAAAAAAAAAAAAAAEQ";
const CREATE = {
  name: "events",
  numPartitions: 2,
  replicationFactor: 1,
  assignments: [],
  configs: [],
};

/** An image in which "events" has so many partitions on broker 1, none for null. */
class Image {
  partitions: number | null = null;
  overrides = new Map<string, string>();
  readonly needs = {
    config: new BrokerConfig({}),
    image: () => ({
      topicByName: (name: string) => name === "events" ? this.#topic : undefined,
      topicById: (id: string) => id === ID ? this.#topic : undefined,
      configs: () => this.overrides,
    }),
  } as unknown as RepeatedChangeNeeds;

  get #topic() {
    const count = this.partitions;
    if (count === null) return undefined;
    return { name: "events", id: ID, partitions: Array(count).fill({ replicas: [1] }) };
  }
}

/** Returns the code of the corrected answer to a creation. */
function created(image: Image, request: object, change: () => void): number {
  const correct = repeatedCreation({ topics: [{ ...CREATE, ...request }] }, image.needs);
  change();
  const errorCode = ErrorCode.TOPIC_ALREADY_EXISTS;
  const answer = correct({ topics: [{ name: "events", errorCode }] });
  return (answer as { topics: { errorCode: number }[] }).topics[0]!.errorCode;
}

test("a repeated creation is acknowledged if the topic is new and as it was requested", () => {
  const grow = (image: Image) => () => void (image.partitions = 2);
  const { NONE, TOPIC_ALREADY_EXISTS } = ErrorCode;
  const cases: readonly [object, number][] = [
    [{}, NONE],
    [{ numPartitions: -1, replicationFactor: -1 }, NONE],
    [{ numPartitions: 3 }, TOPIC_ALREADY_EXISTS],
    [{ replicationFactor: 2 }, TOPIC_ALREADY_EXISTS],
    [{ configs: [{ name: "retention.ms", value: "1" }] }, TOPIC_ALREADY_EXISTS],
    [
      {
        numPartitions: -1,
        assignments: [0, 1].map((i) => ({ partitionIndex: i, brokerIds: [1] })),
      },
      NONE,
    ],
    [
      { numPartitions: -1, assignments: [{ partitionIndex: 0, brokerIds: [1] }] },
      TOPIC_ALREADY_EXISTS,
    ],
    [
      {
        numPartitions: -1,
        assignments: [0, 1].map((i) => ({ partitionIndex: i, brokerIds: [2] })),
      },
      TOPIC_ALREADY_EXISTS,
    ],
  ];
  for (const [request, code] of cases) {
    const image = new Image();
    assertEquals(created(image, request, grow(image)), code, JSON.stringify(request));
  }
});

test("a repeated creation of a topic that existed before is refused", () => {
  const image = new Image();
  image.partitions = 2;
  assertEquals(created(image, {}, () => {}), ErrorCode.TOPIC_ALREADY_EXISTS);
});

test("a repeated deletion is acknowledged if the topic existed before, by its name or id", () => {
  for (const asked of [{ name: "events", topicId: ZERO_UUID }, { name: null, topicId: ID }]) {
    for (const existed of [true, false]) {
      const image = new Image();
      image.partitions = existed ? 1 : null;
      const correct = repeatedDeletion({ topics: [asked], topicNames: [] }, image.needs);
      image.partitions = null;
      const errorCode = ErrorCode.UNKNOWN_TOPIC_OR_PARTITION;
      const answer = correct({ responses: [{ ...asked, errorCode }] });
      const [{ errorCode: code }] = (answer as { responses: [{ errorCode: number }] }).responses;
      assertEquals(code, existed ? ErrorCode.NONE : errorCode);
    }
  }
});

test("a repeated growth is acknowledged if the topic had fewer partitions before", () => {
  const cases = [[2, 4, ErrorCode.NONE], [4, 4, ErrorCode.INVALID_PARTITIONS], [
    2,
    5,
    ErrorCode.INVALID_PARTITIONS,
  ]] as const;
  for (const [before, after, code] of cases) {
    const image = new Image();
    image.partitions = before;
    const correct = repeatedGrowth({ topics: [{ name: "events", count: 4 }] }, image.needs);
    image.partitions = after;
    const answer = correct({
      results: [{ name: "events", errorCode: ErrorCode.INVALID_PARTITIONS }],
    });
    assertEquals((answer as { results: { errorCode: number }[] }).results[0]!.errorCode, code);
  }
});
