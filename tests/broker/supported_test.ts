import { assertEquals } from "@std/assert";
import { existsSync, readFileSync } from "node:fs";
import { SUPPORTED } from "../../src/broker/supported.ts";
import { test } from "../harness.ts";
import { KAFKA_REQUESTS } from "./kafka_requests.ts";

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
