import { assertEquals } from "@std/assert";
import { createTopicsHandler } from "../../../src/controller/handlers/create_topics.ts";
import { envelopeHandler } from "../../../src/controller/handlers/envelope.ts";
import { envelopeController } from "../../../src/controller/requests/local_controller.ts";
import { type ConnectionInfo, defineHandler } from "../../../src/network/server/handler.ts";
import { REQUESTS_TURN_MS } from "../../../src/limits.ts";
import type { AnyApi } from "../../../src/protocol/api.ts";
import { ErrorCode, KafkaError } from "../../../src/protocol/errors.ts";
import { readResponseHeader, writeRequestHeader } from "../../../src/protocol/header.ts";
import { allocateProducerIds } from "../../../src/protocol/messages/allocate_producer_ids.ts";
import { createTopics } from "../../../src/protocol/messages/create_topics.ts";
import { deleteTopics } from "../../../src/protocol/messages/delete_topics.ts";
import { envelope } from "../../../src/protocol/messages/envelope.ts";
import { produce } from "../../../src/protocol/messages/produce.ts";
import { ANONYMOUS_PRINCIPAL, encodePrincipal } from "../../../src/protocol/principal.ts";
import { ByteReader, ByteWriter } from "../../../src/protocol/wire.ts";
import { test } from "../../harness.ts";
import { askHandler } from "../../network/server/ask_handler.ts";
import { steppingClock } from "../../network/server/stepping_clock.ts";

const ADDRESS = Uint8Array.of(10, 1, 2, 3);
const PRINCIPAL = encodePrincipal(ANONYMOUS_PRINCIPAL);

/** The origins of the requests that the handlers below have received. */
interface Received {
  readonly names: string[];
  readonly clientId: string | null;
  readonly connection: ConnectionInfo;
}

/** Sends an Envelope to a controller that creates topics, or fails with `failure`. */
async function send(
  requestData: Uint8Array,
  {
    principal = PRINCIPAL as Uint8Array | null,
    address = ADDRESS,
    failure = null as KafkaError | null,
    clock = steppingClock(0),
  } = {},
) {
  const received: Received[] = [];
  const creating = defineHandler(createTopics, {
    handle({ topics }, { clientId, connection }) {
      received.push({ names: topics.map(({ name }) => name), clientId, connection });
      if (failure !== null) throw failure;
      return { topics: topics.map(({ name }) => ({ name, errorCode: 0, errorMessage: null })) };
    },
    onError: createTopicsHandler.onError as never,
  });
  const allocating = defineHandler(allocateProducerIds, {
    handle: () => ({ errorCode: 0, producerIdStart: 0, producerIdLen: 0 }),
    onError: (_request, errorCode) => ({ errorCode, producerIdStart: 0, producerIdLen: 0 }),
  });
  const answer = await askHandler(envelopeHandler, envelope, 0, {
    requestData,
    requestPrincipal: principal,
    clientHostAddress: address,
  }, {
    services: {
      localController: envelopeController({ handlers: [creating, allocating], services: null }),
      clock,
    },
  });
  return { ...answer, received };
}

/** The bytes of a request with its header. */
function requestOf(api: unknown, version: number, request: unknown): Uint8Array {
  const { requestCodec } = api as AnyApi;
  const writer = new ByteWriter();
  writeRequestHeader(writer, api as AnyApi, version, 41, "tool");
  requestCodec(version).write(writer, request as never);
  return writer.toBytes();
}

function creation(version: number): Uint8Array {
  return requestOf(createTopics, version, {
    topics: [
      { name: "events", numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] },
    ],
  });
}

/** The bytes of a header alone, with any key and version. */
function header(apiKey: number, version: number): Uint8Array {
  const writer = new ByteWriter();
  writer.int16(apiKey);
  writer.int16(version);
  writer.int32(1);
  writer.int16(-1);
  return writer.toBytes();
}

test("Envelope answers with the client's answer, in the version of its request", async () => {
  for (let version = createTopics.minVersion; version <= createTopics.maxVersion; version++) {
    const { errorCode, responseData, received } = await send(creation(version));
    assertEquals(errorCode, ErrorCode.NONE);
    const reader = new ByteReader(responseData!);
    assertEquals(readResponseHeader(reader, createTopics, version), 41);
    const { topics } = createTopics.responseCodec(version).read(reader);
    assertEquals(topics.map(({ name, errorCode }) => [name, errorCode]), [["events", 0]]);
    assertEquals(reader.offset, responseData!.length);
    assertEquals(received.map(({ names, clientId }) => [names, clientId]), [[["events"], "tool"]]);
  }
});

