/**
 * The codecs of a host, as required by records. Returned by `Runtime.codecs()`.
 *
 * @module
 */

/** Codecs of the host. */
export interface HostCodecs {
  /** Compresses `bytes` to one gzip stream, at a level from 1 to 9. */
  gzip(bytes: Uint8Array, level: number): Uint8Array;
  /** Throws if the data are malformed or decompress to more than `maxBytes`. */
  gunzip(bytes: Uint8Array, maxBytes: number): Uint8Array;
  /** zstd, at a level from 1 to 22. Decompression throws as `gunzip` does. */
  readonly zstd: {
    compress(bytes: Uint8Array, level: number): Uint8Array;
    decompress(bytes: Uint8Array, maxBytes: number): Uint8Array;
  };
  /** The same in steps. Absent if each call takes a single step. */
  readonly inSteps?: HostCodecsInSteps;
}

/**
 * Codecs of the host that process at most about 64 KiB between two calls of `pause`, and nothing
 * while a pause is pending. They reject as {@linkcode HostCodecs} throw, or with the reason of a
 * rejected pause, and release all resources. `bytes` must not change meanwhile.
 */
export interface HostCodecsInSteps {
  gzip(bytes: Uint8Array, level: number, pause: () => Promise<void>): Promise<Uint8Array>;
  gunzip(bytes: Uint8Array, maxBytes: number, pause: () => Promise<void>): Promise<Uint8Array>;
  readonly zstd: {
    /**
     * Compresses to one frame. An empty frame may follow, as streams of some hosts produce when the
     * output fills a buffer.
     */
    compress(bytes: Uint8Array, level: number, pause: () => Promise<void>): Promise<Uint8Array>;
    /** Absent if the host cannot report errors of malformed data. */
    decompress?(
      bytes: Uint8Array,
      maxBytes: number,
      pause: () => Promise<void>,
    ): Promise<Uint8Array>;
  };
}
