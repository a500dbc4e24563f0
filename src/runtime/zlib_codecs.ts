/**
 * The host's compressors, over the synchronous half of `node:zlib`: it beats `DecompressionStream`
 * two to ten times and needs no turn of the event loop.
 *
 * @module
 */

import type { HostCodecs } from "./runtime.ts";

/** What is used of `node:zlib`; zstd came with Node 22.15. */
export interface ZlibModule {
  gzipSync(bytes: Uint8Array, options: { level: number }): Uint8Array;
  gunzipSync(bytes: Uint8Array, options: { maxOutputLength: number }): Uint8Array;
  zstdCompressSync?(bytes: Uint8Array, options: { params: Record<number, number> }): Uint8Array;
  zstdDecompressSync?(bytes: Uint8Array, options: { maxOutputLength: number }): Uint8Array;
  readonly constants: { readonly ZSTD_c_compressionLevel?: number };
}

/** The codecs of {@linkcode Runtime.codecs} over `zlib`. */
export function zlibCodecs(zlib: ZlibModule): HostCodecs {
  const base: HostCodecs = {
    gzip: (bytes, level) => zlib.gzipSync(bytes, { level }),
    gunzip: (bytes, maxBytes) =>
      bounded(zlib.gunzipSync(bytes, { maxOutputLength: maxBytes }), maxBytes),
  };
  const { zstdCompressSync, zstdDecompressSync } = zlib;
  const levelKey = zlib.constants.ZSTD_c_compressionLevel;
  if (!zstdCompressSync || !zstdDecompressSync || levelKey === undefined) return base;
  return {
    ...base,
    zstd: {
      compress: (bytes, level) => zstdCompressSync(bytes, { params: { [levelKey]: level } }),
      decompress: (bytes, maxBytes) =>
        bounded(zstdDecompressSync(bytes, { maxOutputLength: maxBytes }), maxBytes),
    },
  };
}

/** Not every host's zlib heeds `maxOutputLength` to the byte. */
function bounded(output: Uint8Array, maxBytes: number): Uint8Array {
  if (output.length > maxBytes) {
    throw new RangeError(
      `Cannot decompress: ${output.length.toLocaleString("en-US")} bytes come out, ` +
        `the limit is ${maxBytes.toLocaleString("en-US")}`,
    );
  }
  return output;
}
