/**
 * The offset of the newest record of each key. Compaction fills it from the new part of a log and
 * looks up the key of every record. An entry takes 24 bytes, a digest of the key and an offset,
 * regardless of the key's length. The map is divided into many small tables that grow
 * independently, so it uses memory as needed up to its limit, and no single growth takes longer
 * than a fraction of a millisecond.
 *
 * @module
 */
import type { KeyDigest } from "./key_digest.ts";

/**
 * The number of 32-bit words of an entry: four for the digest, two for the offset. The last word of
 * an unused entry is 0.
 */
const WORDS = 6;
const BYTES = WORDS * 4;
/** The maximum number of entries of one table. */
const SHARD_SLOTS = 4_096;
const MAXIMUM_SHARDS = 4_096;
const FIRST_SLOTS = 8;
const HALF = 4_294_967_296;

const NO_ENTRIES = new Int32Array(0);

/** The limits of an {@linkcode OffsetMap}. */
export interface OffsetMapLimits {
  /** The maximum memory for entries, bytes: `log.cleaner.dedupe.buffer.size`. */
  readonly maxBytes: number;
  /** The maximum share of used entries, from 0 to 1: `log.cleaner.io.buffer.load.factor`. */
  readonly loadFactor: number;
}

/** A bounded map from keys to the offsets of their newest records. */
export class OffsetMap {
  /** The last offset whose key has been added, or -1. Records after it are kept. */
  latestOffset = -1;

  readonly #digest: KeyDigest;
  readonly #loadFactor: number;
  readonly #shards: Int32Array[];
  readonly #counts: Uint32Array;
  readonly #shardMask: number;
  readonly #maxSlots: number;
  #size = 0;

  /** Creates an empty map with room for at least one entry. `digest` digests the keys. */
  constructor(digest: KeyDigest, { maxBytes, loadFactor }: OffsetMapLimits) {
    this.#digest = digest;
    this.#loadFactor = Math.min(Math.max(loadFactor, 0.01), 0.99);
    const slots = Math.floor(maxBytes / BYTES);
    let shards = 1;
    while (shards < MAXIMUM_SHARDS && slots / (shards * 2) >= SHARD_SLOTS) shards *= 2;
    this.#shardMask = shards - 1;
    this.#maxSlots = Math.max(2, Math.floor(slots / shards));
    this.#shards = new Array<Int32Array>(shards).fill(NO_ENTRIES);
    this.#counts = new Uint32Array(shards);
  }

  /** The number of keys. */
  get size(): number {
    return this.#size;
  }

  /** The memory of the entries, bytes. */
  get byteLength(): number {
    return this.#shards.reduce((sum, shard) => sum + shard.byteLength, 0);
  }

  /**
   * Sets the offset of the newest record of the key `bytes[start..end)`. Offsets must be added in
   * rising order. Returns false, without a change, if the key is new and the map is full.
   */
  put(bytes: Uint8Array, start: number, end: number, offset: number): boolean {
    const { a, b, c, d } = this.#digestOf(bytes, start, end);
    const number = d & this.#shardMask;
    let shard = this.#shards[number]!;
    let at = find(shard, a, b, c, d);
    if (at < 0 || shard[at + 5] === 0) {
      const slots = shard.length / WORDS;
      if (this.#counts[number]! + 1 > Math.max(1, Math.floor(slots * this.#loadFactor))) {
        if (slots >= this.#maxSlots) return false;
        shard = this.#grow(number);
        at = find(shard, a, b, c, d);
      } else if (at < 0) {
        shard = this.#grow(number);
        at = find(shard, a, b, c, d);
      }
      shard[at] = a;
      shard[at + 1] = b;
      shard[at + 2] = c;
      shard[at + 3] = d;
      this.#counts[number]!++;
      this.#size++;
    }
    shard[at + 4] = offset | 0;
    shard[at + 5] = Math.floor(offset / HALF) + 1;
    return true;
  }

  /**
   * Returns the offset of the newest record of the key `bytes[start..end)`, or -1 for an unknown
   * key.
   */
  get(bytes: Uint8Array, start: number, end: number): number {
    const { a, b, c, d } = this.#digestOf(bytes, start, end);
    const shard = this.#shards[d & this.#shardMask]!;
    const at = find(shard, a, b, c, d);
    if (at < 0 || shard[at + 5] === 0) return -1;
    return (shard[at + 5]! - 1) * HALF + (shard[at + 4]! >>> 0);
  }

  #digestOf(bytes: Uint8Array, start: number, end: number): KeyDigest {
    this.#digest.update(bytes, start, end);
    return this.#digest;
  }

  #grow(number: number): Int32Array {
    const old = this.#shards[number]!;
    const slots = Math.min(this.#maxSlots, Math.max(FIRST_SLOTS, old.length / WORDS * 2));
    const grown = new Int32Array(slots * WORDS);
    for (let at = 0; at < old.length; at += WORDS) {
      if (old[at + 5] === 0) continue;
      const to = find(grown, old[at]!, old[at + 1]!, old[at + 2]!, old[at + 3]!);
      for (let word = 0; word < WORDS; word++) grown[to + word] = old[at + word]!;
    }
    this.#shards[number] = grown;
    return grown;
  }
}

/** Returns the position of the entry of a digest, used or not, or -1 if the table is full. */
function find(shard: Int32Array, a: number, b: number, c: number, d: number): number {
  const slots = shard.length / WORDS;
  if (slots === 0) return -1;
  let slot = Math.floor((a >>> 0) * slots / HALF);
  for (let probe = 0; probe < slots; probe++) {
    const at = slot * WORDS;
    if (
      shard[at + 5] === 0 ||
      (shard[at] === a && shard[at + 1] === b && shard[at + 2] === c && shard[at + 3] === d)
    ) {
      return at;
    }
    if (++slot === slots) slot = 0;
  }
  return -1;
}
