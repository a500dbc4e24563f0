/**
 * The host's compressors in steps: what a stream of `node:zlib` does between two pauses, and that none
 * is left open.
 */
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { zlibCodecs, type ZlibModule } from "../../src/runtime/zlib_codecs.ts";
import type { ZlibStream } from "../../src/runtime/zlib_stream.ts";
import { test } from "../harness.ts";
import { randomBytes, randomSource, sampleJson } from "../protocol/records/record_helpers.ts";

const nodeZlib: string = "node:zlib";
const nodeTimers: string = "node:timers";
const zlib: ZlibModule = { ...await import(nodeZlib) };
const { setImmediate } = await import(nodeTimers);

const STEP_BYTES = 65_536;
const noPause = () => Promise.resolve();

/** What can be seen of a stream from outside. */
interface VisibleStream extends ZlibStream {
  readonly bytesWritten: number;
  readonly writableLength: number;
  readonly destroyed: boolean;
}

/** The codecs, and the streams that they have made. */
function watched(): { codecs: ReturnType<typeof zlibCodecs>; streams: VisibleStream[] } {
  const streams: VisibleStream[] = [];
  const seen = <Options>(make: (options: Options) => ZlibStream) => (options: Options) => {
    const stream = make(options);
    streams.push(stream as VisibleStream);
    return stream;
  };
  const module = {
    ...zlib,
    createGzip: seen(zlib.createGzip),
    createGunzip: seen(zlib.createGunzip),
    createZstdCompress: seen(zlib.createZstdCompress),
    createZstdDecompress: seen(zlib.createZstdDecompress),
  };
  return { codecs: zlibCodecs(module), streams };
}

type Work = (pause: () => Promise<void>) => Promise<Uint8Array>;

/** Both directions of each of the host's codecs, with what they must give. */
function works(bytes: Uint8Array): { streams: VisibleStream[]; works: Record<string, Work> } {
  const { codecs, streams } = watched();
  const { gzip, gunzip, zstd } = codecs.inSteps!;
  const member = codecs.gzip(bytes, 6);
  const all: Record<string, Work> = {
    gzip: (pause) => gzip(bytes, 6, pause),
    gunzip: (pause) => gunzip(member, bytes.length, pause),
  };
  const frame = codecs.zstd.compress(bytes, 3);
  all.zstd = (pause) => zstd.compress(bytes, 3, pause);
  const { decompress } = zstd;
  if (decompress) all.unzstd = (pause) => decompress(frame, bytes.length, pause);
  return { streams, works: all };
}

/** Lets everything that is under way in this process, and in a pool of threads, come forward. */
async function turns(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await new Promise<void>((resolve) => setImmediate(resolve));
}

test("the host's codecs in steps give what they give at once, from 0 bytes on", async () => {
  const codecs = zlibCodecs(zlib);
  const { gzip, gunzip, zstd } = codecs.inSteps!;
  for (const length of [0, 1, 32_768, 65_536, 65_537, 300_000]) {
    for (const bytes of [sampleJson(length), randomBytes(randomSource(length), length)]) {
      const member = await gzip(bytes, 1, noPause);
      assertEquals(new Uint8Array(codecs.gunzip(member, length + 1)), bytes);
      const unpacked = await gunzip(codecs.gzip(bytes, 9), length, noPause);
      assertEquals(new Uint8Array(unpacked), bytes);
      const frame = await zstd.compress(bytes, 1, noPause);
      assertEquals(new Uint8Array(codecs.zstd.decompress(frame, length + 1)), bytes);
      const packed = codecs.zstd.compress(bytes, 9);
      const whole = await zstd.decompress?.(packed, length, noPause);
      if (whole !== undefined) assertEquals(new Uint8Array(whole), bytes);
    }
  }
});

