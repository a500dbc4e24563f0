/**
 * Reports partitions whose files fail to the operator. Clients try again and again, and one cause may
 * affect every partition of a node, so both the lines of one partition and all of them are bounded.
 *
 * @module
 */
import { ErrorCode, type KafkaError } from "../protocol/errors.ts";
import { type Clock, isDescriptorShortage } from "../runtime/runtime.ts";

/** Failures of one partition are logged once in this time. */
const EVERY_MS = 10_000;
/** The time in which {@linkcode MAX_LINES} may be logged, and a shortage of descriptors once. */
const PERIOD_MS = 60_000;
/** Maximum number of lines in one period. */
const MAX_LINES = 20;

/** The failures of all partitions, by `Key`. */
export class StorageFailures<Key extends object> {
  readonly #clock: Clock;
  readonly #log: (message: string) => void;
  readonly #loggedMs = new WeakMap<Key, number>();
  #shortageLoggedMs = -Infinity;
  #periodBeganMs = -Infinity;
  #lines = 0;
  #omitted = 0;

  /** `log` is called with each line. */
  constructor(clock: Clock, log: (message: string) => void) {
    this.#clock = clock;
    this.#log = log;
  }

  /** Reports what a client of the partition `key` is answered, if the cause is that files fail. */
  report(key: Key, error: KafkaError): void {
    if (error.code !== ErrorCode.KAFKA_STORAGE_ERROR) return;
    const now = this.#clock.monotonicMs();
    if (isDescriptorShortage(error)) {
      // It concerns all partitions alike.
      if (now < this.#shortageLoggedMs + PERIOD_MS) return;
      this.#shortageLoggedMs = now;
      return this.#log(error.message);
    }
    if (now < (this.#loggedMs.get(key) ?? -Infinity) + EVERY_MS) return;
    this.#loggedMs.set(key, now);
    if (now >= this.#periodBeganMs + PERIOD_MS) this.#beginPeriod(now);
    if (this.#lines >= MAX_LINES) this.#omitted++;
    else {
      this.#lines++;
      this.#log(error.message);
    }
  }

  #beginPeriod(now: number): void {
    if (this.#omitted > 0) {
      this.#log(`Files failed ${this.#omitted} more times, on other partitions or again`);
    }
    this.#periodBeganMs = now;
    this.#lines = 0;
    this.#omitted = 0;
  }
}
