import { assertEquals } from "@std/assert";
import { existsSync, readFileSync } from "node:fs";
import { SUPPORTED } from "../../src/broker/supported.ts";
import { test } from "../harness.ts";
import { KAFKA_REQUESTS } from "./kafka_requests.ts";

const kafkas = [...KAFKA_REQUESTS.values()];
const served = SUPPORTED.map(({ api }) => api.name);

test("no request is served that Apache Kafka does not serve", () => {
  const unknown = SUPPORTED.filter(({ api }) => KAFKA_REQUESTS.get(api.key) !== api.name);
  assertEquals(unknown.map(({ api }) => api.name), []);
});

test("README.md names every request of Apache Kafka that is not served, and no other", () => {
  // A bundled test may run elsewhere.
  if (!existsSync("README.md")) return;
  const readme = readFileSync("README.md", "utf8").replace(/\s+/g, " ");
  const [, list] = /Requests of Apache Kafka 4\.4 that are not served: ([^.]*)\./.exec(readme)!;
  const named = list!.split(/, | and /);
  assertEquals(named.sort(), kafkas.filter((name) => !served.includes(name)).sort());
  assertEquals(Number(/\| (\d+) requests,/.exec(readme)![1]), served.length);
});
