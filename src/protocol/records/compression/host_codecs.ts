/**
 * The compressors that a host may have, as the records need them. A `Runtime`'s `codecs()` is one;
 * it is said again here because the protocol depends on nothing.
 *
 * @module
 */

/** Compressors of the host. A missing one is replaced by ours. */
export interface HostCodecs {
  /** One gzip stream of `bytes`, at a level from 1 to 9. */
  gzip(bytes: Uint8Array, level: number): Uint8Array;
  /** Throws when the data are bad or more than `maxBytes` come out. */
  gunzip(bytes: Uint8Array, maxBytes: number): Uint8Array;
  /** zstd, at a level from 1 to 22; its decompressor throws as `gunzip` does. */
  readonly zstd?: {
    compress(bytes: Uint8Array, level: number): Uint8Array;
    decompress(bytes: Uint8Array, maxBytes: number): Uint8Array;
  };
}
