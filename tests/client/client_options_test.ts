import { assertEquals, assertThrows } from "@std/assert";
import { clientSettings, parseBootstrapServers } from "../../src/client/client_options.ts";
import { Admin } from "../../src/client/admin/admin.ts";
import { Consumer } from "../../src/client/consumer/consumer.ts";
import {
  type ConsumerOptions,
  consumerSettings,
} from "../../src/client/consumer/consumer_options.ts";
import { Producer, type ProducerOptions } from "../../src/client/producer/producer.ts";
import { MAX_INT64 } from "../../src/protocol/int64.ts";
import { test } from "../harness.ts";

test("parseBootstrapServers() parses lists, IPv6 addresses and blanks", () => {
  assertEquals(parseBootstrapServers("127.0.0.1:9092"), [{ host: "127.0.0.1", port: 9092 }]);
  assertEquals(parseBootstrapServers(" a:1 , [::1]:2,"), [
    { host: "a", port: 1 },
    { host: "::1", port: 2 },
  ]);
  assertEquals(parseBootstrapServers(["a:1", "b:65535"]), [
    { host: "a", port: 1 },
    { host: "b", port: 65535 },
  ]);
});

test("parseBootstrapServers() quotes an invalid address", () => {
  for (
    const text of ["localhost", "localhost:", "localhost:0", "localhost:65536", ":9092", "::1:9"]
  ) {
    assertThrows(() => parseBootstrapServers(text), TypeError, `"${text}"`);
  }
  assertThrows(() => parseBootstrapServers(""), TypeError, "is empty");
});

test("clientSettings() names an invalid option", () => {
  const bootstrapServers = "a:1";
  assertEquals(clientSettings({ bootstrapServers }).retries, 10);
  assertThrows(
    () => clientSettings({ bootstrapServers, requestTimeoutMs: 0 }),
    TypeError,
    `"requestTimeoutMs" cannot be 0`,
  );
  assertThrows(() => clientSettings({ bootstrapServers, retries: 1.5 }), TypeError, `"retries"`);
});

test("clients reject unknown options and suggest the closest", () => {
  const bootstrapServers = "a:1";
  const refused: readonly (readonly [() => unknown, string])[] = [
    [
      () => new Producer({ bootstrapServers, ...{ batchsize: 1 } }),
      'Producer has no option "batchsize", did you mean "batchSize"?',
    ],
    [
      () => new Producer({ bootstrapServers, ...{ groupId: "g" } }),
      'Producer has no option "groupId"',
    ],
    [
      () => new Consumer({ bootstrapServers, topics: "t", ...{ topic: "t" } }),
      'Consumer has no option "topic", did you mean "topics"?',
    ],
    [
      () => new Admin({ bootstrapServers, ...{ requestTimeout: 1 } }),
      'Admin has no option "requestTimeout", did you mean "requestTimeoutMs"?',
    ],
  ];
  for (const [make, message] of refused) assertThrows(make, TypeError, message);
});

/** Options that are rejected, and the reason. */
const REFUSED_BY_PRODUCER: readonly (readonly [Record<string, unknown>, string])[] = [
  [{ bootstrapServers: undefined }, '"bootstrapServers" must be a string or a list of strings'],
  [{ bootstrapServers: [1] }, '"bootstrapServers" must be a string or a list of strings'],
  [{ clientId: "" }, '"clientId" cannot be "": expected a non-empty string'],
  [{ clientId: 7 }, '"clientId" cannot be 7: expected a non-empty string'],
  [{ requestTimeoutMs: "5" }, '"requestTimeoutMs" cannot be "5": expected an integer'],
  [
    { retryBackoffMs: 5_000 },
    '"retryBackoffMs" cannot be 5000: it must not exceed "retryBackoffMaxMs", which is 1000',
  ],
  [{ acks: 1, idempotent: true }, '"idempotent" needs "acks" to be "all", not 1'],
  [{ acks: 2 }, '"acks" cannot be 2: expected "all", 1, 0'],
  [{ idempotent: "yes" }, '"idempotent" cannot be "yes": expected true, false'],
  [{ compression: "brotli" }, '"compression" cannot be "brotli": expected "none", "gzip"'],
  [{ maxInFlight: 6 }, '"maxInFlight" cannot be 6'],
  [
    { batchSize: 2_000_000 },
    '"batchSize" cannot be 2000000: it must not exceed "maxRequestBytes", which is 1048576',
  ],
  [
    { lingerMs: 200, deliveryTimeoutMs: 100 },
    '"lingerMs" cannot be 200: it must not exceed "deliveryTimeoutMs", which is 100',
  ],
];

