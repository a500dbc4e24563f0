import { assert, assertEquals, assertNotEquals, assertStringIncludes } from "@std/assert";
import { FrameMemory, type FrameShare } from "../../../src/network/server/frame_memory.ts";
import {
  FRAME_PROGRESS_BYTES,
  FRAME_PROGRESS_CHECK_MS,
  HELD_FRAME_BYTES,
} from "../../../src/limits.ts";
import { metadata } from "../../../src/protocol/messages/metadata.ts";
import { test } from "../../harness.ts";
import { withBroker } from "../../broker/fixture.ts";
import { manualClock } from "../../broker/manual_clock.ts";

const MIB = 1024 * 1024;
const FRAME = 90 * MIB;

/** A budget of 8 MiB, and connections that log when they are resumed or evicted. */
function memory() {
  const clock = manualClock();
  const frames = new FrameMemory(clock, 8 * MIB);
  const log: string[] = [];
  return {
    clock,
    frames,
    log,
    connection(name: string) {
      const share: FrameShare = frames.share((reason) => {
        log.push(`${name} evicted: ${reason}`);
        share.close();
      });
      return {
        share,
        /** Returns whether it may read on immediately. If not, its name is added to `log` when it may. */
        reads(held: number, missing = FRAME - held): boolean {
          share.afterRead();
          const turn = share.beforeRead(held, missing);
          turn?.then(() => log.push(name));
          return turn === null;
        },
      };
    },
  };
}

const settled = () => new Promise<void>((resolve) => queueMicrotask(resolve));

test("small pieces of frames are not counted", () => {
  const { frames, connection } = memory();
  for (let i = 0; i < 1_000; i++) assert(connection("c").reads(16 * 1024));
  assertEquals(frames.used, 0);
});

test("sixty connections that announce 90 MiB take no more than the budget and one frame", async () => {
  const { frames, log, connection } = memory();
  const connections = Array.from({ length: 60 }, (_, i) => connection(`${i}`));
  const held = connections.map(() => 0);
  const isWaiting = connections.map(() => false);
  for (let round = 1; round <= 90; round++) {
    for (const [i, { reads }] of connections.entries()) {
      if (isWaiting[i]) continue;
      held[i]! += MIB;
      isWaiting[i] = !reads(held[i]!);
    }
  }
  assertEquals(isWaiting.filter((waiting) => !waiting).length, 1);
  assert(frames.used <= 8 * MIB + 60 * MIB + FRAME, `${frames.used}`);
  assertEquals(held.filter((bytes) => bytes === FRAME).length, 1);
  await settled();
  assertEquals(log, []);
});

test("a frame that lacks fewer bytes is read first", async () => {
  const { log, connection } = memory();
  const large = connection("large");
  const slow = connection("slow");
  const small = connection("small");
  assert(large.reads(6 * MIB));
  assert(!slow.reads(4 * MIB));
  assert(small.reads(MIB, 100_000));
  small.share.close();
  await settled();
  assertEquals(log, []);
  large.share.close();
  await settled();
  assertEquals(log, ["slow"]);
});

test("freed memory resumes several connections", async () => {
  const { log, connection } = memory();
  const large = connection("large");
  assert(large.reads(9 * MIB, 10));
  for (const name of ["a", "b", "c"]) assert(!connection(name).reads(MIB));
  assert(large.reads(0, 0));
  await settled();
  assertEquals(log, ["a", "b", "c"]);
});

test("a connection that holds memory others wait for and sends next to nothing is evicted", async () => {
  const { clock, frames, log, connection } = memory();
  const silent = connection("silent");
  const sending = connection("sending");
  const waiting = connection("waiting");
  assert(silent.reads(5 * MIB, 10));
  assert(sending.reads(3 * MIB));
  clock.advance(10 * FRAME_PROGRESS_CHECK_MS);
  assertEquals(log, [], "no connection waits, so none is evicted");
  assert(!waiting.reads(MIB));
  clock.advance(FRAME_PROGRESS_CHECK_MS);
  assertEquals(log, [], "the first look only takes note");
  sending.share.afterRead();
  assertEquals(sending.share.beforeRead(3 * MIB + FRAME_PROGRESS_BYTES, 20 * MIB) === null, false);
  clock.advance(FRAME_PROGRESS_CHECK_MS);
  await settled();
  assertEquals(log.length, 2);
  assertStringIncludes(
    log[0]!,
    "silent evicted: a request of 5,242,880 bytes so far comes too slowly",
  );
  assertEquals(log[1], "waiting");
  assertNotEquals(frames.used, 0);
  sending.share.close();
  waiting.share.close();
  assertEquals(frames.used, 0);
  assertEquals(clock.pending(), 0);
});

