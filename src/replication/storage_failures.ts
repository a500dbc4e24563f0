/**
 * Tells the operator of partitions whose files fail. Clients try again and again, and one cause may
 * strike every partition of a node, so both the lines of one partition and all of them are bounded.
 *
 * @module
 */
import { ErrorCode, type KafkaError } from "../protocol/errors.ts";
import { type Clock, isDescriptorShortage } from "../runtime/runtime.ts";

/** Failures of one partition are logged once in this time. */
const EVERY_MS = 10_000;
/** The time in which {@linkcode MAX_LINES} may be logged, and a want of descriptors once. */
const PERIOD_MS = 60_000;
/** The most lines in one period. */
const MAX_LINES = 20;

/** The failures of all partitions, by `Key`. */
export class StorageFailures<Key extends object> {
  readonly #clock: Clock;
  readonly #tell: (message: string) => void;
  readonly #toldMs = new WeakMap<Key, number>();
  #shortageToldMs = -Infinity;
  #periodBeganMs = -Infinity;
  #lines = 0;
  #omitted = 0;

  /** `tell` gets each line. */
  constructor(clock: Clock, tell: (message: string) => void) {
    this.#clock = clock;
    this.#tell = tell;
  }

  /** Tells of what a client of the partition `key` is answered, if the cause is that files fail. */
  note(key: Key, error: KafkaError): void {
    if (error.code !== ErrorCode.KAFKA_STORAGE_ERROR) return;
    const now = this.#clock.monotonicMs();
    if (isDescriptorShortage(error)) {
      // It concerns all partitions alike.
      if (now < this.#shortageToldMs + PERIOD_MS) return;
      this.#shortageToldMs = now;
      return this.#tell(error.message);
    }
    if (now < (this.#toldMs.get(key) ?? -Infinity) + EVERY_MS) return;
    this.#toldMs.set(key, now);
    if (now >= this.#periodBeganMs + PERIOD_MS) this.#beginPeriod(now);
    if (this.#lines >= MAX_LINES) this.#omitted++;
    else {
      this.#lines++;
      this.#tell(error.message);
    }
  }

  #beginPeriod(now: number): void {
    if (this.#omitted > 0) {
      this.#tell(`Files failed ${this.#omitted} more times, on other partitions or again`);
    }
    this.#periodBeganMs = now;
    this.#lines = 0;
    this.#omitted = 0;
  }
}
