import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { printRequests } from "../../cli/request_lines.ts";
import type { InterceptedRequest } from "../../mod.ts";
import { test } from "../harness.ts";

const remoteAddress = { host: "10.0.0.7", port: 50_000 };

function requestOf(clientId: string | null): InterceptedRequest {
  const context = { apiVersion: 12, clientId, connection: { remoteAddress } };
  return { name: "Produce", request: {}, context } as unknown as InterceptedRequest;
}

test("printRequests() prints each request with its client, outcome and duration", async () => {
  const lines: string[] = [];
  let nowMs = 0;
  const intercept = printRequests((line) => lines.push(line), () => nowMs += 2.5);
  assertEquals(intercept(requestOf("ann"), () => "answer"), "answer");
  assertEquals(intercept(requestOf(null), () => null), null);
  assertEquals(await intercept(requestOf("ann"), () => Promise.resolve("later")), "later");
  const fail = () => {
    throw new Error("no disk");
  };
  assertThrows(() => intercept(requestOf("ann"), fail), Error, "no disk");
  const reject = () => Promise.reject(new Error("no leader"));
  await assertRejects(async () => await intercept(requestOf("ann"), reject), Error, "no leader");
  const from = "Produce v12 from ann at 10.0.0.7:50000:";
  assertEquals(lines, [
    `${from} answered after 2.50 ms`,
    "Produce v12 from a client without a name at 10.0.0.7:50000: no answer after 2.50 ms",
    `${from} answered after 2.50 ms`,
    `${from} failed, no disk after 2.50 ms`,
    `${from} failed, no leader after 2.50 ms`,
  ]);
});