test("a connection whose requests are being handled is not evicted", () => {
  const { clock, log, connection } = memory();
  const busy = connection("busy");
  const waiting = connection("waiting");
  assert(busy.reads(8 * MIB, 10));
  busy.share.afterRead();
  assert(!waiting.reads(MIB));
  clock.advance(FRAME_PROGRESS_CHECK_MS);
  clock.advance(FRAME_PROGRESS_CHECK_MS);
  assertEquals(log, []);
  busy.share.close();
  waiting.share.close();
});

test("a connection is evicted by the progress of its current frame only", () => {
  const { clock, log, connection } = memory();
  const active = connection("active");
  const waiting = connection("waiting");
  assert(active.reads(5 * MIB, 10));
  assert(!waiting.reads(4 * MIB));
  clock.advance(FRAME_PROGRESS_CHECK_MS);
  // The frame before is complete, and fewer bytes of the next one are buffered.
  assert(active.reads(4.5 * MIB, 10));
  clock.advance(FRAME_PROGRESS_CHECK_MS);
  assertEquals(log, []);
  clock.advance(FRAME_PROGRESS_CHECK_MS);
  assertEquals(log.length, 1);
  assertStringIncludes(log[0]!, "active evicted");
  waiting.share.close();
});

test("a broker answers others while many connections hold half of a large frame", () =>
  withBroker(async ({ client, connect }) => {
    const announced = new Uint8Array(4);
    new DataView(announced.buffer).setInt32(0, FRAME);
    const part = new Uint8Array(1.5 * MIB);
    const holders = await Promise.all(Array.from({ length: 30 }, connect));
    for (const holder of holders) await holder.sendBytes(announced);
    // Bytes that the broker does not read stay in the sockets: a send may never complete.
    const sent = holders.map((holder) => holder.sendBytes(part).catch(() => {}));
    const answer = await client.request(metadata, 9, { topics: null });
    assertEquals(answer.brokers.length, 1);
    for (const holder of holders) holder.close();
    await Promise.all(sent);
  }));

test("a retained frame does not delay frames that lack more bytes", async () => {
  const { frames, log, connection } = memory();
  const [using, other] = [connection("using"), connection("other")];
  assert(using.reads(9 * MIB, 1));
  assert(!other.reads(MIB));
  using.share.afterRead();
  let end = () => {};
  const used = using.share.using(new Promise<void>((resolve) => end = resolve), 9 * MIB);
  await settled();
  assertEquals(log, ["other"]);
  assertEquals(frames.used, 10 * MIB);
  end();
  await used;
  assert(using.reads(0));
  assertEquals(frames.used, MIB);
});

test("retained frames of more than HELD_FRAME_BYTES delay all others", async () => {
  const { frames, log, connection } = memory();
  const ends: (() => void)[] = [];
  const holders = [1, 2].map((i) => connection(`holder ${i}`));
  const uses = holders.map(({ share, reads }) => {
    reads(HELD_FRAME_BYTES / 2 + MIB, 1);
    share.wake();
    share.afterRead();
    const use = new Promise<void>((resolve) => ends.push(resolve));
    return share.using(use, HELD_FRAME_BYTES / 2 + MIB);
  });
  log.length = 0;
  assert(!connection("other").reads(MIB));
  await settled();
  assertEquals(log, []);
  ends[0]!();
  await uses[0];
  holders[0]!.share.close();
  await settled();
  assertEquals(log, ["other"]);
  ends[1]!();
  await uses[1];
  holders[1]!.share.close();
  assertEquals(frames.used, MIB);
});
