/**
 * The events of a run, as one number and as the last lines of a transcript. Two runs with equal hashes
 * did the same things in the same order at the same simulated times.
 *
 * @module
 */

/** A running FNV-1a hash of 64 bits, held as two halves: `BigInt` would be ten times slower. */
export class Trace {
  #high = 0xcbf29ce4;
  #low = 0x84222325;
  #count = 0;
  #noted = 0;
  readonly #lines: string[] = [];

  /** Keeps the last `keptLines` lines (0 or more). */
  constructor(readonly keptLines: number) {}

  /** Adds one line. */
  add(line: string): void {
    for (let index = 0; index < line.length; index++) this.#mix(line.charCodeAt(index));
    this.#mix(0x0a);
    this.#count++;
    this.note(line);
  }

  /** Adds a line to the transcript only: the hash does not depend on it. */
  note(line: string): void {
    if (this.keptLines === 0) return;
    this.#lines[this.#noted++ % this.keptLines] = line;
  }

  /** One step with the prime 2^40 + 0x1b3. A UTF-16 unit is mixed in whole. */
  #mix(unit: number): void {
    const low = (this.#low ^ unit) >>> 0;
    const product = low * 0x1b3;
    this.#high = this.#high * 0x1b3 + (low << 8 >>> 0) + Math.floor(product / 2 ** 32) >>> 0;
    this.#low = product >>> 0;
  }

  /** The hash so far: 16 hexadecimal digits. */
  get hash(): string {
    return this.#high.toString(16).padStart(8, "0") + this.#low.toString(16).padStart(8, "0");
  }

  /** The number of lines in the hash. */
  get count(): number {
    return this.#count;
  }

  /** The last lines, oldest first. */
  get transcript(): string[] {
    const start = this.#noted > this.keptLines ? this.#noted % this.keptLines : 0;
    return [...this.#lines.slice(start), ...this.#lines.slice(0, start)];
  }
}

/** Returns a short mark of some bytes for the transcript: their length and 32 bits of FNV-1a. */
export function markOf(bytes: Uint8Array): string {
  let hash = 0x811c9dc5;
  // Large buffers are sampled: a trace must not cost more than what it traces.
  const step = bytes.length <= 1024 ? 1 : bytes.length / 1024;
  for (let at = 0; at < bytes.length; at += step) {
    hash = Math.imul(hash ^ bytes[Math.floor(at)]!, 0x01000193);
  }
  return `${bytes.length} bytes ${(hash >>> 0).toString(16).padStart(8, "0")}`;
}
