import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import {
  finishFrame,
  ForeignProtocolError,
  FrameDecoderStream,
  FrameParser,
  KeptBytes,
  startFrame,
} from "../../src/protocol/frame.ts";
import { ByteWriter, ProtocolError } from "../../src/protocol/wire.ts";
import { test } from "../harness.ts";
import { Chance } from "./chance.ts";

const MIB = 1024 * 1024;

function framed(...bodies: Uint8Array[]): Uint8Array {
  const writer = new ByteWriter();
  for (const body of bodies) {
    const start = startFrame(writer);
    writer.raw(body);
    finishFrame(writer, start);
  }
  return writer.toBytes();
}

/** Feeds `bytes` to the parser in reads of at most `size()` bytes. */
function feed(
  parser: FrameParser,
  bytes: Uint8Array,
  size: (space: number) => number = (space) => space,
): Uint8Array[] {
  const frames: Uint8Array[] = [];
  for (let at = 0; at < bytes.length;) {
    const space = parser.space();
    const part = bytes.subarray(at, at + Math.max(1, Math.min(space.length, size(space.length))));
    space.set(part);
    parser.filled(part.length);
    at += part.length;
    for (let frame = parser.next(); frame !== null; frame = parser.next()) {
      frames.push(frame.slice());
    }
  }
  return frames;
}

test("FrameParser extracts frames from reads of any size", () => {
  for (let seed = 1; seed <= 60; seed++) {
    const chance = new Chance(seed);
    const largest = chance.pick([10, 5_000, 70_000, 300_000]);
    const bodies = Array.from({ length: 12 }, () => chance.bytes(chance.below(largest)));
    const most = chance.pick([1, 7, 1_000, 50_000, 5_000_000]);
    const step = largest / most > 10_000 ? 1_000 : most;
    const frames = feed(
      new FrameParser(MIB),
      framed(...bodies),
      () => 1 + chance.below(step),
    );
    assertEquals(frames.length, bodies.length, `seed ${seed}`);
    frames.forEach((frame, i) => assertEquals(frame, bodies[i]!, `seed ${seed}, frame ${i}`));
  }
});

test("FrameParser.missing is 0 while the length prefix is incomplete", () => {
  const parser = new FrameParser(MIB);
  const bytes = framed(new Uint8Array(10), new Uint8Array(3));
  const read = (from: number, to: number) => {
    parser.space().set(bytes.subarray(from, to));
    parser.filled(to - from);
  };
  read(0, 6);
  assertEquals([parser.next(), parser.missing], [null, 8]);
  read(6, 16);
  assertEquals(parser.next()?.length, 10);
  assertEquals([parser.next(), parser.buffered, parser.missing], [null, 2, 0]);
  read(16, 18);
  assertEquals([parser.next(), parser.missing], [null, 3]);
});

test("FrameParser returns several frames of one read as views", () => {
  const parser = new FrameParser(100);
  const bytes = framed(Uint8Array.of(1), new Uint8Array(0), Uint8Array.of(2, 3));
  parser.space().set(bytes);
  parser.filled(bytes.length);
  const first = parser.next()!;
  assertEquals([...first], [1]);
  assertEquals(parser.next()!.length, 0);
  const third = parser.next()!;
  assertEquals(third.buffer, first.buffer);
  assertEquals(parser.next(), null);
});

test("FrameParser continues in the memory returned by a BYOB reader", () => {
  const parser = new FrameParser(100_000);
  const body = new Chance(5).bytes(20_000);
  const bytes = framed(body, body);
  const frames: Uint8Array[] = [];
  for (let at = 0; at < bytes.length;) {
    const { buffer, byteOffset, length } = parser.space();
    const part = bytes.subarray(at, at + Math.min(3_000, length));
    const moved = structuredClone(buffer, { transfer: [buffer] });
    const view = new Uint8Array(moved, byteOffset, part.length);
    view.set(part);
    parser.filled(view);
    at += part.length;
    for (let frame = parser.next(); frame !== null; frame = parser.next()) {
      frames.push(frame.slice());
    }
  }
  assertEquals(frames, [body, body]);
});

test("FrameParser rejects negative lengths and oversized frames", () => {
  for (
    const [prefix, message] of [
      [[255, 255, 255, 255], "A frame cannot have -1 bytes"],
      [[128, 0, 0, 0], "A frame cannot have -2147483648 bytes"],
      [[0, 0, 16, 1], "A frame announces 4,097 bytes, the limit is 4,096"],
      [[127, 255, 255, 255], "A frame announces 2,147,483,647 bytes, the limit is 4,096"],
    ] as const
  ) {
    const parser = new FrameParser(4096);
    parser.space().set(prefix);
    parser.filled(4);
    assertThrows(() => parser.next(), ProtocolError, message);
  }
  const parser = new FrameParser(4096);
  assertEquals(feed(parser, framed(new Uint8Array(4096)))[0]!.length, 4096);
});

test("FrameParser recognizes another protocol only at the beginning", () => {
  const hello = Uint8Array.of(0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3);
  const error = assertThrows(
    () => feed(new FrameParser(4096), hello),
    ForeignProtocolError,
    "The bytes begin a TLS handshake, not a frame",
  );
  assertEquals(error.opening, { protocol: "TLS", sent: "a TLS handshake" });
  const late = assertThrows(
    () => feed(new FrameParser(4096), Uint8Array.of(0, 0, 0, 1, 7, ...hello)),
    ProtocolError,
    "A frame announces 369,295,618 bytes, the limit is 4,096",
  );
  assertEquals(late instanceof ForeignProtocolError, false);
});

