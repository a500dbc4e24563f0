import { assertEquals } from "@std/assert";
import { existsSync, readFileSync } from "node:fs";
import { SUPPORTED } from "../../src/broker/supported.ts";
import { CONTROLLER_LISTENER } from "../../src/controller/requests/supported.ts";
import { test } from "../harness.ts";
import { allApis } from "../protocol/all_messages.ts";
import {
  KAFKA_CONTROLLER_LISTENER,
  KAFKA_CONTROLLER_REQUESTS,
  KAFKA_REQUESTS,
} from "./kafka_requests.ts";

const kafkas = [...KAFKA_REQUESTS.values()];
const served = SUPPORTED.map(({ api }) => api.name);

test("SUPPORTED has no request that Apache Kafka does not serve", () => {
  const unknown = SUPPORTED.filter(({ api }) => KAFKA_REQUESTS.get(api.key) !== api.name);
  assertEquals(unknown.map(({ api }) => api.name), []);
});

test("docs/compatibility.md lists exactly the requests of Apache Kafka that are not served", () => {
  // A bundled test may run elsewhere.
  if (!existsSync("README.md")) return;
  const page = readFileSync("docs/compatibility.md", "utf8").replace(/\s+/g, " ");
  const [, list] = /Requests of Apache Kafka 4\.4 that are not served: ([^.]*)\./.exec(page)!;
  const named = list!.split(/, | and /);
  assertEquals(named.sort(), kafkas.filter((name) => !served.includes(name)).sort());
  const readme = readFileSync("README.md", "utf8");
  for (const text of [readme, page]) {
    assertEquals(Number(/(\d+) requests\b/.exec(text)![1]), served.length);
  }
});

test("docs/compatibility.md lists exactly the requests of Kafka's controllers that are not served", () => {
  if (!existsSync("README.md")) return;
  const page = readFileSync("docs/compatibility.md", "utf8").replace(/\s+/g, " ");
  const [, list] = /controllers of Apache Kafka serve and those of Millrace do not: ([^.]*)\./
    .exec(page)!;
  const names = [...KAFKA_CONTROLLER_LISTENER.values()];
  const onController = CONTROLLER_LISTENER.map(({ api }) => api.name);
  assertEquals(
    list!.split(/, | and /).sort(),
    names.filter((name) => !onController.includes(name)).sort(),
  );
  const [, count] = /A controller serves (\d+)/.exec(page)!;
  assertEquals(Number(count), onController.length);
});

test("CONTROLLER_LISTENER has no request that Apache Kafka's controllers do not serve", () => {
  const unknown = CONTROLLER_LISTENER.filter(({ api }) =>
    KAFKA_CONTROLLER_LISTENER.get(api.key) !== api.name
  );
  assertEquals(unknown.map(({ api }) => api.name), []);
});

test("brokers serve no request that only controllers serve", () => {
  const names = [...KAFKA_CONTROLLER_REQUESTS.values()];
  assertEquals(names.filter((name) => served.includes(name)), []);
});

test("every request of Apache Kafka's controllers has a message", () => {
  const declared = new Map(allApis.map(({ key, name }) => [key, name]));
  const missing = [...KAFKA_CONTROLLER_REQUESTS]
    .filter(([key, name]) => declared.get(key) !== name);
  assertEquals(missing, []);
});
