import { assert, assertEquals, assertThrows } from "@std/assert";
import { Simulation } from "../../src/simulator/simulation.ts";
import { test } from "../harness.ts";

const EPOCH_MS = 1_000_000;

test("clock() offsets the wall clock of one machine only", async () => {
  const simulation = new Simulation(1, { epochMs: EPOCH_MS });
  const [alpha, beta] = ["alpha", "beta"].map((host) => simulation.runtime(host).clock);
  simulation.clock("alpha").offsetMs = -250;
  await simulation.run(1_000);
  assertEquals([alpha!.now(), beta!.now()], [EPOCH_MS + 750, EPOCH_MS + 1_000]);
  assertEquals([alpha!.monotonicMs(), beta!.monotonicMs()], [1_000, 1_000]);
});

test("clock() jumps forward and back, and monotonic clocks and timers do not notice", async () => {
  const simulation = new Simulation(1, { epochMs: EPOCH_MS });
  const { clock } = simulation.runtime("alpha");
  const called: (readonly [now: number, monotonicMs: number])[] = [];
  for (const delayMs of [100, 200, 300]) {
    clock.setTimer(delayMs, () => called.push([clock.now() - EPOCH_MS, clock.monotonicMs()]));
  }
  simulation.schedule(50, () => simulation.clock("alpha").jump(3_600_000));
  simulation.schedule(150, () => simulation.clock("alpha").jump(-7_200_000));
  simulation.schedule(250, () => simulation.clock("alpha").jump(3_600_000));
  await simulation.run(1_000);
  assertEquals(called, [[3_600_100, 100], [-3_599_800, 200], [300, 300]]);
  assertEquals(simulation.clock("alpha").offsetMs, 0);
});

test("clock() applies the drift to the wall clock, monotonic clocks and timers", async () => {
  const simulation = new Simulation(1, { epochMs: EPOCH_MS });
  const { clock } = simulation.runtime("alpha");
  const fired: number[] = [];
  simulation.clock("alpha").driftPpm = 250_000;
  clock.setTimer(1_000, () => fired.push(simulation.nowMs));
  await simulation.run(2_000);
  assertEquals(fired, [800]);
  assertEquals([clock.now() - EPOCH_MS, clock.monotonicMs()], [2_500, 2_500]);
  // What has passed stays passed.
  simulation.clock("alpha").driftPpm = -500_000;
  await simulation.run(3_000);
  assertEquals([clock.now() - EPOCH_MS, clock.monotonicMs()], [3_000, 3_000]);
  assertEquals(simulation.clock("alpha").driftPpm, -500_000);
});

test("monotonicMs() never goes back, whatever the drift", async () => {
  const simulation = new Simulation(2);
  const { clock } = simulation.runtime("alpha");
  let last = -1;
  for (let step = 1; step <= 500; step++) {
    simulation.clock("alpha").driftPpm = simulation.random.between(-999_999, 999_999);
    await simulation.run(simulation.nowMs + simulation.random.below(1_000) / 1_000);
    assert(clock.monotonicMs() >= last);
    last = clock.monotonicMs();
  }
});

test("monotonicMs() starts at 0 in each process, and the wall clock keeps running", async () => {
  const simulation = new Simulation(1, { epochMs: EPOCH_MS });
  simulation.clock("alpha").offsetMs = 5;
  simulation.runtime("alpha");
  await simulation.run(1_000);
  simulation.kill("alpha");
  const { clock } = simulation.restart("alpha");
  assertEquals([clock.monotonicMs(), clock.now()], [0, EPOCH_MS + 1_005]);
  await simulation.run(1_010);
  assertEquals([clock.monotonicMs(), clock.now()], [10, EPOCH_MS + 1_015]);
});

test("clock() rejects fractions of milliseconds and a drift that stops time", () => {
  const clock = new Simulation(1).clock("alpha");
  assertThrows(() => clock.offsetMs = 0.5, RangeError);
  assertThrows(() => clock.jump(Infinity), RangeError);
  assertThrows(() => clock.driftPpm = -1_000_000, RangeError);
});
