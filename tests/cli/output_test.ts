import { assert, assertEquals } from "@std/assert";
import { ConsumerRecord } from "../../mod.ts";
import { formatRecord } from "../../cli/consumer.ts";
import { rowOf } from "../../cli/consumer_eval.ts";
import { csvRow } from "../../cli/csv.ts";
import { LatencyHistogram } from "../../cli/latency.ts";
import { columns, milliseconds, rate, whole } from "../../cli/output.ts";
import { parseLine } from "../../cli/producer.ts";
import { VERSION } from "../../cli/version.ts";
import config from "../../deno.json" with { type: "json" };
import { test } from "../harness.ts";

const utf8 = new TextEncoder();
const record = (key: string | null, value: string | null) =>
  new ConsumerRecord("chat", 1, {
    offset: 42,
    timestamp: 0,
    key: key === null ? null : utf8.encode(key),
    value: value === null ? null : utf8.encode(value),
    headers: [],
  });

test("csvRow() quotes fields with commas, quotes and line breaks", () => {
  assertEquals(csvRow(["a", 1, ""]), "a,1,\n");
  assertEquals(csvRow(["a,b", 'say "hi"', "two\nlines"]), '"a,b","say ""hi""","two\nlines"\n');
});

test("formatRecord() and rowOf() format records as lines and as rows", () => {
  assertEquals(formatRecord(record("k", "v")), "[chat-1-42]: (k:v)\n");
  assertEquals(formatRecord(record(null, null)), "[chat-1-42]: (null:null)\n");
  assertEquals(rowOf(record("k", "a,b")), 'chat,1,k,"a,b"\n');
  assertEquals(rowOf(record(null, "v")), "chat,1,,v\n");
});

test("parseLine() parses commands of the producer", () => {
  const send = (topic: string, key: string, ...values: string[]) =>
    ({ kind: "send", topic, key, values }) as const;
  assertEquals(parseLine("send chat alice hello  there "), send("chat", "alice", "hello  there "));
  assertEquals(parseLine("  send  chat  k  v"), send("chat", "k", " v"));
  assertEquals(parseLine("batch chat k a,b , c"), send("chat", "k", "a", "b", "c"));
  assertEquals(parseLine("batch chat k a"), send("chat", "k", "a"));
  assertEquals(parseLine("").kind, "nothing");
  assertEquals(parseLine("  ").kind, "nothing");
  assertEquals(parseLine("help").kind, "help");
  assertEquals(parseLine("quit").kind, "quit");
  for (const line of ["send", "send chat", "send chat k", "batch chat k ", "sned chat k v"]) {
    assertEquals(parseLine(line).kind, "wrong", line);
  }
});

test("LatencyHistogram is exact to two percent, and exact at its maximum", () => {
  const latencies = new LatencyHistogram();
  assertEquals(latencies.percentile(0.99), 0);
  for (let i = 1; i <= 10_000; i++) latencies.add(i / 10);
  const near = (fraction: number, ms: number) => {
    const found = latencies.percentile(fraction);
    assert(found >= ms && found <= ms * 1.02, `${fraction}: ${found}, ${ms} expected`);
  };
  near(0.5, 500);
  near(0.95, 950);
  near(0.99, 990);
  near(0.001, 1);
  assertEquals([latencies.percentile(1), latencies.max, latencies.count], [1_000, 1_000, 10_000]);
});

test("LatencyHistogram accepts zero, negative and huge values", () => {
  const latencies = new LatencyHistogram();
  for (const ms of [0, -5, 1e12]) latencies.add(ms);
  assertEquals([latencies.percentile(0.5), latencies.max], [0, 1e12]);
});

test("columns() aligns cells, and numbers are readable", () => {
  assertEquals(columns([["a", "bb", "c"], ["aaa", "b", ""]], 2), ["  a    bb  c", "  aaa  b"]);
  assertEquals([whole(1234567.4), rate(412345.6), rate(9.876)], ["1,234,567", "412346", "9.88"]);
  assertEquals([milliseconds(0.1234), milliseconds(12.34), milliseconds(123.4)], [
    "0.12",
    "12.3",
    "123",
  ]);
});

test("VERSION is the version in deno.json", () => {
  assertEquals(VERSION, config.version);
});
