/**
 * A file of the simulated disk: what programs see, and what would be left of it after a power cut.
 *
 * The model is a page cache. A write makes pages dirty; a sync makes those durable that were dirty
 * when it began. At a crash each dirty page is, by itself, what it was, what it became, or a
 * mixture by sectors (a torn write); the length is the old one, the new one or one between. Pages
 * of zeros inside the length are possible, as on real file systems.
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

/** The state before the changes since some moment: saved pages, null where there was no data. */
interface Layer {
  readonly length: number;
  readonly pages: Map<number, Uint8Array | null>;
}

/** The content of one file. */
export class PagedFile {
  readonly #bytes = new ChunkedBytes();
  /** One from the last completed sync on, one more for each sync that is under way. */
  #layers: Layer[] = [{ length: 0, pages: new Map() }];

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

  /** A sync of all that was written up to now begins; the function returned completes it. */
  beginSync(): () => void {
    const covered = this.#layers.at(-1)!;
    this.#layers.push({ length: this.#bytes.length, pages: new Map() });
    return () => {
      const index = this.#layers.indexOf(covered);
      // A later sync that completed first, or a crash, has taken it away.
      if (index >= 0) this.#layers.splice(0, index + 1);
    };
  }

  /** Whether a crash could take something away. */
  get isDirty(): boolean {
    return this.#layers.some(({ length, pages }) => pages.size > 0 || length !== this.length);
  }

  /** The power goes: what is left is drawn from `random`, and is durable from then on. */
  crash(fate: UnsyncedFate, random: Xoshiro128): void {
    const before = this.#layers[0]!.length;
    const after = this.#bytes.length;
    const dirty = new Map<number, Uint8Array | null>();
    for (const { pages } of this.#layers) {
      for (const [page, content] of pages) if (!dirty.has(page)) dirty.set(page, content);
    }
    // Most crashes lose or keep all that one file had: only some get the whole mixture.
    const kind = fate !== "random" ? fate : (["lose", "keep", "mix"] as const)[random.below(3)]!;
    if (kind !== "keep") {
      const left: [number, Uint8Array][] = [];
      for (const [page, content] of dirty) {
        const old = content ?? new Uint8Array(PAGE_BYTES);
        // What a cut took away comes back as it was, or not at all: cuts are not torn.
        const cut = after < before && (page + 1) * PAGE_BYTES > after;
        left.push([page, kind === "lose" || cut ? old : mix(old, this.#page(page), random)]);
      }
      for (const [page, content] of left) this.#bytes.write(content, page * PAGE_BYTES);
      this.#bytes.truncate(kind === "lose" ? before : lengthBetween(before, after, random));
    }
    this.#layers = [{ length: this.#bytes.length, pages: new Map() }];
  }

  /** Turns bits over, as a failing disk does: `mask` is XORed onto the byte at `position`. */
  corrupt(position: number, mask: number): void {
    const byte = new Uint8Array(1);
    if (this.#bytes.read(byte, position) === 0) return;
    byte[0]! ^= mask;
    this.#bytes.write(byte, position);
  }
}

function mix(before: Uint8Array, after: Uint8Array, random: Xoshiro128): Uint8Array {
  switch (random.below(3)) {
    case 0:
      return before;
    case 1:
      return after;
    default:
      for (let sector = 0; sector < PAGE_BYTES; sector += SECTOR_BYTES) {
        if (random.oneIn(2)) after.set(before.subarray(sector, sector + SECTOR_BYTES), sector);
      }
      return after;
  }
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
