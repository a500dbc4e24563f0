/**
 * The compressors of a host, as records need them: `Runtime.codecs()` returns them.
 *
 * @module
 */

/** Compressors of the host. */
export interface HostCodecs {
  /** One gzip stream of `bytes`, at a level from 1 to 9. */
  gzip(bytes: Uint8Array, level: number): Uint8Array;
  /** Throws when the data are bad or more than `maxBytes` come out. */
  gunzip(bytes: Uint8Array, maxBytes: number): Uint8Array;
  /** zstd, at a level from 1 to 22; its decompressor throws as `gunzip` does. */
  readonly zstd: {
    compress(bytes: Uint8Array, level: number): Uint8Array;
    decompress(bytes: Uint8Array, maxBytes: number): Uint8Array;
  };
  /** The same in steps. Absent where each call takes one step. */
  readonly inSteps?: HostCodecsInSteps;
}

/**
 * Compressors of the host that handle at most some 64 KiB between two calls of `pause`, and nothing
 * until what it returned has resolved. They reject as {@linkcode HostCodecs} throw, with the reason of
 * a pause when that rejects, and leave nothing open. `bytes` must not change meanwhile.
 */
export interface HostCodecsInSteps {
  gzip(bytes: Uint8Array, level: number, pause: () => Promise<void>): Promise<Uint8Array>;
  gunzip(bytes: Uint8Array, maxBytes: number, pause: () => Promise<void>): Promise<Uint8Array>;
  readonly zstd: {
    /** One frame. An empty one may follow: hosts' streams do that where the output fills a buffer. */
    compress(bytes: Uint8Array, level: number, pause: () => Promise<void>): Promise<Uint8Array>;
    /** Absent where the host cannot report an error of bad data. */
    decompress?(
      bytes: Uint8Array,
      maxBytes: number,
      pause: () => Promise<void>,
    ): Promise<Uint8Array>;
  };
}
