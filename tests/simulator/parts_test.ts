import { assert, assertEquals, assertThrows } from "@std/assert";
import { SimulatedTime } from "../../src/simulator/simulated_time.ts";
import { Trace } from "../../src/simulator/trace.ts";
import { Xoshiro128 } from "../../src/simulator/xoshiro.ts";
import { test } from "../harness.ts";

test("Trace is FNV-1a of 64 bits over its lines", () => {
  const lines = ["", "a", "1200 net alpha:1>beta:2 17 bytes", "\u{ffff}\u{8000}", "x".repeat(999)];
  const trace = new Trace(3);
  let expected = 0xcbf29ce484222325n;
  for (const line of lines) {
    trace.add(line);
    for (const unit of line + "\n") {
      expected = (expected ^ BigInt(unit.charCodeAt(0))) * 0x100000001b3n & 0xffffffffffffffffn;
    }
  }
  assertEquals(trace.hash, expected.toString(16).padStart(16, "0"));
  assertEquals(trace.count, 5);
  assertEquals(trace.transcript, lines.slice(2));
});

test("Xoshiro128 repeats its stream for the same seed and label only", () => {
  const draw = (seed: number, label?: string): string => {
    const random = new Xoshiro128(seed, label);
    return Array.from({ length: 4 }, () => random.nextUint32()).join();
  };
  assertEquals(draw(5, "disk"), draw(5, "disk"));
  const streams = [draw(0), draw(1), draw(2 ** 32), draw(2 ** 53 - 1), draw(1, "a"), draw(1, "b")];
  assertEquals(new Set(streams).size, streams.length);
  assertThrows(() => new Xoshiro128(-1), RangeError);
  assertThrows(() => new Xoshiro128(0.5), RangeError);
});

test("Xoshiro128 draws all numbers equally often", () => {
  const random = new Xoshiro128(1);
  const counts = new Array<number>(7).fill(0);
  for (let draw = 0; draw < 70_000; draw++) counts[random.below(7)]!++;
  for (const count of counts) assert(Math.abs(count - 10_000) < 400, counts.join());
  const bits = new Array<number>(32).fill(0);
  for (let draw = 0; draw < 10_000; draw++) {
    const drawn = random.nextUint32();
    for (let bit = 0; bit < 32; bit++) bits[bit]! += drawn >>> bit & 1;
  }
  for (const count of bits) assert(Math.abs(count - 5000) < 250, bits.join());
});

test("SimulatedTime orders events by time, then by scheduling", () => {
  for (let seed = 0; seed < 20; seed++) {
    const random = new Xoshiro128(seed);
    const time = new SimulatedTime();
    const expected: { atUs: number; number: number }[] = [];
    const happened: number[] = [];
    for (let number = 0; number < 300; number++) {
      const atUs = random.below(40);
      const timer = time.schedule(atUs, () => {
        assertEquals(time.nowUs, atUs);
        happened.push(number);
      });
      if (random.oneIn(5)) timer.cancel();
      else expected.push({ atUs, number });
    }
    while (time.nextUs !== undefined) time.step();
    expected.sort((one, other) => one.atUs - other.atUs || one.number - other.number);
    assertEquals(happened, expected.map(({ number }) => number));
  }
});