test("gunzip in steps takes and refuses what gunzip does", async () => {
  const codecs = zlibCodecs(zlib);
  const noise = codecs.gzip(randomBytes(randomSource(1), 150_000), 6);
  const concat = (...parts: Uint8Array[]) => new Uint8Array(parts.flatMap((part) => [...part]));
  const inputs = {
    "no bytes": new Uint8Array(0),
    "two members": concat(noise, noise),
    "zeros behind a member": concat(noise, new Uint8Array(200_000)),
    "other bytes behind a member": concat(noise, new Uint8Array(200_000).fill(7)),
    "half a member behind a member": concat(noise, noise.subarray(0, 80_000)),
    "half a member": noise.subarray(0, 100_000),
    "no member": new Uint8Array(100_000).fill(7),
    "a wrong checksum": noise.map((byte, at) => at === noise.length - 6 ? byte ^ 1 : byte),
  };
  for (const [name, bytes] of Object.entries(inputs)) {
    let expected: Uint8Array | null = null;
    try {
      expected = new Uint8Array(codecs.gunzip(bytes, 1_000_000));
    } catch (error) {
      const found = await assertRejects(() => codecs.inSteps!.gunzip(bytes, 1_000_000, noPause));
      assertEquals((found as Error).message, (error as Error).message, name);
    }
    if (expected === null) continue;
    const found = await codecs.inSteps!.gunzip(bytes, 1_000_000, noPause);
    assertEquals(new Uint8Array(found), expected, name);
  }
});

const isDeno = "Deno" in globalThis;

test("a stream of the host handles 64 KiB between two pauses, and nothing during one", async () => {
  const size = 1_500_000;
  for (
    const bytes of [sampleJson(size), new Uint8Array(size), randomBytes(randomSource(2), size)]
  ) {
    const { streams, works: all } = works(bytes);
    for (const [name, work] of Object.entries(all)) {
      let before = { written: 0, waiting: 0 };
      let pauses = 0;
      const look = () => {
        const stream = streams.at(-1)!;
        return { written: stream.bytesWritten, waiting: stream.readableLength };
      };
      const result = await work(async () => {
        pauses++;
        const now = look();
        assert(now.written - before.written <= STEP_BYTES, `${name} took ${now.written}`);
        assert(now.waiting <= STEP_BYTES, `${name} gave ${now.waiting}`);
        before = now;
        await turns();
        const { written, waiting } = look();
        assertEquals(written, now.written, `${name} went on while it was to wait`);
        // The threads of Node and Bun may output what they had begun.
        const most = now.waiting + (isDeno ? 0 : STEP_BYTES);
        assert(waiting >= now.waiting && waiting <= most, `${name} gave ${waiting} meanwhile`);
      });
      assert(pauses >= size / STEP_BYTES, `${name} paused ${pauses} times`);
      assert(result.length > 0);
    }
    assert(streams.every(({ destroyed }) => destroyed));
  }
});

test("a stream of the host is closed when a pause rejects", async () => {
  const { streams, works: all } = works(sampleJson(700_000));
  for (const work of Object.values(all)) {
    for (const last of [1, 2, 3, 8]) {
      const reason = new Error("enough");
      let pauses = 0;
      const stopping = () => ++pauses === last ? Promise.reject(reason) : turns();
      assert(await assertRejects(() => work(stopping)) === reason);
      assertEquals(pauses, last);
      assert(streams.at(-1)!.destroyed);
    }
  }
  await turns();
  assert(streams.every(({ destroyed }) => destroyed));
});

test("a stream of the host is closed when the data are bad or too large", async () => {
  const { codecs, streams } = watched();
  const { gunzip, zstd } = codecs.inSteps!;
  const bomb = new Uint8Array(10_000_000);
  const runs = [{ run: gunzip, packed: codecs.gzip(bomb, 6) }];
  if (zstd.decompress) {
    runs.push({ run: zstd.decompress, packed: codecs.zstd.compress(bomb, 3) });
  }
  for (const { run, packed } of runs) {
    let pauses = 0;
    const counting = () => Promise.resolve(void pauses++);
    const bounds = [1, STEP_BYTES, STEP_BYTES + 1, 1_000_000];
    for (const maxBytes of bounds) {
      pauses = 0;
      const error = await assertRejects(
        () => run(packed, maxBytes, counting),
        RangeError,
        "allowed",
      );
      assert(error.message.includes(maxBytes.toLocaleString("en-US")), error.message);
      assert(pauses <= 2 + maxBytes / STEP_BYTES, `${pauses} pauses up to ${maxBytes}`);
      assert(streams.at(-1)!.destroyed);
    }
    const garbled = packed.slice();
    garbled.fill(0xff, packed.length >> 1);
    await assertRejects(() => run(garbled, 20_000_000, turns));
    await assertRejects(() => run(sampleJson(100), 20_000_000, turns));
    assert(streams.at(-1)!.destroyed);
  }
  assertEquals(streams.length, runs.length * 6);
  assertThrows(() => codecs.gunzip(runs[0]!.packed, 1_000_000), RangeError);
});
