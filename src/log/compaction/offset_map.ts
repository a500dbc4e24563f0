/**
 * Where the newest record of each key is: the table that compaction fills from the new part of a log
 * and asks about every record. Entries take 24 bytes, a key's digest and an offset, whatever the
 * length of the key. The table is many small ones, each of which grows by itself, so that it takes
 * what it needs, never more than it was allowed, and no growth takes longer than a fraction of a
 * millisecond.
 *
 * @module
 */
import type { KeyDigest } from "./key_digest.ts";

/** 32-bit words of an entry: four of digest, two of offset. The last is 0 where there is none. */
const WORDS = 6;
const BYTES = WORDS * 4;
/** Entries that one small table may have room for. */
const SHARD_SLOTS = 4_096;
const MAXIMUM_SHARDS = 4_096;
const FIRST_SLOTS = 8;
const HALF = 4_294_967_296;

const NO_ENTRIES = new Int32Array(0);

/** How large an {@linkcode OffsetMap} may become. */
export interface OffsetMapLimits {
  /** The most memory for entries, bytes: `log.cleaner.dedupe.buffer.size`. */
  readonly maxBytes: number;
  /** How full a table may be, 0 to 1: `log.cleaner.io.buffer.load.factor`. */
  readonly loadFactor: number;
}

/** A bounded map from keys to the offsets of their newest records. */
export class OffsetMap {
  /** Everything up to this offset has been put in; -1 for nothing. Records behind it are not judged. */
  latestOffset = -1;

  readonly #digest: KeyDigest;
  readonly #loadFactor: number;
  readonly #shards: Int32Array[];
  readonly #counts: Uint32Array;
  readonly #shardMask: number;
  readonly #maxSlots: number;
  #size = 0;

  /** An empty map whose keys are digested by `digest`. Room for at least one entry is always given. */
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

  /** How many keys there are. */
  get size(): number {
    return this.#size;
  }

  /** The memory that entries take now, bytes. */
  get byteLength(): number {
    return this.#shards.reduce((sum, shard) => sum + shard.byteLength, 0);
  }

  /**
   * Notes that the newest record of the key `bytes[start..end)` is at `offset`, which is above those
   * that came before it. False when the key is new and there is no room: nothing has changed then.
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

  /** The offset of the newest record of the key `bytes[start..end)`, or -1 for a key that is not there. */
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

/** Where the entry of a digest is or would go, or -1 when there is no room. */
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
