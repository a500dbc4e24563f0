import { assertEquals, assertThrows } from "@std/assert";
import { clientSettings, parseBootstrapServers } from "../../src/client/client_options.ts";
import { Admin } from "../../src/client/admin.ts";
import { Consumer } from "../../src/client/consumer.ts";
import { type ConsumerOptions, consumerSettings } from "../../src/client/consumer_options.ts";
import { Producer, type ProducerOptions } from "../../src/client/producer.ts";
import { MAX_INT64 } from "../../src/protocol/int64.ts";
import { test } from "../harness.ts";

test("parseBootstrapServers() reads lists, IPv6 and blanks", () => {
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

test("parseBootstrapServers() quotes what it cannot read", () => {
  for (
    const text of ["localhost", "localhost:", "localhost:0", "localhost:65536", ":9092", "::1:9"]
  ) {
    assertThrows(() => parseBootstrapServers(text), TypeError, `"${text}"`);
  }
  assertThrows(() => parseBootstrapServers(""), TypeError, "is empty");
});

test("clientSettings() names the option that makes no sense", () => {
  const bootstrapServers = "a:1";
  assertEquals(clientSettings({ bootstrapServers }).retries, 10);
  assertThrows(
    () => clientSettings({ bootstrapServers, requestTimeoutMs: 0 }),
    TypeError,
    `"requestTimeoutMs" cannot be 0`,
  );
  assertThrows(() => clientSettings({ bootstrapServers, retries: 1.5 }), TypeError, `"retries"`);
});

test("clients refuse options that do not exist and name the nearest", () => {
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

/** Options that are refused, and the reason. */
const REFUSED_BY_PRODUCER: readonly (readonly [Record<string, unknown>, string])[] = [
  [{ bootstrapServers: undefined }, '"bootstrapServers" takes a text or a list of them'],
  [{ bootstrapServers: [1] }, '"bootstrapServers" takes a text or a list of them'],
  [{ clientId: "" }, '"clientId" cannot be "": it takes a text'],
  [{ clientId: 7 }, '"clientId" cannot be 7: it takes a text'],
  [{ requestTimeoutMs: "5" }, '"requestTimeoutMs" cannot be "5": it takes a whole number'],
  [
    { retryBackoffMs: 5_000 },
    '"retryBackoffMs" cannot be 5000: it must not be above "retryBackoffMaxMs", 1000',
  ],
  [{ acks: 1, idempotent: true }, '"idempotent" needs "acks" to be "all", not 1'],
  [{ acks: 2 }, '"acks" cannot be 2: it takes "all", 1, 0'],
  [{ idempotent: "yes" }, '"idempotent" cannot be "yes": it takes true, false'],
  [{ compression: "brotli" }, '"compression" cannot be "brotli": it takes "none", "gzip"'],
  [{ maxInFlight: 6 }, '"maxInFlight" cannot be 6'],
  [
    { batchSize: 2_000_000 },
    '"batchSize" cannot be 2000000: it must not be above "maxRequestBytes", 1048576',
  ],
  [
    { lingerMs: 200, deliveryTimeoutMs: 100 },
    '"lingerMs" cannot be 200: it must not be above "deliveryTimeoutMs", 100',
  ],
];

const REFUSED_BY_CONSUMER: readonly (readonly [Record<string, unknown>, string])[] = [
  [{ topics: [] }, '"topics" is empty'],
  [{ topics: [""] }, '"topics" cannot be [""]: it takes the name of a topic, or a list'],
  [{ topics: undefined }, '"topics" cannot be undefined'],
  [{ partitions: [0], groupId: "g" }, '"partitions" and "groupId" exclude each other'],
  [{ topics: ["t", "u"], partitions: [0] }, '"partitions" needs one topic, "topics" has 2'],
  [{ partitions: [] }, '"partitions" is empty'],
  [{ partitions: [-1] }, '"partitions" cannot be -1'],
  [{ from: -3 }, '"from" cannot be -3'],
  [{ from: "begin" }, '"from" cannot be "begin"'],
  [{ groupId: "" }, '"groupId" cannot be "": it takes a text'],
  [{ groupInstanceId: "i" }, '"groupInstanceId" needs "groupId"'],
  [{ sessionTimeoutMs: 1_000 }, '"sessionTimeoutMs" needs "groupId"'],
  [{ rebalanceTimeoutMs: 1_000 }, '"rebalanceTimeoutMs" needs "groupId"'],
  [{ heartbeatIntervalMs: 1_000 }, '"heartbeatIntervalMs" needs "groupId"'],
  [{ autoCommitIntervalMs: 1_000 }, '"autoCommitIntervalMs" needs "groupId"'],
  [{ autoCommit: true }, '"autoCommit" needs "groupId"'],
  [{ groupId: "g", autoCommit: "no" }, '"autoCommit" cannot be "no": it takes true, false'],
  [
    { groupId: "g", heartbeatIntervalMs: 50_000 },
    '"heartbeatIntervalMs" cannot be 50000: it must not be above "sessionTimeoutMs", 45000',
  ],
  [
    { onOffsetOutOfRange: "ignore" },
    '"onOffsetOutOfRange" cannot be "ignore": it takes "earliest"',
  ],
  [{ minBytes: 5, maxBytes: 4 }, '"minBytes" cannot be 5: it must not be above "maxBytes", 4'],
  [
    { maxBytes: 134_217_729 },
    '"maxBytes" cannot be 134217729: it must not be above "maxResponseBytes", 134217728',
  ],
];

test("Producer refuses options that do not fit or contradict each other", () => {
  for (const [options, message] of REFUSED_BY_PRODUCER) {
    const all = { bootstrapServers: "a:1", ...options } as ProducerOptions;
    assertThrows(() => new Producer(all), TypeError, message);
  }
});

test("Consumer refuses options that do not fit or contradict each other", () => {
  for (const [options, message] of REFUSED_BY_CONSUMER) {
    const all = { bootstrapServers: "a:1", topics: "t", ...options } as ConsumerOptions;
    assertThrows(() => new Consumer(all), TypeError, message);
  }
});

test("consumerSettings() fills in what is left out", () => {
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