const REFUSED_BY_CONSUMER: readonly (readonly [Record<string, unknown>, string])[] = [
  [{ topics: [] }, '"topics" is empty'],
  [{ topics: [""] }, '"topics" cannot be [""]: expected the name of a topic, or a list'],
  [{ topics: undefined }, '"topics" cannot be undefined'],
  [{ partitions: [0], groupId: "g" }, '"partitions" and "groupId" exclude each other'],
  [{ topics: ["t", "u"], partitions: [0] }, '"partitions" needs a single topic, "topics" has 2'],
  [{ partitions: [] }, '"partitions" is empty'],
  [{ partitions: [-1] }, '"partitions" cannot be -1'],
  [{ from: -3 }, '"from" cannot be -3'],
  [{ from: "begin" }, '"from" cannot be "begin"'],
  [{ groupId: "" }, '"groupId" cannot be "": expected a non-empty string'],
  [{ groupInstanceId: "i" }, '"groupInstanceId" needs "groupId"'],
  [{ sessionTimeoutMs: 1_000 }, '"sessionTimeoutMs" needs "groupId"'],
  [{ rebalanceTimeoutMs: 1_000 }, '"rebalanceTimeoutMs" needs "groupId"'],
  [{ heartbeatIntervalMs: 1_000 }, '"heartbeatIntervalMs" needs "groupId"'],
  [{ autoCommitIntervalMs: 1_000 }, '"autoCommitIntervalMs" needs "groupId"'],
  [{ autoCommit: true }, '"autoCommit" needs "groupId"'],
  [{ groupId: "g", autoCommit: "no" }, '"autoCommit" cannot be "no": expected true, false'],
  [
    { groupId: "g", heartbeatIntervalMs: 50_000 },
    '"heartbeatIntervalMs" cannot be 50000: it must not exceed "sessionTimeoutMs", which is 45000',
  ],
  [
    { onOffsetOutOfRange: "ignore" },
    '"onOffsetOutOfRange" cannot be "ignore": expected "earliest"',
  ],
  [
    { minBytes: 5, maxBytes: 4 },
    '"minBytes" cannot be 5: it must not exceed "maxBytes", which is 4',
  ],
  [
    { maxBytes: 134_217_729 },
    '"maxBytes" cannot be 134217729: it must not exceed "maxResponseBytes", which is 134217728',
  ],
];

test("Producer rejects invalid and contradictory options", () => {
  for (const [options, message] of REFUSED_BY_PRODUCER) {
    const all = { bootstrapServers: "a:1", ...options } as ProducerOptions;
    assertThrows(() => new Producer(all), TypeError, message);
  }
});

test("Consumer rejects invalid and contradictory options", () => {
  for (const [options, message] of REFUSED_BY_CONSUMER) {
    const all = { bootstrapServers: "a:1", topics: "t", ...options } as ConsumerOptions;
    assertThrows(() => new Consumer(all), TypeError, message);
  }
});

test("consumerSettings() applies defaults", () => {
  const base = { bootstrapServers: "a:1", topics: "t" };
  assertEquals(consumerSettings(base).topics, ["t"]);
  assertEquals(consumerSettings(base).from, "earliest");
  assertEquals(consumerSettings({ ...base, topics: ["t", "u", "t"] }).topics, ["t", "u"]);
  assertEquals(consumerSettings(base).autoCommit, false);
  assertEquals(consumerSettings({ ...base, autoCommit: false }).autoCommit, false);
  const group = { ...base, groupId: "g" };
  assertEquals(consumerSettings(group).autoCommit, true);
  assertEquals(consumerSettings(group).heartbeatIntervalMs, 3_000);
  assertEquals(consumerSettings({ ...group, sessionTimeoutMs: 1_000 }).heartbeatIntervalMs, 334);
  for (const timestamp of [0, 1_700_000_000_000_000_001n, MAX_INT64]) {
    assertEquals(consumerSettings({ ...base, from: { timestamp } }).from, { timestamp });
  }
  for (const timestamp of [-1, 2 ** 53, 0.5, -1n, MAX_INT64 + 1n]) {
    assertThrows(
      () => consumerSettings({ ...base, from: { timestamp } }),
      TypeError,
      `"from" cannot be {"timestamp":`,
    );
  }
});
