import { assertEquals, assertThrows } from "@std/assert";
import {
  AnswerQueue,
  type FillAnswer,
  type LargeAnswer,
} from "../../../src/network/server/answer_queue.ts";
import { LargeAnswers } from "../../../src/network/server/large_answers.ts";
import { SendPool } from "../../../src/network/server/send_pool.ts";
import { REQUESTS_TURN_MS, SEND_CHUNK_BYTES } from "../../../src/limits.ts";
import type { RecordsSource } from "../../../src/protocol/records_source.ts";
import type { Clock } from "../../../src/runtime/runtime.ts";
import { test } from "../../harness.ts";
import { steppingClock } from "./stepping_clock.ts";

/** A queue whose socket completes a write each time `take` is called. */
function harness(clock: Clock = steppingClock(0)) {
  const written: Uint8Array[] = [];
  const pending: (() => void)[] = [];
  const errors: unknown[] = [];
  const pool = new SendPool();
  const queue = new AnswerQueue(
    (bytes) => {
      written.push(bytes.slice());
      return new Promise((resolve) => void pending.push(resolve));
    },
    pool,
    (error) => void errors.push(error),
    new LargeAnswers(clock),
  );
  return {
    queue,
    written,
    errors,
    pool,
    async take() {
      pending.shift()?.();
      for (let i = 0; i < 10; i++) await Promise.resolve();
    },
  };
}

const text = (value: string): FillAnswer => (writer) => writer.raw(new TextEncoder().encode(value));
const read = (bytes: Uint8Array | undefined) => new TextDecoder().decode(bytes);

test("AnswerQueue sends answers in the order of their requests", async () => {
  const { queue, written, take } = harness();
  const [first, second, third] = [queue.open(), queue.open(), queue.open()];
  third!.complete(text("3"));
  second!.complete(text("2"));
  assertEquals(written.length, 0);
  first!.complete(text("1"));
  await take();
  assertEquals(written.map(read), ["123"]);
  assertEquals([queue.inFlight, queue.unsentBytes], [0, 0]);
});

test("AnswerQueue writes the answers of a hold in one write", async () => {
  const { queue, written, take } = harness();
  queue.hold();
  queue.open().complete(text("a"));
  queue.open().complete(text("b"));
  assertEquals(written.length, 0);
  queue.release();
  await take();
  assertEquals(written.map(read), ["ab"]);
});

test("AnswerQueue writes the answers that were ready during a write in one write", async () => {
  const { queue, written, take } = harness();
  queue.open().complete(text("a"));
  queue.open().complete(text("b"));
  queue.open().complete(text("c"));
  assertEquals(queue.unsentBytes, 3);
  await take();
  await take();
  assertEquals(written.map(read), ["a", "bc"]);
});

test("AnswerQueue skips requests without an answer", async () => {
  const { queue, written, take } = harness();
  const [silent, spoken] = [queue.open(), queue.open()];
  spoken!.complete(text("spoken"));
  silent!.complete(null);
  await take();
  assertEquals(written.map(read), ["spoken"]);
});

test("AnswerQueue rejects a second answer to a request", () => {
  const { queue } = harness();
  const slot = queue.open();
  slot.complete(null);
  assertThrows(() => slot.complete(null), Error, "answered twice");
});

test("AnswerQueue copies records in chunks and returns the buffers", async () => {
  const { queue, written, pool, take } = harness();
  const length = SEND_CHUNK_BYTES * 2 + 1234;
  const source: RecordsSource = {
    byteLength: length,
    copyTo(target, offset) {
      for (let i = 0; i < target.length; i++) target[i] = (offset + i) * 7 & 255;
    },
  };
  queue.open().complete((writer) => {
    writer.raw(new Uint8Array([1, 2, 3]));
    writer.external(source);
    writer.raw(new Uint8Array([4, 5]));
    writer.external(source);
    writer.raw(new Uint8Array([6]));
  });
  for (let i = 0; i < 10; i++) await take();
  const sent = new Uint8Array(written.reduce((sum, part) => sum + part.length, 0));
  written.reduce((at, part) => (sent.set(part, at), at + part.length), 0);
  assertEquals(sent.length, length * 2 + 6);
  assertEquals([...sent.subarray(0, 5)], [1, 2, 3, 0, 7]);
  assertEquals([...sent.subarray(length + 3, length + 7)], [4, 5, 0, 7]);
  assertEquals(sent[length * 2 + 5], 6);
  assertEquals(sent[3 + length - 1], (length - 1) * 7 & 255);
  assertEquals(written.every((part) => part.length <= SEND_CHUNK_BYTES), true);
  assertEquals([pool.lentBytes, queue.unsentBytes], [0, 0]);
});

