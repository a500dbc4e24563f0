import { assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import { createTopicsHandler } from "../../src/controller/handlers/create_topics.ts";
import { decoded } from "../../src/network/server/encoded_answer.ts";
import {
  CloseConnection,
  type ConnectionInfo,
  defineHandler,
  type Handler,
} from "../../src/network/server/handler.ts";
import type { AnyApi } from "../../src/protocol/api.ts";
import { ErrorCode, KafkaError } from "../../src/protocol/errors.ts";
import { allocateProducerIds } from "../../src/protocol/messages/allocate_producer_ids.ts";
import { createTopics } from "../../src/protocol/messages/create_topics.ts";
import { deleteTopics } from "../../src/protocol/messages/delete_topics.ts";
import { describeQuorum } from "../../src/protocol/messages/describe_quorum.ts";
import { envelope } from "../../src/protocol/messages/envelope.ts";
import { test } from "../harness.ts";
import { CONNECTION } from "../network/server/ask_handler.ts";
import { hostRuntime } from "../../src/runtime/host.ts";
import {
  answering,
  at,
  MovedController,
  OWN,
  ownController,
  withChannel,
  withController,
} from "./controller_fixture.ts";
import { manualClock } from "./manual_clock.ts";
import { settle } from "./direct_broker.ts";

const API = createTopics as unknown as AnyApi;
const REQUEST = {
  topics: [{
    name: "events",
    numPartitions: 3,
    replicationFactor: 1,
    assignments: [],
    configs: [],
  }],
  timeoutMs: 60_000,
  validateOnly: false,
};
const CONTEXT = { apiVersion: 7, clientId: "tool", connection: CONNECTION };
const ALLOCATE = { brokerId: 1, brokerEpoch: 5 };
const BLOCK = { throttleTimeMs: 0, errorCode: 0, producerIdStart: 2_000, producerIdLen: 1_000 };

function notController(): never {
  throw new KafkaError(ErrorCode.NOT_CONTROLLER, "Cannot answer: not active");
}

/** The names and codes in an answer to CreateTopics. */
function outcomes(answer: unknown): [string, number][] {
  const { topics } = decoded(answer) as { topics: { name: string; errorCode: number }[] };
  return topics.map(({ name, errorCode }) => [name, errorCode]);
}

/** A handler of CreateTopics that answers each topic with the codes of `codes` in turn. */
function creating(codes: (number | "close")[], seen: ConnectionInfo[] = []): Handler<unknown> {
  return defineHandler(createTopics, {
    handle({ topics }, { connection }) {
      seen.push(connection);
      const errorCode = codes.shift();
      if (errorCode === undefined) throw new Error("one request too many");
      if (errorCode === "close") throw new CloseConnection("the test closes it");
      if (errorCode === ErrorCode.NOT_CONTROLLER) notController();
      return { topics: topics.map(({ name }) => ({ name, errorCode, errorMessage: null })) };
    },
    onError: createTopicsHandler.onError as never,
  });
}

test("forward() calls the controller of the process in the same turn, with the request as it is", () => {
  const received: unknown[] = [];
  const handler = defineHandler(createTopics, {
    handle(request, { clientId, connection, apiVersion }) {
      received.push(request, clientId, connection, apiVersion);
      return { topics: [] };
    },
    onError: () => ({ topics: [] }),
  });
  return withChannel(
    { location: new MovedController(OWN), own: ownController([handler]) },
    async (channel) => {
      const answer = channel.forward(API, REQUEST, CONTEXT);
      assertStrictEquals(received[0], REQUEST);
      assertEquals(received.slice(1), ["tool", CONNECTION, 7]);
      assertEquals(await answer, { topics: [] });
    },
  );
});

test("forward() sends an Envelope to another node, in every version of the client", () => {
  const seen: ConnectionInfo[] = [];
  const versions = [2, 3, 4, 5, 6, 7];
  return withController(
    [creating(versions, seen)],
    (address) =>
      withChannel({ location: new MovedController(at(address)) }, async (channel) => {
        for (const apiVersion of [...versions]) {
          const answer = await channel.forward(API, REQUEST, { ...CONTEXT, apiVersion });
          assertEquals(outcomes(answer), [["events", apiVersion]]);
        }
        assertEquals(
          seen.map(({ remoteAddress }) => remoteAddress.host),
          Array(6).fill("10.0.0.9"),
        );
      }),
  );
});

test("forward() sends the request again until the controller is active", () =>
  withController(
    [creating([ErrorCode.NOT_CONTROLLER, ErrorCode.NOT_CONTROLLER, ErrorCode.NONE])],
    (address) =>
      withChannel({ location: new MovedController(at(address)) }, async (channel) => {
        assertEquals(outcomes(await channel.forward(API, REQUEST, CONTEXT)), [["events", 0]]);
      }),
  ));

test("forward() sends the request again when the connection breaks before the answer", () =>
  withController(
    [creating(["close", ErrorCode.TOPIC_ALREADY_EXISTS])],
    (address) =>
      withChannel({ location: new MovedController(at(address)) }, async (channel) => {
        assertEquals(outcomes(await channel.forward(API, REQUEST, CONTEXT)), [["events", 36]]);
      }),
  ));

test("forward() follows the active controller from this process to another node", () =>
  withController([creating([0])], async (address) => {
    const location = new MovedController(OWN);
    const own = ownController([
      answering(createTopics, () => {
        location.moveTo(at(address));
        return notController();
      }),
    ]);
    await withChannel({ location, own }, async (channel) => {
      assertEquals(outcomes(await channel.forward(API, REQUEST, CONTEXT)), [["events", 0]]);
    });
  }));

test("forward() abandons a node that is no longer the active controller", () => {
  const never = new Promise<never>(() => {});
  const arrived = Promise.withResolvers<void>();
  const silent = defineHandler(createTopics, {
    handle() {
      arrived.resolve();
      return Promise.race([never, abandoned.promise]);
    },
    onError: () => ({ topics: [] }),
  });
  const abandoned = Promise.withResolvers<null>();
  return withController([silent], async (address) => {
    const location = new MovedController(at(address));
    await withChannel({ location, own: ownController([creating([0])]) }, async (channel) => {
      const answer = channel.forward(API, REQUEST, CONTEXT);
      await arrived.promise;
      location.moveTo(OWN);
      assertEquals(outcomes(await answer), [["events", 0]]);
    });
    abandoned.resolve(null);
  });
});

test("forward() closes the client's connection if the controller cannot decode the request", () =>
  withController(
    [answering(deleteTopics, () => ({ responses: [] }))],
    (address) =>
      withChannel(
        { location: new MovedController(at(address)) },
        async (channel) =>
          void await assertRejects(() => channel.forward(API, REQUEST, CONTEXT), CloseConnection),
      ),
  ));

test("forward() answers UNKNOWN_SERVER_ERROR to any other error about the envelope", () => {
  const { INVALID_REQUEST, UNKNOWN_SERVER_ERROR } = ErrorCode;
  return withController(
    [answering(envelope, () => ({ responseData: null, errorCode: INVALID_REQUEST }))],
    (address) =>
      withChannel({ location: new MovedController(at(address)) }, async (channel) => {
        const error = await assertRejects(
          () => channel.forward(API, REQUEST, CONTEXT),
          KafkaError,
          `the controller at ${address.host}:${address.port} answers INVALID_REQUEST`,
        );
        assertEquals(error.code, UNKNOWN_SERVER_ERROR);
      }),
  );
});

test("forward() rejects an answer that does not belong to the request", () =>
  withController(
    [answering(envelope, () => ({ responseData: new Uint8Array([0, 0, 0, 9, 0]), errorCode: 0 }))],
    (address) =>
      withChannel({ location: new MovedController(at(address)) }, async (channel) => {
        await assertRejects(
          () => channel.forward(API, REQUEST, CONTEXT),
          KafkaError,
          "Cannot decode the controller's answer to CreateTopics: it answers request 9",
        );
      }),
  ));

test("forward() does not repeat a request that the controller has rejected", () =>
  withChannel({
    location: new MovedController(OWN),
    own: ownController([
      answering(createTopics, () => {
        throw new KafkaError(ErrorCode.REQUEST_TIMED_OUT, "Cannot commit in time");
      }),
    ]),
  }, async (channel) => {
    await assertRejects(
      () => channel.forward(API, REQUEST, CONTEXT),
      KafkaError,
      "Cannot commit in time",
    );
  }));

test("a request waits for an active controller until its time is over", () => {
  const clock = manualClock();
  const runtime = { ...hostRuntime(), clock };
  return withChannel({ location: new MovedController(null), runtime }, async (channel) => {
    const answer = channel.request(allocateProducerIds, ALLOCATE, { timeoutMs: 100 });
    const failed = assertRejects(
      () => answer,
      KafkaError,
      "Cannot get an answer to AllocateProducerIds from the active controller within 100 ms: no " +
        "controller is known to be active",
    );
    while (clock.monotonicMs() < 100) {
      clock.advance(1);
      await settle();
    }
    assertEquals((await failed).code, ErrorCode.REQUEST_TIMED_OUT);
    assertEquals(clock.pending(), 0);
  });
});

test("a request is sent as soon as a controller is known to be active", () => {
  const clock = manualClock();
  const location = new MovedController(null);
  const own = ownController([answering(allocateProducerIds, () => BLOCK)]);
  return withChannel({
    location,
    own,
    runtime: { ...hostRuntime(), clock },
  }, async (channel) => {
    const answer = channel.request(allocateProducerIds, ALLOCATE);
    await settle();
    location.moveTo(OWN);
    assertEquals(await answer, BLOCK);
    assertEquals(clock.pending(), 0);
  });
});

test("request() reaches a controller in this process and at another node alike", async () => {
  const requests: unknown[] = [];
  const handler = answering(allocateProducerIds, (request) => {
    requests.push(request);
    return { errorCode: 0, producerIdStart: 2_000, producerIdLen: 1_000 };
  });
  await withController([handler], async (address) => {
    const location = new MovedController(OWN);
    await withChannel({ location, own: ownController([handler]) }, async (channel) => {
      assertEquals(await channel.request(allocateProducerIds, ALLOCATE), BLOCK);
      location.moveTo(at(address));
      assertEquals(await channel.request(allocateProducerIds, ALLOCATE), BLOCK);
    });
  });
  assertEquals(requests, [ALLOCATE, ALLOCATE]);
});

test("request() resolves with the answer to an error of a controller in this process", () =>
  withChannel({
    location: new MovedController(OWN),
    own: ownController([
      answering(
        allocateProducerIds,
        () => {
          throw new KafkaError(ErrorCode.STALE_BROKER_EPOCH, "Cannot allocate");
        },
        (errorCode) => ({ errorCode, producerIdStart: 0, producerIdLen: 0 }),
      ),
    ]),
  }, async (channel) => {
    const { errorCode } = await channel.request(allocateProducerIds, ALLOCATE);
    assertEquals(errorCode, ErrorCode.STALE_BROKER_EPOCH);
  }));

test("request() is sent again after an answer with NOT_CONTROLLER", () => {
  const codes = [ErrorCode.NOT_CONTROLLER, ErrorCode.NONE];
  const handler = answering(
    allocateProducerIds,
    () => ({ errorCode: codes.shift()!, producerIdStart: 2_000, producerIdLen: 1_000 }),
  );
  return withController(
    [handler],
    (address) =>
      withChannel({ location: new MovedController(at(address)) }, async (channel) => {
        assertEquals(await channel.request(allocateProducerIds, ALLOCATE), BLOCK);
        assertEquals(codes, []);
      }),
  );
});

test("committedOffset() asks the active controller, once it knows its high watermark", () => {
  const watermarks = [-1, 12];
  const handler = answering(describeQuorum, ({ topics }) => ({
    errorCode: 0,
    errorMessage: null,
    topics: topics.map(({ topicName }) => ({
      topicName,
      partitions: [{
        partitionIndex: 0,
        errorCode: 0,
        errorMessage: null,
        leaderId: 7,
        leaderEpoch: 3,
        highWatermark: watermarks.shift()!,
        currentVoters: [],
        observers: [],
      }],
    })),
    nodes: [],
  }));
  return withController([handler], async (address) => {
    const location = new MovedController(at(address));
    await withChannel({ location, own: ownController([], () => 40) }, async (channel) => {
      assertEquals(await channel.committedOffset(), 11);
      location.moveTo(OWN);
      assertEquals(await channel.committedOffset(), 40);
    });
  });
});

test("close() fails requests that wait, and later ones", () =>
  withChannel({ location: new MovedController(null) }, async (channel) => {
    const waiting = channel.forward(API, REQUEST, CONTEXT);
    channel.close();
    for (const answer of [waiting, channel.forward(API, REQUEST, CONTEXT)]) {
      const error = await assertRejects(() => answer, KafkaError, "the broker is shutting down");
      assertEquals(error.code, ErrorCode.NOT_CONTROLLER);
    }
  }));
