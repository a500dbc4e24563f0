/**
 * Compression of JSON records in batches of 128 KB.
 *
 * @module
 */

import {
  compress,
  type CompressionType,
  decompress,
} from "../src/protocol/records/compression/codec.ts";
import { hostCodecs, sampleJson } from "../tests/protocol/records/record_helpers.ts";

const bytes = sampleJson(131_072);
for (const type of ["gzip", "snappy", "lz4"] as const satisfies CompressionType[]) {
  const host = type === "gzip" || type === "zstd" ? hostCodecs : undefined;
  const packed = compress(type, bytes, undefined, host);
  const ratio = (bytes.length / packed.length).toFixed(1);
  Deno.bench(`compress ${type}, 128 KB, ratio ${ratio}`, { group: type }, () => {
    compress(type, bytes, undefined, host);
  });
  Deno.bench(`decompress ${type}, 128 KB`, { group: type }, () => {
    decompress(type, packed, bytes.length, host);
  });
}