test("AnswerQueue closes if an answer cannot be encoded", () => {
  const { queue, errors } = harness();
  queue.open().complete(() => {
    throw new RangeError("no");
  });
  assertEquals(errors.map((error) => (error as Error).message), ["no"]);
});

test("AnswerQueue resolves progress() when it is closed", async () => {
  const { queue } = harness();
  queue.open();
  const waiting = queue.progress();
  queue.close();
  await waiting;
  assertEquals(queue.inFlight, 0);
});

/** Records that count their references. */
class HeldSource implements RecordsSource {
  readonly byteLength = 10;
  holders = 0;

  hold(): void {
    this.holders++;
  }

  release(): void {
    this.holders--;
  }

  copyTo(target: Uint8Array): void {
    target.fill(7);
  }
}

test("close() releases the records of answers that are ready during a write", async () => {
  const { queue, take } = harness();
  const [sending, gathered] = [new HeldSource(), new HeldSource()];
  queue.open().complete((writer) => writer.external(sending));
  queue.open().complete((writer) => writer.external(gathered));
  assertEquals([sending.holders, gathered.holders], [1, 1]);
  queue.close();
  assertEquals(gathered.holders, 0);
  // The write in flight still reads the first ones.
  assertEquals(sending.holders, 1);
  await take();
  assertEquals([sending.holders, gathered.holders], [0, 0]);
});

test("records are released if the write fails", async () => {
  const source = new HeldSource();
  const errors: unknown[] = [];
  const queue = new AnswerQueue(
    () => Promise.reject(new Error("gone")),
    new SendPool(),
    (error) => void errors.push(error),
    new LargeAnswers(steppingClock(0)),
  );
  queue.open().complete((writer) => writer.external(source));
  for (let i = 0; i < 10; i++) await Promise.resolve();
  assertEquals([errors.length, source.holders], [1, 0]);
});

/** An answer that is encoded in `steps` steps, each of which `onStep` sees. */
const large = (value: string, steps: number, onStep = () => {}): LargeAnswer => ({
  *encode() {
    for (let step = 0; step < steps; step++) {
      onStep();
      yield;
    }
    return text(value);
  },
});

async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await Promise.resolve();
}

test("AnswerQueue serves others while it encodes a large answer, and keeps the order", async () => {
  const clock = steppingClock(REQUESTS_TURN_MS + 1);
  const { queue, written, take } = harness(clock);
  queue.open().complete(text("1"));
  let steps = 0;
  queue.open().complete(large("2", 50, () => steps++));
  queue.open().complete(text("3"));
  assertEquals([steps, written.map(read), queue.inFlight], [0, ["1"], 2]);
  await take();
  await turns(500);
  assertEquals(steps, 50);
  assertEquals(clock.turns, 51);
  assertEquals(written.map(read), ["1", "23"]);
  await take();
  assertEquals([queue.inFlight, queue.unsentBytes], [0, 0]);
});

test("LargeAnswers encodes one answer at a time", async () => {
  const clock = steppingClock(REQUESTS_TURN_MS + 1);
  const answers = new LargeAnswers(clock);
  const events: string[] = [];
  const encode = (name: string) =>
    answers.run(large(name, 2, () => events.push(name)).encode(), () => true);
  await Promise.all([encode("a"), encode("b")]);
  assertEquals(events, ["a", "a", "b", "b"]);
});

test("AnswerQueue stops encoding a large answer when it is closed", async () => {
  const { queue, written } = harness(steppingClock(REQUESTS_TURN_MS + 1));
  let steps = 0;
  queue.open().complete(large("1", 50, () => {
    if (++steps === 3) queue.close();
  }));
  await turns(500);
  assertEquals([steps, written.length], [3, 0]);
});

test("AnswerQueue breaks the connection if a large answer cannot be encoded", async () => {
  const { queue, errors, written } = harness();
  const broken = large("1", 1, () => {
    throw new Error("no");
  });
  queue.open().complete(broken);
  queue.open().complete(text("2"));
  await turns(50);
  assertEquals([errors.length, written.length, queue.inFlight], [1, 0, 0]);
});
