/**
 * A bound on the time that a request may take.
 *
 * @module
 */
import { ErrorCode, KafkaError } from "../protocol/errors.ts";
import type { Clock } from "../runtime/runtime.ts";

const MAX_TIMER_MS = 0x7fff_ffff;

/**
 * Settles as `promise` does. Rejects with REQUEST_TIMED_OUT if that takes longer than `timeoutMs`, a negative
 * value meaning 0.
 */
export function withinTime<T>(
  promise: Promise<T>,
  { clock, timeoutMs, what }: {
    readonly clock: Pick<Clock, "setTimer">;
    readonly timeoutMs: number;
    /** What takes the time, for the message: "add voter 3". */
    readonly what: string;
  },
): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = clock.setTimer(
      Math.min(MAX_TIMER_MS, Math.max(0, timeoutMs)),
      () =>
        reject(
          new KafkaError(
            ErrorCode.REQUEST_TIMED_OUT,
            `Cannot ${what} within ${timeoutMs} ms; the change may still be made, look at the voters`,
          ),
        ),
    );
    promise.then(resolve, reject).finally(() => timer.cancel());
  });
}
