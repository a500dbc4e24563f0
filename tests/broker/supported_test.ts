import { assertEquals } from "@std/assert";
import { existsSync, readFileSync } from "node:fs";
import { SUPPORTED } from "../../src/broker/supported.ts";
import { test } from "../harness.ts";
import { allApis } from "../protocol/all_messages.ts";
import { KAFKA_CONTROLLER_REQUESTS, KAFKA_REQUESTS } from "./kafka_requests.ts";

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

test("docs/compatibility.md lists exactly the requests of Apache Kafka's controllers", () => {
  if (!existsSync("README.md")) return;
  const page = readFileSync("docs/compatibility.md", "utf8").replace(/\s+/g, " ");
  const [, list] = /of which Millrace serves none: ([^.]*)\./.exec(page)!;
  const names = [...KAFKA_CONTROLLER_REQUESTS.values()];
  assertEquals(list!.split(/, | and /), names);
  assertEquals(names.filter((name) => served.includes(name)), []);
});

test("every request of Apache Kafka's controllers has a message", () => {
  const declared = new Map(allApis.map(({ key, name }) => [key, name]));
  const missing = [...KAFKA_CONTROLLER_REQUESTS]
    .filter(([key, name]) => declared.get(key) !== name);
  assertEquals(missing, []);
});
