/**
 * Selects the partition of a record. With a key, by the same hash as Apache Kafka's Java client, so
 * that producers in different languages agree. Without a key, one partition for about a batch of
 * bytes, then another (KIP-794).
 *
 * @module
 */
import type { RandomSource } from "../../runtime/runtime.ts";

const M = 0x5bd1e995;

/** MurmurHash2 (32 bits) with Kafka's seed, as a signed integer. */
export function murmur2(bytes: Uint8Array): number {
  const { length } = bytes;
  let hash = 0x9747b28c ^ length;
  const whole = length & ~3;
  for (let i = 0; i < whole; i += 4) {
    let k = bytes[i]! | bytes[i + 1]! << 8 | bytes[i + 2]! << 16 | bytes[i + 3]! << 24;
    k = Math.imul(k, M);
    k ^= k >>> 24;
    hash = Math.imul(hash, M) ^ Math.imul(k, M);
  }
  const rest = length - whole;
  if (rest > 0) {
    if (rest > 2) hash ^= bytes[whole + 2]! << 16;
    if (rest > 1) hash ^= bytes[whole + 1]! << 8;
    hash = Math.imul(hash ^ bytes[whole]!, M);
  }
  hash ^= hash >>> 13;
  hash = Math.imul(hash, M);
  return hash ^ hash >>> 15;
}

/** Returns the partition, of `partitionCount`, for a key. */
export function partitionForKey(key: Uint8Array, partitionCount: number): number {
  // Clears the sign bit like Kafka: -2^31 has no positive counterpart.
  return (murmur2(key) & 0x7fffffff) % partitionCount;
}

/**
 * Selects partitions for records without a key: the same until `stickyBytes` were sent, then
 * another.
 */
export class StickyPartitioner {
  #partition = -1;
  #bytes = 0;

  constructor(readonly random: RandomSource, readonly stickyBytes: number) {}

  /**
   * Returns the partition, of `partitionCount`, of the next record, which has about `bytes` bytes.
   */
  next(partitionCount: number, bytes: number): number {
    if (this.#partition < 0 || this.#bytes >= this.stickyBytes) {
      this.#partition = this.#other(partitionCount);
      this.#bytes = 0;
    }
    this.#bytes += bytes;
    return this.#partition;
  }

  #other(partitionCount: number): number {
    if (this.#partition < 0 || partitionCount === 1) return this.random.below(partitionCount);
    const step = 1 + this.random.below(partitionCount - 1);
    return (this.#partition + step) % partitionCount;
  }
}
