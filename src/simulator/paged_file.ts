/**
 * A file of the simulated disk: what programs see, and what would be left of it after a power cut.
 *
 * The model is a page cache. A write makes pages dirty; a sync makes those durable that were dirty
 * when it began. At a crash each dirty page is, by itself, what it was, what it became, or a
 * mixture: by sectors, torn at any byte, or noise where it was being written; the length is the old
 * one, the new one or one between. Pages of zeros inside the length are possible, as on real file
 * systems.
 *
 * A sync that fails makes nothing durable, and the cache thinks no less that its pages are clean:
 * that is what Linux does. Later syncs do not write those pages again, unless they are changed again.
 *
 * @module
 */

import { ChunkedBytes } from "../runtime/chunked_bytes.ts";
import type { Xoshiro128 } from "./xoshiro.ts";

/** Bytes of a page of the cache. */
export const PAGE_BYTES = 4096;
/** What a disk writes whole or not at all. */
export const SECTOR_BYTES = 512;

/** What a crash does with data that no sync covers. */
export type UnsyncedFate = "lose" | "keep" | "random";

/** A sync that is under way. One of the two is called when it ends. */
export interface PendingSync {
  /** All that was written before it began is durable now. */
  complete(): void;
  /** None of it is, and no later sync makes up for it. */
  fail(): void;
}

/** The state before the changes since some moment: saved pages, null where there was no data. */
interface Layer {
  /** Grows older when the sync that was to cover the layer fails. */
  length: number;
  readonly pages: Map<number, Uint8Array | null>;
}

/** The content of one file. */
export class PagedFile {
  readonly #bytes = new ChunkedBytes();
  /** One from the last completed sync on, one more for each sync that is under way. */
  #layers: Layer[] = [{ length: 0, pages: new Map() }];
  /** What the disk has of the pages that a sync which failed should have written. */
  readonly #forsaken = new Map<number, Uint8Array | null>();

  /** Bytes that programs see. */
  get length(): number {
    return this.#bytes.length;
  }

  /** As {@linkcode FileHandle.readAt}. */
  read(target: Uint8Array, position: number): number {
    return this.#bytes.read(target, position);
  }

  /** As {@linkcode FileHandle.writeAt}. */
  write(bytes: Uint8Array, position: number): void {
    if (bytes.length === 0) return;
    this.#save(position, position + bytes.length);
    this.#bytes.write(bytes, position);
  }

  /** As {@linkcode FileHandle.truncate}. */
  truncate(length: number): void {
    if (length < this.#bytes.length) this.#save(length, this.#bytes.length);
    this.#bytes.truncate(length);
  }

  /** Keeps the pages from `start` to `end` as they are now, those not kept yet. */
  #save(start: number, end: number): void {
    const { pages } = this.#layers.at(-1)!;
    const last = Math.floor((end - 1) / PAGE_BYTES);
    for (let page = Math.floor(start / PAGE_BYTES); page <= last; page++) {
      if (pages.has(page)) continue;
      const empty = page * PAGE_BYTES >= this.#bytes.length;
      pages.set(page, empty ? null : this.#page(page));
    }
  }

  #page(page: number): Uint8Array {
    const content = new Uint8Array(PAGE_BYTES);
    this.#bytes.read(content, page * PAGE_BYTES);
    return content;
  }

  /** A sync of all that was written up to now begins. */
  beginSync(): PendingSync {
    const covered = this.#layers.at(-1)!;
    this.#layers.push({ length: this.#bytes.length, pages: new Map() });
    return {
      complete: () => {
        for (const { pages } of this.#takeUpTo(covered)) {
          for (const page of pages.keys()) this.#forsaken.delete(page);
        }
      },
      fail: () => {
        const taken = this.#takeUpTo(covered);
        if (taken.length === 0) return;
        this.#layers[0]!.length = taken[0]!.length;
        for (const { pages } of taken) addMissing(this.#forsaken, pages);
      },
    };
  }

  /** The layers up to `covered`: none when another sync, or a crash, has taken it away. */
  #takeUpTo(covered: Layer): Layer[] {
    return this.#layers.splice(0, this.#layers.indexOf(covered) + 1);
  }

