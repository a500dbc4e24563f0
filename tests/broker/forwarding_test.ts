import { assertEquals, assertRejects } from "@std/assert";
import { Forwarding } from "../../src/broker/forwarding.ts";
import type { AnyApi } from "../../src/protocol/api.ts";
import { ErrorCode, KafkaError } from "../../src/protocol/errors.ts";
import { createTopics } from "../../src/protocol/messages/create_topics.ts";
import { metadata } from "../../src/protocol/messages/metadata.ts";
import { test } from "../harness.ts";
import { CONNECTION } from "../network/server/ask_handler.ts";
import {
  answering,
  MovedController,
  OWN,
  ownController,
  withChannel,
} from "./controller_fixture.ts";
import { hostRuntime } from "../../src/runtime/host.ts";
import { settle } from "./direct_broker.ts";
import { withBroker } from "./fixture.ts";
import { manualClock } from "./manual_clock.ts";

const API = createTopics as unknown as AnyApi;
const CONTEXT = { apiVersion: 7, clientId: null, connection: CONNECTION };

/** Calls `use` with a broker whose image has records up to the offset that the test sets. */
function withForwarding(
  use: (parts: {
    forwarding: Forwarding;
    clock: ReturnType<typeof manualClock>;
    awaited: number[];
    reach: () => void;
    messages: string[];
    created: unknown[];
  }) => Promise<void>,
  answer: () => { topics: [] } = () => ({ topics: [] }),
): Promise<void> {
  const clock = manualClock();
  const created: unknown[] = [];
  const handler = answering(createTopics, ({ topics }) => {
    created.push(...topics);
    return answer();
  });
  const location = new MovedController(OWN);
  const runtime = { ...hostRuntime(), clock };
  return withChannel(
    { location, runtime, own: ownController([handler], () => 17) },
    async (channel) => {
      const awaited: number[] = [];
      const messages: string[] = [];
      const reached = Promise.withResolvers<void>();
      const forwarding = new Forwarding({
        channel,
        waitFor(offset) {
          awaited.push(offset);
          return reached.promise;
        },
        clock,
        logger: { log: (_level, message) => void messages.push(message) },
        timeoutMs: 1_000,
      });
      await use({ forwarding, clock, awaited, reach: reached.resolve, messages, created });
    },
  );
}

test("a forwarded request is answered once the broker's image has what was committed", () =>
  withForwarding(async ({ forwarding, clock, awaited, reach, messages }) => {
    let isAnswered = false;
    const answer = forwarding.forward(API, { topics: [] }, CONTEXT)
      .finally(() => isAnswered = true);
    await settle();
    assertEquals([awaited, isAnswered], [[17], false]);
    reach();
    assertEquals(await answer, { topics: [] });
    assertEquals([clock.pending(), messages], [0, []]);
  }));

test("a forwarded request is answered all the same if the broker's image is late", () =>
  withForwarding(async ({ forwarding, clock, messages }) => {
    const answer = forwarding.forward(API, { topics: [] }, CONTEXT);
    await settle();
    clock.advance(1_000);
    assertEquals(await answer, { topics: [] });
    assertEquals(messages, [
      "CreateTopics is answered before its change is in force here: this broker has not applied it " +
      "within 1 s",
    ]);
  }));

test("a request that the controller rejects is not waited for", () =>
  withForwarding(async ({ forwarding, awaited }) => {
    await assertRejects(() => forwarding.forward(API, { topics: [] }, CONTEXT), KafkaError, "No");
    assertEquals(awaited, []);
  }, () => {
    throw new KafkaError(ErrorCode.POLICY_VIOLATION, "No");
  }));

test("createTopics() leaves what is not given to the defaults of the controller", () =>
  withForwarding(async ({ forwarding, reach, created, awaited }) => {
    reach();
    await forwarding.createTopics([
      { name: "events" },
      { name: "wide", numPartitions: 9, configs: [{ name: "retention.ms", value: "5" }] },
    ]);
    assertEquals(created, [
      { name: "events", numPartitions: -1, replicationFactor: -1, assignments: [], configs: [] },
      {
        name: "wide",
        numPartitions: 9,
        replicationFactor: -1,
        assignments: [],
        configs: [{ name: "retention.ms", value: "5" }],
      },
    ]);
    assertEquals(awaited, [17]);
  }));

test("createTopics() answers that topics are unknown while no controller is active", () =>
  withForwarding(async ({ forwarding, clock, messages }) => {
    const outcomes = forwarding.createTopics([{ name: "events" }, { name: "wide" }]);
    let isAnswered = false;
    outcomes.finally(() => isAnswered = true);
    while (!isAnswered && clock.monotonicMs() < 10_000) {
      await settle();
      clock.advance(500);
    }
    assertEquals((await outcomes).map(({ name, errorCode }) => `${name} ${errorCode}`), [
      "events 3",
      "wide 3",
    ]);
    assertEquals([clock.monotonicMs() < 6_000, messages.length], [true, 1]);
  }, () => {
    throw new KafkaError(ErrorCode.NOT_CONTROLLER, "Cannot create topics: not active");
  }));

test("createTopics() rejects with an error that would repeat", () =>
  withForwarding(async ({ forwarding }) => {
    await assertRejects(
      () => forwarding.createTopics([{ name: "events" }]),
      Error,
      "Too many",
    );
  }, () => {
    throw new Error("Too many");
  }));

test("requests of a connection see the changes that it has asked for before", () =>
  withBroker(async ({ client }) => {
    const topics = [
      { name: "events", numPartitions: 2, replicationFactor: 1, assignments: [], configs: [] },
    ];
    await client.send(createTopics, 7, { topics });
    await client.send(metadata, 12, {
      topics: [{ name: "events" }],
      allowAutoTopicCreation: false,
    });
    const created = await client.answer(createTopics, 7);
    const seen = await client.answer(metadata, 12);
    assertEquals(created.topics[0]!.errorCode, ErrorCode.NONE);
    assertEquals(seen.topics[0]!.partitions.length, 2);
  }));
