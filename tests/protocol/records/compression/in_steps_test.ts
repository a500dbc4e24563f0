import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  compress,
  type CompressionType,
  decompress,
} from "../../../../src/protocol/records/compression/codec.ts";
import {
  compressInSteps,
  decompressInSteps,
} from "../../../../src/protocol/records/compression/in_steps.ts";
import { atOnce } from "../../../../src/protocol/records/compression/steps.ts";
import {
  isSingleWholeFrame,
  readFrameHeader,
} from "../../../../src/protocol/records/compression/zstd/frame.ts";
import { RecordError } from "../../../../src/protocol/records/record_error.ts";
import type { HostCodecs } from "../../../../src/runtime/runtime.ts";
import { test } from "../../../harness.ts";
import { hostCodecs, ourZstd, randomBytes, randomSource, sampleJson } from "../record_helpers.ts";

interface Subject {
  readonly name: string;
  readonly type: CompressionType;
  readonly host?: HostCodecs;
  /** Whether compression in steps gives the same bytes as at once. */
  readonly isSame: boolean;
}

const SUBJECTS: readonly Subject[] = [
  { name: "gzip", type: "gzip", host: hostCodecs, isSame: false },
  { name: "snappy", type: "snappy", isSame: true },
  { name: "lz4", type: "lz4", isSame: true },
  { name: "zstd with our decoder", type: "zstd", host: ourZstd, isSame: false },
  { name: "the host's zstd", type: "zstd", host: hostCodecs, isSame: false },
];
const MEGABYTES = 4_194_304;
/** Minimum number of pauses for this many bytes. */
const FEWEST_PAUSES = MEGABYTES / 131_072;

const noPause = () => Promise.resolve();

/** Creates a counting pause. */
function countedPause(): { pause: () => Promise<void>; count: number } {
  const counted = { pause: () => Promise.resolve(void counted.count++), count: 0 };
  return counted;
}

/** Half noise, half text: literals and matches in every block. */
function mixture(length: number): Uint8Array {
  const bytes = sampleJson(length);
  const noise = randomBytes(randomSource(length), Math.ceil(length / 2));
  for (let at = 0; at < length; at += 2000) {
    bytes.set(noise.subarray(at / 2, Math.min(at / 2 + 1000, at / 2 + length - at)), at);
  }
  return bytes;
}

/** Each texture is created once per length for all subjects. */
const TEXTURES: Record<string, (length: number) => Uint8Array> = {
  json: once(sampleJson),
  zeros: once((length) => new Uint8Array(length)),
  noise: once((length) => randomBytes(randomSource(length), length)),
  mixture: once(mixture),
};

function once(make: (length: number) => Uint8Array): (length: number) => Uint8Array {
  const made = new Map<number, Uint8Array>();
  return (length) => {
    const bytes = made.get(length) ?? make(length);
    made.set(length, bytes);
    return bytes;
  };
}

/** Returns the bytes, or the reason of the error. */
async function outcome(run: () => Uint8Array | Promise<Uint8Array>): Promise<unknown> {
  try {
    return new Uint8Array(await run());
  } catch (error) {
    if (error instanceof RecordError) return error.reason;
    throw error;
  }
}