  /** Whether a crash could take something away. */
  get isDirty(): boolean {
    return this.#forsaken.size > 0 ||
      this.#layers.some(({ length, pages }) => pages.size > 0 || length !== this.length);
  }

  /**
   * The power goes: what is left is drawn from `random`, and is durable from then on. `hasNoise` is
   * whether what was being written may have become something else altogether.
   */
  crash(fate: UnsyncedFate, random: Xoshiro128, hasNoise = false): void {
    const before = this.#layers[0]!.length;
    const after = this.#bytes.length;
    const dirty = new Map(this.#forsaken);
    for (const { pages } of this.#layers) addMissing(dirty, pages);
    // Most crashes lose or keep all that one file had: only some get the whole mixture.
    const kind = fate !== "random" ? fate : (["lose", "keep", "mix"] as const)[random.below(3)]!;
    if (kind !== "keep") {
      const left: [number, Uint8Array][] = [];
      for (const [page, content] of dirty) {
        const old = content ?? new Uint8Array(PAGE_BYTES);
        // What a cut took away comes back as it was, or not at all: cuts are not torn.
        const cut = after < before && (page + 1) * PAGE_BYTES > after;
        const isOld = kind === "lose" || cut;
        left.push([page, isOld ? old : mix(old, this.#page(page), random, hasNoise)]);
      }
      for (const [page, content] of left) this.#bytes.write(content, page * PAGE_BYTES);
      this.#bytes.truncate(kind === "lose" ? before : lengthBetween(before, after, random));
    }
    this.#layers = [{ length: this.#bytes.length, pages: new Map() }];
    this.#forsaken.clear();
  }

  /** Turns bits over, as a failing disk does: `mask` is XORed onto the byte at `position`. */
  corrupt(position: number, mask: number): void {
    const byte = new Uint8Array(1);
    if (this.#bytes.read(byte, position) === 0) return;
    byte[0]! ^= mask;
    this.#bytes.write(byte, position);
  }
}

function addMissing(
  target: Map<number, Uint8Array | null>,
  pages: ReadonlyMap<number, Uint8Array | null>,
): void {
  for (const [page, content] of pages) if (!target.has(page)) target.set(page, content);
}

/** One of the states that a page may be found in. `after` is this function's own to change. */
function mix(
  before: Uint8Array,
  after: Uint8Array,
  random: Xoshiro128,
  hasNoise: boolean,
): Uint8Array {
  switch (random.below(hasNoise ? 5 : 4)) {
    case 0:
      return before;
    case 1:
      return after;
    case 2:
      for (let sector = 0; sector < PAGE_BYTES; sector += SECTOR_BYTES) {
        if (random.oneIn(2)) after.set(before.subarray(sector, sector + SECTOR_BYTES), sector);
      }
      return after;
    case 3:
      return tear(before, after, random);
    default:
      return scramble(before, after, random);
  }
}

/** The new content up to some byte that was changed, and the old one from there on. */
function tear(before: Uint8Array, after: Uint8Array, random: Xoshiro128): Uint8Array {
  const first = after.findIndex((byte, at) => byte !== before[at]);
  const last = after.findLastIndex((byte, at) => byte !== before[at]);
  if (first === -1) return after;
  const end = random.between(first, last);
  after.set(before.subarray(end), end);
  return after;
}

/** The new content with noise from some byte that was changed up to another. */
function scramble(before: Uint8Array, after: Uint8Array, random: Xoshiro128): Uint8Array {
  const first = after.findIndex((byte, at) => byte !== before[at]);
  const last = after.findLastIndex((byte, at) => byte !== before[at]);
  if (first === -1) return after;
  const start = random.between(first, last);
  random.fill(after.subarray(start, random.between(start, last) + 1));
  return after;
}

function lengthBetween(before: number, after: number, random: Xoshiro128): number {
  switch (random.below(3)) {
    case 0:
      return before;
    case 1:
      return after;
    default:
      return before + Math.floor((after - before) * (random.nextUint32() / 2 ** 32));
  }
}
