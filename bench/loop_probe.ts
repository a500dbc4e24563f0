/**
 * Measures the turns of the event loop of a broker process, in which it is loaded before the program
 * (`deno run --preload`). A timer of 1 ms schedules itself repeatedly; its delay is an upper bound of the
 * longest turn since, including callbacks, microtasks, synchronous calls of the file system and garbage
 * collection. Time during which another process had the CPU, from Linux's `schedstat`, is subtracted.
 *
 * Each delay from {@linkcode NOTED_MS} on is written as a line to the file named by
 * `MILLRACE_LOOP_REPORT`: the time of its end, ms since 1970, and its duration, ms.
 *
 * @module
 */

const PERIOD_MS = 1;
/** Shorter delays are not reported. */
const NOTED_MS = 2;
const SCHEDSTAT = "/proc/self/schedstat";

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const report = Deno.openSync(Deno.env.get("MILLRACE_LOOP_REPORT")!, { write: true, append: true });
const schedstat = Deno.build.os === "linux" ? Deno.openSync(SCHEDSTAT) : null;
const text = new Uint8Array(128);

/** Returns the time this thread has waited for a CPU, ms. */
function waitedMs(): number {
  if (schedstat === null) return 0;
  schedstat.seekSync(0, Deno.SeekMode.Start);
  const length = schedstat.readSync(text) ?? 0;
  return Number(decoder.decode(text.subarray(0, length)).split(" ")[1]) / 1e6;
}

let lastMs = performance.now();
let lastWaitedMs = waitedMs();

function probe(): void {
  const nowMs = performance.now();
  const nowWaitedMs = waitedMs();
  const delayMs = nowMs - lastMs - PERIOD_MS - (nowWaitedMs - lastWaitedMs);
  if (delayMs >= NOTED_MS) {
    report.writeSync(encoder.encode(`${Date.now()} ${delayMs.toFixed(2)}\n`));
  }
  lastMs = nowMs;
  lastWaitedMs = nowWaitedMs;
  Deno.unrefTimer(setTimeout(probe, PERIOD_MS));
}

// The evaluation of the broker's modules is one long turn and not measured. `cli/main.ts` itself must still
// be loaded first by the command line.
await import(`${Deno.env.get("MILLRACE_LOOP_TREE")!}/cli/start.ts`);
lastMs = performance.now();
Deno.unrefTimer(setTimeout(probe, PERIOD_MS));
