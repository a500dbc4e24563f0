/**
 * Timers of one length that are run by the test, so that nothing waits for real time.
 *
 * @module
 */
import { hostRuntime } from "../../src/runtime/host.ts";
import type { Runtime } from "../../src/runtime/runtime.ts";

/** Holds the timers of one length. All others run on the host. */
export interface HeldTimers {
  readonly runtime: Runtime;
  /** Resolves when a held timer is set, or at once if one is. */
  armed(): Promise<void>;
  /** Runs the held timers. */
  fire(): void;
}

/** Returns the host's runtime, holding timers of exactly `heldMs`. */
export function holdTimers(heldMs: number): HeldTimers {
  const runtime = hostRuntime();
  const held = new Set<() => void>();
  let wake: (() => void)[] = [];
  const clock: Runtime["clock"] = {
    ...runtime.clock,
    setTimer(delayMs, callback) {
      if (delayMs !== heldMs) return runtime.clock.setTimer(delayMs, callback);
      held.add(callback);
      for (const resolve of wake) resolve();
      wake = [];
      return { cancel: () => void held.delete(callback) };
    },
  };
  return {
    runtime: { ...runtime, clock },
    armed: () =>
      held.size > 0 ? Promise.resolve() : new Promise((resolve) => void wake.push(resolve)),
    fire() {
      const due = [...held];
      held.clear();
      for (const callback of due) callback();
    },
  };
}
