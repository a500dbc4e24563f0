import { assertEquals } from "@std/assert";
import { errorName } from "../../../src/protocol/errors.ts";
import { electLeaders } from "../../../src/protocol/messages/elect_leaders.ts";
import { test } from "../../harness.ts";
import { withBroker } from "../fixture.ts";
import type { RawClient } from "../raw_client.ts";
import { versionsOf } from "./group_requests.ts";

const PREFERRED = 0;
const UNCLEAN = 1;
const UNKNOWN = 5;

type Asked = { topic: string; partitions: number[] }[] | null;

async function elect(client: RawClient, version: number, electionType: number, asked: Asked) {
  const { errorCode, replicaElectionResults } = await client.request(electLeaders, version, {
    electionType,
    topicPartitions: asked,
  });
  return [
    errorName(errorCode),
    ...replicaElectionResults.map(({ topic, partitionResult }) =>
      `${topic}: ` +
      partitionResult.map(({ partitionId, errorCode }) => `${partitionId} ${errorName(errorCode)}`)
        .join(", ")
    ),
  ];
}

test("ElectLeaders answers ELECTION_NOT_NEEDED for partitions that are led, in every version", () =>
  withBroker(async ({ client, createTopic }) => {
    await createTopic({ name: "events", numPartitions: 2 });
    const asked = [
      { topic: "events", partitions: [0, 1, 9] },
      { topic: "nope", partitions: [0] },
      { topic: "events", partitions: [1] },
    ];
    for (const version of versionsOf(electLeaders)) {
      for (const type of [PREFERRED, UNCLEAN]) {
        assertEquals(await elect(client, version, type, asked), [
          "NONE",
          "events: 0 ELECTION_NOT_NEEDED, 1 ELECTION_NOT_NEEDED, 9 UNKNOWN_TOPIC_OR_PARTITION",
          "nope: 0 UNKNOWN_TOPIC_OR_PARTITION",
          "events: 1 ELECTION_NOT_NEEDED",
        ]);
        assertEquals(await elect(client, version, type, null), ["NONE", "events: "]);
        assertEquals(await elect(client, version, type, []), ["NONE"]);
      }
    }
  }));

test("ElectLeaders refuses unknown types of election", () =>
  withBroker(async ({ client, createTopic }) => {
    await createTopic({ name: "events" });
    const asked = [{ topic: "events", partitions: [0] }];
    for (const version of [1, 2]) {
      assertEquals(await elect(client, version, UNKNOWN, asked), [
        "INVALID_REQUEST",
        "events: 0 INVALID_REQUEST",
      ]);
      assertEquals(await elect(client, version, UNKNOWN, null), ["INVALID_REQUEST"]);
      assertEquals(await elect(client, version, UNKNOWN, []), ["NONE"]);
    }
  }));
