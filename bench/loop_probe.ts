/**
 * Loaded into a broker's process before its own program (`deno run --preload`), to find out how long
 * the event loop is held up there. A timer of 1 ms schedules itself again and again; how late it fires
 * is an upper bound of the longest turn since, with everything that ran in it: the callback, its chain
 * of microtasks, synchronous calls of the file system, and garbage collection. Time for which another
 * process had the CPU does not count: Linux's `schedstat` has it.
 *
 * Each delay from {@linkcode NOTED_MS} on is a line of the file that `MILLRACE_LOOP_REPORT` names: when
 * it ended, ms since 1970, and how long it was, ms.
 *
 * @module
 */

const PERIOD_MS = 1;
/** Shorter delays are not noted. */
const NOTED_MS = 2;
const SCHEDSTAT = "/proc/self/schedstat";

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const report = Deno.openSync(Deno.env.get("MILLRACE_LOOP_REPORT")!, { write: true, append: true });
const schedstat = Deno.build.os === "linux" ? Deno.openSync(SCHEDSTAT) : null;
const text = new Uint8Array(128);

/** How long this thread has waited for a CPU so far, ms. */
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

// Evaluating the broker's modules is one long turn, and none of its work. `cli/main.ts` itself must stay
// the first to be loaded by the command line.
await import(`${Deno.env.get("MILLRACE_LOOP_TREE")!}/cli/start.ts`);
lastMs = performance.now();
Deno.unrefTimer(setTimeout(probe, PERIOD_MS));
