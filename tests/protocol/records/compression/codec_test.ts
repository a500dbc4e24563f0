import { assertEquals } from "@std/assert";
import {
  compress,
  type CompressionType,
  compressionTypeOfId,
  decompress,
  idOfCompressionType,
} from "../../../../src/protocol/records/compression/codec.ts";
import type { HostCodecs } from "../../../../src/runtime/runtime.ts";
import { RecordError } from "../../../../src/protocol/records/record_error.ts";
import { seedCount, test } from "../../../harness.ts";
import {
  hostCodecs,
  ourZstd,
  randomBytes,
  randomSource,
  reasonOf,
  sampleJson,
  utf8,
} from "../record_helpers.ts";

const SUBJECTS: { name: string; type: CompressionType; host?: HostCodecs }[] = [
  { name: "gzip", type: "gzip", host: hostCodecs },
  { name: "snappy", type: "snappy" },
  { name: "lz4", type: "lz4" },
  { name: "zstd with our decoder", type: "zstd", host: ourZstd },
  { name: "the host's zstd", type: "zstd", host: hostCodecs },
];

/** Inputs that exercise the different paths of a compressor. */
function* inputs(): Generator<Uint8Array> {
  const random = randomSource(7);
  for (let length = 0; length < 80; length++) {
    yield randomBytes(random, length);
    yield new Uint8Array(length).fill(7);
  }
  for (const length of [32_767, 32_768, 32_769, 65_535, 65_536, 65_537, 200_000]) {
    yield sampleJson(length);
    yield randomBytes(random, length);
    yield new Uint8Array(length);
  }
  for (let round = 0; round < 60; round++) {
    // Runs and repetitions of random lengths and distances.
    const bytes = randomBytes(random, 1 + random(3000));
    for (let edits = random(60); edits > 0; edits--) {
      const at = random(bytes.length);
      const from = random(bytes.length);
      bytes.copyWithin(at, from, from + random(random(2) === 0 ? 12 : 400));
      if (random(3) === 0) bytes.fill(random(256), at, at + random(300));
    }
    yield bytes;
  }
}

for (const { name, type, host } of SUBJECTS) {
  test(`${name} round-trips every input`, () => {
    for (const bytes of inputs()) {
      const packed = compress(type, bytes, undefined, host).slice();
      assertEquals(decompress(type, packed, bytes.length, host), bytes);
    }
  });

  test(`${name} compresses repetitive data`, () => {
    const json = sampleJson(100_000);
    assertEquals(compress(type, json, undefined, host).length < 50_000, true);
    const zeros = new Uint8Array(100_000);
    assertEquals(compress(type, zeros, undefined, host).length < 6_000, true);
    const noise = randomBytes(randomSource(3), 100_000);
    assertEquals(compress(type, noise, undefined, host).length < 100_200, true);
  });

  test(`${name} rejects a decompression bomb at its limit`, () => {
    for (const size of [100_000, 20_000_000]) {
      const bomb = compress(type, new Uint8Array(size), undefined, host);
      assertEquals(decompress(type, bomb, size, host).length, size);
      assertEquals(reasonOf(() => decompress(type, bomb, size - 1, host)), "too-large");
      assertEquals(reasonOf(() => decompress(type, bomb, 0, host)), "too-large");
    }
  });

  test(`${name} data truncated at any byte are rejected`, () => {
    const packed = compress(type, sampleJson(1500), undefined, host);
    for (let length = 0; length < packed.length; length++) {
      const cut = packed.subarray(0, length);
      // The framed snappy has no end mark, so without its last chunk it is a valid shorter stream.
      if (type === "snappy" && length === 16) continue;
      assertEquals(reasonOf(() => decompress(type, cut, 10_000, host)), "invalid");
    }
  });

  test(`${name} data with changed bytes decompress or throw a RecordError`, () => {
    const random = randomSource(11);
    const originals = [sampleJson(3000), new Uint8Array(5000), randomBytes(random, 300)];
    for (let round = 0; round < seedCount(600, 3000); round++) {
      const packed = compress(
        type,
        originals[round % 3]!.slice(0, 50 + random(3000)),
        1,
        hostCodecs,
      )
        .slice();
      for (let changes = 1 + random(3); changes > 0; changes--) {
        packed[random(packed.length)] = random(3) === 0 ? 0xff : random(256);
      }
      try {
        assertEquals(decompress(type, packed, 20_000, host).length <= 20_000, true);
      } catch (error) {
        if (!(error instanceof RecordError)) throw error;
      }
    }
  });
}

test("compression ids are Kafka's", () => {
  assertEquals(
    ["none", "gzip", "snappy", "lz4", "zstd"],
    [0, 1, 2, 3, 4].map(compressionTypeOfId) as string[],
  );
  assertEquals(idOfCompressionType("zstd"), 4);
  assertEquals(reasonOf(() => compressionTypeOfId(5)), "unsupported-compression");
  assertEquals(reasonOf(() => decompress("gzip", utf8("x"), 10)), "unsupported-compression");
  assertEquals(reasonOf(() => compress("zstd", utf8("x"))), "unsupported-compression");
});