test("Envelope gives the client's address to the handler", async () => {
  const { received } = await send(creation(7));
  assertEquals(received[0]!.connection.remoteAddress.host, "10.1.2.3");
  const six = Uint8Array.from([...Array(15).fill(0), 1]);
  const { received: [local] } = await send(creation(7), { address: six });
  assertEquals(local!.connection.remoteAddress.host, "::1");
});

test("Envelope serves others while a large answer is encoded", async () => {
  const names = Array.from({ length: 5_000 }, (_, index) => `topic-${index}`);
  const clock = steppingClock(REQUESTS_TURN_MS + 1);
  const large = requestOf(createTopics, 7, {
    topics: names.map((name) => ({
      name,
      numPartitions: 1,
      replicationFactor: 1,
      assignments: [],
      configs: [],
    })),
  });
  const { responseData } = await send(large, { clock });
  assertEquals(clock.turns > 20, true);
  const reader = new ByteReader(responseData!);
  readResponseHeader(reader, createTopics, 7);
  const { topics } = createTopics.responseCodec(7).read(reader);
  assertEquals(topics.map(({ name }) => name), names);
});

test("Envelope answers a failed request in the request's own form", async () => {
  const failure = new KafkaError(ErrorCode.POLICY_VIOLATION, "Cannot do so much at once");
  const { errorCode, responseData } = await send(creation(7), { failure });
  assertEquals(errorCode, ErrorCode.NONE);
  const reader = new ByteReader(responseData!);
  readResponseHeader(reader, createTopics, 7);
  const { topics: [topic] } = createTopics.responseCodec(7).read(reader);
  assertEquals(topic!.errorCode, ErrorCode.POLICY_VIOLATION);
  assertEquals(topic!.errorMessage, "Cannot do so much at once");
});

test("Envelope answers NOT_CONTROLLER itself if the controller is not active", async () => {
  const failure = new KafkaError(ErrorCode.NOT_CONTROLLER, "Cannot decide");
  const { errorCode, responseData } = await send(creation(7), { failure });
  assertEquals([errorCode, responseData], [ErrorCode.NOT_CONTROLLER, null]);
});

test("Envelope rejects requests that may not be forwarded with INVALID_REQUEST", async () => {
  const inside = {
    requestData: creation(7),
    requestPrincipal: PRINCIPAL,
    clientHostAddress: ADDRESS,
  };
  for (
    const bytes of [
      requestOf(envelope, 0, inside),
      requestOf(allocateProducerIds, 0, { brokerId: 1, brokerEpoch: 1 }),
      header(produce.key, 9),
      header(999, 0),
      header(-1, 0),
    ]
  ) {
    const { errorCode, responseData, received } = await send(bytes);
    assertEquals([errorCode, responseData, received], [ErrorCode.INVALID_REQUEST, null, []]);
  }
});

test("Envelope answers UNSUPPORTED_VERSION to requests that it cannot decode", async () => {
  const whole = creation(7);
  const cut = Array.from({ length: whole.length - 1 }, (_, length) => whole.subarray(0, length));
  for (
    const bytes of [
      ...cut,
      header(createTopics.key, createTopics.maxVersion + 1),
      header(createTopics.key, -1),
      header(deleteTopics.key, 6),
    ]
  ) {
    const { errorCode, responseData, received } = await send(bytes);
    assertEquals([errorCode, responseData, received], [ErrorCode.UNSUPPORTED_VERSION, null, []]);
  }
});

test("Envelope rejects principals and addresses that it cannot decode", async () => {
  const { PRINCIPAL_DESERIALIZATION_FAILURE, INVALID_REQUEST, NONE } = ErrorCode;
  const codeOf = async (...given: Parameters<typeof send>) => (await send(...given)).errorCode;
  for (const principal of [new Uint8Array(0), Uint8Array.of(0, 9), PRINCIPAL.subarray(0, 5)]) {
    assertEquals(await codeOf(creation(7), { principal }), PRINCIPAL_DESERIALIZATION_FAILURE);
  }
  assertEquals(await codeOf(creation(7), { principal: null }), NONE);
  for (const length of [0, 3, 5, 17]) {
    assertEquals(await codeOf(creation(7), { address: new Uint8Array(length) }), INVALID_REQUEST);
  }
});
