import { assertEquals, assertThrows } from "@std/assert";
import { clientSettings, parseBootstrapServers } from "../../src/client/client_options.ts";
import { consumerSettings } from "../../src/client/consumer_options.ts";
import { Producer } from "../../src/client/producer.ts";
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

test("Producer refuses options that exclude each other", () => {
  const bootstrapServers = "a:1";
  const make = (options: Record<string, unknown>) => () =>
    new Producer({ bootstrapServers, ...options });
  assertThrows(make({ acks: 1, idempotent: true }), TypeError, `"idempotent"`);
  assertThrows(make({ acks: 2 }), TypeError, `"acks"`);
  assertThrows(make({ compression: "brotli" }), TypeError, `"compression"`);
  assertThrows(make({ maxInFlight: 6 }), TypeError, `"maxInFlight"`);
});

test("consumerSettings() refuses what makes no sense", () => {
  const base = { bootstrapServers: "a:1", topics: "t" };
  assertEquals(consumerSettings(base).topics, ["t"]);
  assertEquals(consumerSettings(base).from, "earliest");
  assertEquals(consumerSettings({ ...base, topics: ["t", "u", "t"] }).topics, ["t", "u"]);
  assertThrows(() => consumerSettings({ ...base, topics: [] }), TypeError, `"topics" is empty`);
  assertThrows(
    () => consumerSettings({ ...base, partitions: [0], groupId: "g" }),
    TypeError,
    "exclude each other",
  );
  assertThrows(
    () => consumerSettings({ ...base, topics: ["t", "u"], partitions: [0] }),
    TypeError,
    "needs one topic",
  );
  assertThrows(() => consumerSettings({ ...base, from: -3 }), TypeError, `"from" cannot be -3`);
});
