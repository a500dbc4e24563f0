import { assertEquals } from "@std/assert";
import { Interceptions } from "../../src/cluster/interceptions.ts";
import type { RequestContext } from "../../src/network/server/handler.ts";
import { fetch } from "../../src/protocol/messages/fetch.ts";
import { test } from "../harness.ts";

test("interceptors run in the order of their addition and pass changed requests on", () => {
  const interceptions = new Interceptions([fetch]);
  const run = (request: unknown) =>
    interceptions.at(7)(
      { name: "Fetch", request, context: {} as RequestContext<unknown> },
      (changed = request) => `answer to ${changed}`,
    );
  assertEquals(run("a"), "answer to a");
  const first = interceptions.add(
    fetch.key,
    ({ request, nodeId }, next) => `${next(`${request}${nodeId}`)}!`,
  );
  const second = interceptions.add("Fetch", ({ request }, next) => `${next()} (${request})`);
  assertEquals(run("a"), "answer to a7 (a7)!");
  first.remove();
  first.remove();
  assertEquals(run("a"), "answer to a (a)");
  second[Symbol.dispose]();
  assertEquals(run("a"), "answer to a");
});
