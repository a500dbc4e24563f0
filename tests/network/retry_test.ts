import { assert, assertEquals, assertRejects } from "@std/assert";
import { backoffMs, retry } from "../../src/network/retry.ts";
import { ErrorCode, KafkaError } from "../../src/protocol/errors.ts";
import type { Clock } from "../../src/runtime/runtime.ts";
import { test } from "../harness.ts";

const policy = { retries: 3, retryBackoffMs: 100, retryBackoffMaxMs: 1_000 };
const random = (share: number) => ({
  fill: (bytes: Uint8Array) => bytes,
  below: (bound: number) => Math.floor(share * bound),
});

/** A clock whose timers run immediately, and which records their delays. */
function instantClock(): Clock & { readonly waits: number[] } {
  const waits: number[] = [];
  return {
    waits,
    now: () => 0,
    monotonicMs: () => 0,
    setTimer(delayMs, callback) {
      waits.push(delayMs);
      queueMicrotask(callback);
      return { cancel: () => {} };
    },
    yieldToLoop: () => Promise.resolve(),
  };
}

test("backoffMs() doubles up to its maximum, with a jitter of 20 percent", () => {
  assertEquals([0, 1, 2, 3, 4, 50].map((n) => backoffMs(policy, n, random(0.5))), [
    100,
    200,
    400,
    800,
    1_000,
    1_000,
  ]);
  assertEquals(backoffMs(policy, 0, random(0)), 80);
  assert(backoffMs(policy, 0, random(0.999)) <= 120);
});

test("retry() retries only retriable errors, a limited number of times", async () => {
  const clock = instantClock();
  const host = { clock, random: random(0.5) };
  const { signal } = new AbortController();
  let attempts = 0;
  const failing = (code: ErrorCode) => () => {
    attempts++;
    return Promise.reject(new KafkaError(code, "no"));
  };
  await assertRejects(() => retry(host, policy, signal, failing(ErrorCode.NOT_CONTROLLER)));
  assertEquals(attempts, 4);
  assertEquals(clock.waits, [100, 200, 400]);
  attempts = 0;
  await assertRejects(() => retry(host, policy, signal, failing(ErrorCode.INVALID_CONFIG)));
  assertEquals(attempts, 1);
});

test("retry() stops when its signal is aborted", async () => {
  const abort = new AbortController();
  const host = { clock: instantClock(), random: random(0.5) };
  let attempts = 0;
  const reason = new Error("closed");
  const error = await assertRejects(() =>
    retry(host, policy, abort.signal, () => {
      if (++attempts === 2) abort.abort(reason);
      return Promise.reject(new KafkaError(ErrorCode.NOT_CONTROLLER, "no"));
    })
  );
  assertEquals([error, attempts], [reason, 2]);
});