for (const { name, type, host, isSame } of SUBJECTS) {
  test(`${name} in steps and at once are compatible for every size and texture`, async () => {
    const sizes = [0, 1, 5, 100, 32_768, 32_769, 65_536, 65_537, 131_072, 131_073, 700_001];
    for (const [texture, make] of Object.entries(TEXTURES)) {
      for (const size of texture === "json" ? [...sizes, MEGABYTES] : sizes) {
        const bytes = make(size);
        const known = compress(type, bytes, undefined, host);
        const packed = await compressInSteps(type, bytes, host, noPause);
        assert(packed.length <= known.length * 1.05 + 20, `${texture} ${size}: ${packed.length}`);
        if (isSame) assertEquals(packed, known);
        assertEquals(decompress(type, packed, size, host), bytes);
        assertEquals(await decompressInSteps(type, known, size, host, noPause), bytes);
        assertEquals(await decompressInSteps(type, packed, size, host, noPause), bytes);
      }
    }
  });

  test(`${name} of 4 MiB pauses at least every 128 KiB, in both directions`, async () => {
    for (const make of Object.values(TEXTURES)) {
      const bytes = make(MEGABYTES);
      const packing = countedPause();
      const packed = await compressInSteps(type, bytes, host, packing.pause);
      assert(packing.count >= FEWEST_PAUSES - 1, `${packing.count} pauses of compression`);
      const unpacking = countedPause();
      await decompressInSteps(type, packed, MEGABYTES, host, unpacking.pause);
      assert(unpacking.count >= FEWEST_PAUSES, `${unpacking.count} pauses of decompression`);
    }
  });

  test(`${name} of up to 32 KiB takes one step`, async () => {
    const unwanted = () => Promise.reject(new Error("there was a pause"));
    for (const size of [0, 1000, 32_768]) {
      const bytes = sampleJson(size);
      const packed = await compressInSteps(type, bytes, host, unwanted);
      assertEquals(await decompressInSteps(type, packed, size, host, unwanted), bytes);
    }
  });

  test(`${name} in steps rejects a decompression bomb at its limit`, async () => {
    const bomb = compress(type, new Uint8Array(20_000_000), undefined, host);
    const run = (maxBytes: number, pause: () => Promise<void>) =>
      outcome(() => decompressInSteps(type, bomb, maxBytes, host, pause));
    assertEquals(((await run(20_000_000, noPause)) as Uint8Array).length, 20_000_000);
    for (const maxBytes of [0, 1, 65_535, 65_536, 65_537, 19_999_999]) {
      assertEquals(await run(maxBytes, noPause), "too-large");
    }
    // Rejected long before all of it is decompressed.
    const early = countedPause();
    assertEquals(await run(1_000_000, early.pause), "too-large");
    assert(early.count < 60, `${early.count} pauses`);
  });

  test(`${name} in steps has the same result as at once for truncated and changed data`, async () => {
    const random = randomSource(31);
    const reasons = new Set<unknown>();
    for (let round = 0; round < 60; round++) {
      const bytes = mixture(50 + random(round % 3 === 0 ? 400_000 : 90_000));
      let packed = compress(type, bytes, undefined, host).slice();
      if (round % 2 === 0) packed = packed.subarray(0, random(packed.length));
      else packed[random(packed.length)] = random(256);
      const expected = await outcome(() => decompress(type, packed, 4_000_000, host));
      const found = await outcome(() => decompressInSteps(type, packed, 4_000_000, host, noPause));
      assertEquals(found, expected);
      reasons.add(typeof found === "string" ? found : "bytes");
    }
    assert(reasons.has("invalid"), [...reasons].join(" "));
  });

  test(`${name} rejects with the reason of any pause that rejects`, async () => {
    const bytes = mixture(600_000);
    const packed = compress(type, bytes, undefined, host);
    const works = [
      (pause: () => Promise<void>) => compressInSteps(type, bytes, host, pause),
      (pause: () => Promise<void>) => decompressInSteps(type, packed, bytes.length, host, pause),
    ];
    for (const work of works) {
      const counted = countedPause();
      await work(counted.pause);
      for (const last of [1, 2, 3, 4, counted.count]) {
        const reason = new Error(`stopped at pause ${last}`);
        let pauses = 0;
        const stopping = () => ++pauses === last ? Promise.reject(reason) : Promise.resolve();
        const error = await assertRejects(() => work(stopping));
        assert(error === reason, String(error));
        assertEquals(pauses, last);
      }
      const thrown = new RecordError("thrown, not rejected", "corrupt");
      const error = await assertRejects(() =>
        work(() => {
          throw thrown;
        })
      );
      assert(error === thrown);
    }
  });

  test(`${name} processes several batches concurrently`, async () => {
    const batches = [
      mixture(300_000),
      sampleJson(500_000),
      new Uint8Array(200_000),
      mixture(90_000),
    ];
    const results = await Promise.all(batches.map(async (bytes) => {
      const packed = await compressInSteps(type, bytes, host, noPause);
      return await decompressInSteps(type, packed, bytes.length, host, noPause);
    }));
    assertEquals(results, batches);
  });
}

test("compression type none in steps returns its input", async () => {
  const bytes = sampleJson(100_000);
  assert(await compressInSteps("none", bytes, undefined, noPause) === bytes);
  assert(await decompressInSteps("none", bytes, 1, undefined, noPause) === bytes);
});

test("compression in steps writes one gzip member or one zstd frame with its content size", async () => {
  const bytes = mixture(900_000);
  const member = await compressInSteps("gzip", bytes, hostCodecs, noPause);
  // A second member would end with its own length.
  const view = new DataView(member.buffer, member.byteOffset, member.length);
  assertEquals(view.getUint32(member.length - 4, true), bytes.length);
  const frame = await compressInSteps("zstd", bytes, hostCodecs, noPause);
  assert(atOnce(isSingleWholeFrame(frame)));
  assertEquals(readFrameHeader(frame, 0).contentSize, bytes.length);
});

test("gzip takes one step on hosts without steps and is unsupported without a host", async () => {
  const { inSteps: _, ...host } = hostCodecs;
  const bytes = sampleJson(300_000);
  const { pause, ...counted } = countedPause();
  const packed = await compressInSteps("gzip", bytes, host, pause);
  assertEquals(packed, compress("gzip", bytes, undefined, host));
  assertEquals(await decompressInSteps("gzip", packed, bytes.length, host, pause), bytes);
  assertEquals(counted.count, 0);
  assertEquals(
    await outcome(() => compressInSteps("gzip", bytes, undefined, pause)),
    "unsupported-compression",
  );
  assertEquals(
    await outcome(() => decompressInSteps("gzip", packed, bytes.length, undefined, pause)),
    "unsupported-compression",
  );
});

test("zstd on hosts without steps is compressed in one step and decompressed in TypeScript", async () => {
  const { inSteps: _, ...host } = hostCodecs;
  const bytes = sampleJson(300_000);
  const counted = countedPause();
  const packed = await compressInSteps("zstd", bytes, host, counted.pause);
  assertEquals(packed, compress("zstd", bytes, undefined, host));
  assertEquals(counted.count, 0);
  assertEquals(await decompressInSteps("zstd", packed, bytes.length, host, counted.pause), bytes);
  assert(counted.count >= bytes.length / 131_072, `${counted.count} pauses`);
});