test("FrameParser recognizes another protocol whose length prefix is within the limit", () => {
  const parser = new FrameParser(2_147_483_647);
  assertEquals(parser.foreignOpening, null);
  assertEquals(feed(parser, new TextEncoder().encode("GET / HTTP/1.1\r\n\r\n")), []);
  assertEquals(parser.foreignOpening, { protocol: "HTTP", sent: "an HTTP GET request" });
});

test("FrameParser grows to at most twice the received bytes, whatever length is announced", () => {
  const parser = new FrameParser(100 * MIB);
  const announced = 90 * MIB;
  const space = parser.space();
  space.set([announced >>> 24, announced >>> 16 & 255, announced >>> 8 & 255, announced & 255]);
  parser.filled(4);
  assertEquals(parser.next(), null);
  parser.space();
  assertEquals(parser.capacity, 2048);
  let received = 4;
  while (received < 5 * MIB) {
    const count = Math.min(parser.space().length, 10_000);
    parser.filled(count);
    received += count;
    assertEquals(parser.next(), null);
    assertEquals(parser.capacity <= Math.max(2048, 2 * received), true, `${received} received`);
  }
});

test("FrameParser reads ahead up to 1 MiB under load and shrinks when the peer is idle", () => {
  const parser = new FrameParser(100 * MIB);
  const bytes = framed(...Array.from({ length: 300 }, () => new Uint8Array(16_000)));
  feed(parser, bytes);
  assertEquals(parser.capacity, MIB);
  feed(parser, framed(new Uint8Array(10)), () => 14);
  parser.space();
  assertEquals(parser.capacity, 64 * 1024);
  for (let i = 0; i < 100; i++) feed(parser, framed(new Uint8Array(10)), () => 14);
  assertEquals(parser.capacity, 2048);
});

test("FrameParser keeps a large buffer between bursts within the shared budget", () => {
  const keptBytes = new KeptBytes(MIB + 100_000);
  const bytes = framed(...Array.from({ length: 300 }, () => new Uint8Array(16_000)));
  const waiting = () => {
    const parser = new FrameParser(100 * MIB, keptBytes);
    feed(parser, bytes);
    feed(parser, framed(new Uint8Array(300_000)), () => 200_000);
    parser.space();
    return parser;
  };
  const first = waiting();
  assertEquals(first.capacity, MIB);
  assertEquals(waiting().capacity, 64 * 1024);
  first.close();
  first.close();
  const third = waiting();
  assertEquals(third.capacity, MIB);
  for (let i = 0; i < 200; i++) feed(third, framed(new Uint8Array(10)), () => 14);
  assertEquals(third.capacity, 2048);
  assertEquals(keptBytes.take(MIB + 100_000), true);
});

test("FrameParser releases the buffer of a huge frame", () => {
  const parser = new FrameParser(100 * MIB);
  const frames = feed(parser, framed(new Uint8Array(10 * MIB)), () => 500_000);
  assertEquals(frames[0]!.length, 10 * MIB);
  parser.space();
  assertEquals(parser.capacity, 64 * 1024);
});

test("FrameDecoderStream splits a stream into frames", async () => {
  const chance = new Chance(3);
  const bodies = Array.from({ length: 20 }, () => chance.bytes(chance.below(9_000)));
  const bytes = framed(...bodies);
  const frames: Uint8Array[] = [];
  await new ReadableStream<Uint8Array>({
    start(controller) {
      for (let at = 0; at < bytes.length;) {
        const end = at + 1 + chance.below(20_000);
        controller.enqueue(bytes.subarray(at, end));
        at = end;
      }
      controller.close();
    },
  }).pipeThrough(new FrameDecoderStream(10_000)).pipeTo(
    new WritableStream({ write: (frame) => void frames.push(frame) }),
  );
  assertEquals(frames, bodies);
});

test("FrameDecoderStream errors on a bad length and on a truncated frame", async () => {
  for (
    const [bytes, message] of [
      [[255, 255, 255, 0], "A frame cannot have -256 bytes"],
      [[0, 0, 0, 9], "The bytes end 4 bytes into a frame"],
      [[0, 0, 0, 4, 1, 2], "The bytes end 6 bytes into a frame"],
    ] as const
  ) {
    const stream = new ReadableStream<Uint8Array>({
      start(controller) {
        controller.enqueue(Uint8Array.from(bytes));
        controller.close();
      },
    });
    await assertRejects(
      () => stream.pipeThrough(new FrameDecoderStream(100)).pipeTo(new WritableStream()),
      ProtocolError,
      message,
    );
  }
});

test("finishFrame() includes record sources in the length", () => {
  const writer = new ByteWriter();
  const start = startFrame(writer);
  writer.int8(1);
  writer.external({ byteLength: 5, copyTo: (target) => void target.fill(9) });
  finishFrame(writer, start);
  assertEquals([...writer.toBytes()], [0, 0, 0, 6, 1, 9, 9, 9, 9, 9]);
});
