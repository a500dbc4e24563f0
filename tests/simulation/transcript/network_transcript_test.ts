import { assert, assertEquals } from "@std/assert";
import { test } from "../../harness.ts";
import { runSingleBroker } from "../single_broker.ts";

test("a run with decoded frames has the same trace, and names requests and errors", async () => {
  const plain = await runSingleBroker(1);
  const decoded = await runSingleBroker(1, { decodesFrames: true });
  assertEquals(decoded.traceHash, plain.traceHash);
  assertEquals(decoded.counts, plain.counts);
  const isPlain = (line: string) => !/^\d+ {3}\S+ > \S+ /.test(line);
  assertEquals(decoded.transcript.filter(isPlain), plain.transcript);
  const has = (pattern: RegExp) => decoded.transcript.some((line) => pattern.test(line));
  assert(has(/producer-0:\d+ > broker:9092 Produce v9 #\d+ by raw: events-0$/));
  assert(has(/broker:9092 > producer-1:\d+ Produce v9 #\d+ response: NONE$/));
  assert(!has(/cannot be decoded|no frame/));
});
