import { assertEquals } from "@std/assert";
import { ForwardedRequest } from "../../src/broker/forwarded_request.ts";
import { OWN_NODE } from "../../src/controller/requests/local_controller.ts";
import { REQUESTS_TURN_MS } from "../../src/limits.ts";
import type { AnyApi } from "../../src/protocol/api.ts";
import { apiTable, readRequestHeader } from "../../src/protocol/header.ts";
import { createTopics } from "../../src/protocol/messages/create_topics.ts";
import { ByteReader } from "../../src/protocol/wire.ts";
import { test } from "../harness.ts";
import { steppingClock } from "../network/server/stepping_clock.ts";

test("a large forwarded request is encoded in steps, once", async () => {
  const topics = Array.from({ length: 5_000 }, (_, index) => ({
    name: `topic-${index}`,
    numPartitions: 1,
    replicationFactor: 1,
    assignments: [],
    configs: [],
  }));
  const api = createTopics as unknown as AnyApi;
  const context = { ...OWN_NODE, clientId: "tool", apiVersion: 7 };
  const forwarded = new ForwardedRequest(
    api,
    { topics, timeoutMs: 1, validateOnly: true },
    context,
  );
  const clock = steppingClock(REQUESTS_TURN_MS + 1);
  const bytes = await forwarded.bytes(clock);
  const { turns } = clock;
  assertEquals(turns > 20, true);
  assertEquals(await forwarded.bytes(clock), bytes);
  assertEquals(clock.turns, turns);
  const reader = new ByteReader(bytes);
  assertEquals(readRequestHeader(reader, apiTable([api])).clientId, "tool");
  const read = createTopics.requestCodec(7).read(reader);
  assertEquals(read.topics, topics);
  assertEquals(reader.remaining, 0);
});
