/**
 * A file of the simulated disk: its content, and what remains of it after a power failure.
 *
 * The model is a page cache. A write makes pages dirty. A sync makes the pages durable that were dirty
 * when it began. After a crash each dirty page holds, independently of the others, its old content, its
 * new content, or a mixture: by sectors, torn at any byte, or with noise where it was being written. The
 * length is the old one, the new one or one between. Pages of zeros inside the length are possible, as
 * on real file systems.
 *
 * A sync that fails makes nothing durable, and yet the cache marks its pages as clean, as Linux does.
 * Later syncs do not write those pages again unless they are changed again.
 *
 * @module
 */

import { ChunkedBytes } from "../runtime/chunked_bytes.ts";
import type { Xoshiro128 } from "./xoshiro.ts";

/** Bytes of a page of the cache. */
export const PAGE_BYTES = 4096;
/** The unit that a disk writes entirely or not at all. */
export const SECTOR_BYTES = 512;

/** The fate of data that no sync covers, at a crash. */
export type UnsyncedFate = "lose" | "keep" | "random";

/** A sync in progress. Call one of the two methods when it ends. */
export interface PendingSync {
  /** Makes everything durable that was written before the sync began. */
  complete(): void;
  /** Makes none of it durable. No later sync does, either. */
  fail(): void;
}

/** The state at some moment, as the pages changed since then. Null marks a page without data. */
interface Layer {
  /** Becomes an older length when the sync that was to cover the layer fails. */
  length: number;
  readonly pages: Map<number, Uint8Array | null>;
}

/** The content of one file. */
export class PagedFile {
  readonly #bytes = new ChunkedBytes();
  /** The first starts at the last completed sync, and each sync in progress adds one. */
  #layers: Layer[] = [{ length: 0, pages: new Map() }];
  /** The content on the disk of the pages that a failed sync should have written. */
  readonly #unwritten = new Map<number, Uint8Array | null>();

  /** The length in bytes, as programs see it. */
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

  /** Saves the pages from `start` to `end` that were not saved yet. */
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

  /** Begins a sync of everything that was written so far. */
  beginSync(): PendingSync {
    const covered = this.#layers.at(-1)!;
    this.#layers.push({ length: this.#bytes.length, pages: new Map() });
    return {
      complete: () => {
        for (const { pages } of this.#takeUpTo(covered)) {
          for (const page of pages.keys()) this.#unwritten.delete(page);
        }
      },
      fail: () => {
        const taken = this.#takeUpTo(covered);
        if (taken.length === 0) return;
        this.#layers[0]!.length = taken[0]!.length;
        for (const { pages } of taken) addMissing(this.#unwritten, pages);
      },
    };
  }

  /** Removes the layers up to `covered`. There are none if another sync, or a crash, removed them before. */
  #takeUpTo(covered: Layer): Layer[] {
    return this.#layers.splice(0, this.#layers.indexOf(covered) + 1);
  }

  /** Whether a crash could lose something. */
  get isDirty(): boolean {
    return this.#unwritten.size > 0 ||
      this.#layers.some(({ length, pages }) => pages.size > 0 || length !== this.length);
  }

  /**
   * Cuts the power. The content that remains is drawn from `random`, and is durable from then on. With
   * `hasNoise` pages that were being written may hold noise.
   */
  crash(fate: UnsyncedFate, random: Xoshiro128, hasNoise = false): void {
    const before = this.#layers[0]!.length;
    const after = this.#bytes.length;
    const dirty = new Map(this.#unwritten);
    for (const { pages } of this.#layers) addMissing(dirty, pages);
    // Most crashes lose or keep all unsynced data of a file. Only some get the whole mixture.
    const kind = fate !== "random" ? fate : (["lose", "keep", "mix"] as const)[random.below(3)]!;
    if (kind !== "keep") {
      const left: [number, Uint8Array][] = [];
      for (const [page, content] of dirty) {
        const old = content ?? new Uint8Array(PAGE_BYTES);
        // Data that was truncated comes back unchanged or not at all: a truncation is not torn.
        const cut = after < before && (page + 1) * PAGE_BYTES > after;
        const isOld = kind === "lose" || cut;
        left.push([page, isOld ? old : mix(old, this.#page(page), random, hasNoise)]);
      }
      for (const [page, content] of left) this.#bytes.write(content, page * PAGE_BYTES);
      this.#bytes.truncate(kind === "lose" ? before : lengthBetween(before, after, random));
    }
    this.#layers = [{ length: this.#bytes.length, pages: new Map() }];
    this.#unwritten.clear();
  }

  /** Flips bits, as a failing disk does: `mask` is XORed onto the byte at `position`. */
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

/** Returns one of the states in which a page may be found. Changes `after`. */
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

/** Returns the new content up to a changed byte, and the old content from there on. */
function tear(before: Uint8Array, after: Uint8Array, random: Xoshiro128): Uint8Array {
  const first = after.findIndex((byte, at) => byte !== before[at]);
  const last = after.findLastIndex((byte, at) => byte !== before[at]);
  if (first === -1) return after;
  const end = random.between(first, last);
  after.set(before.subarray(end), end);
  return after;
}

/** Returns the new content with noise between two changed bytes. */
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
