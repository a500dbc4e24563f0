import { assertEquals } from "@std/assert";
import { encodeInChunks, sourceOf } from "../../../src/network/server/large_answers.ts";
import { atOnce } from "../../../src/protocol/records/compression/steps.ts";
import { array, codecOf, int32, nested, string, struct } from "../../../src/protocol/schema.ts";
import { fetch } from "../../../src/protocol/messages/fetch.ts";
import { metadata } from "../../../src/protocol/messages/metadata.ts";
import { ByteWriter } from "../../../src/protocol/wire.ts";
import { test } from "../../harness.ts";

const shape = struct({
  topics: array(struct({ name: string(), partitions: array(int32(), { nullable: "0+" }) })),
  more: array(int32(), { versions: "1+", default: null, nullable: "1+" }),
  inner: nested(struct({ values: array(string()) }), { nullable: "0+" }),
});
const value = {
  topics: Array.from({ length: 300 }, (_, topic) => ({
    name: `topic-${topic}`,
    partitions: topic % 7 === 0 ? null : Array.from({ length: topic % 5 === 0 ? 400 : 3 }, () => 1),
  })),
  inner: { values: Array.from({ length: 200 }, (_, index) => "x".repeat(index * 20)) },
};

test("a value written in steps has the same bytes, in chunks", () => {
  for (const version of [0, 1]) {
    for (const flexible of [false, true]) {
      for (const inner of [value.inner, null]) {
        const codec = codecOf(shape, version, flexible);
        const whole = new ByteWriter();
        codec.write(whole, { ...value, inner });
        const chunks = atOnce(encodeInChunks(codec.inSteps!, { ...value, inner }));
        const source = sourceOf(chunks);
        const copied = new Uint8Array(source.byteLength);
        // Pieces that begin and end within chunks, and some that span several.
        for (let at = 0, size = 1; at < copied.length; at += size, size = size * 7 % 100_003) {
          source.copyTo(copied.subarray(at, at + size), at);
        }
        assertEquals(copied, whole.toBytes());
        assertEquals(chunks.length > 1, true);
      }
    }
  }
});

test("a value is written in steps of at most a few hundred elements", () => {
  const { inSteps } = codecOf(shape, 0, true);
  const elements = inSteps!.count(value);
  const nestedOnes = value.topics.reduce(
    (sum, { partitions }) => sum + (partitions?.length ?? 0),
    0,
  );
  assertEquals(elements, 300 + nestedOnes + 200);
  let steps = 0;
  for (const _ of encodeInChunks(inSteps!, value)) steps++;
  assertEquals(steps >= elements / 256, true);
});

test("a value without arrays or with records is written at once", () => {
  assertEquals(codecOf(struct({ name: string() }), 0, false).inSteps, undefined);
  assertEquals(fetch.responseCodec(16).inSteps, undefined);
  assertEquals(typeof metadata.responseCodec(12).inSteps, "object");
});
