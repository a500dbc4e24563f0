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
import type { HostCodecs } from "../src/runtime/runtime.ts";
import { hostCodecs, ourZstd, sampleJson } from "../tests/protocol/records/record_helpers.ts";

const bytes = sampleJson(131_072);
const subjects: { name: string; type: CompressionType; host?: HostCodecs }[] = [
  { name: "gzip (the host's)", type: "gzip", host: hostCodecs },
  { name: "snappy", type: "snappy" },
  { name: "lz4", type: "lz4" },
  { name: "zstd (the host's)", type: "zstd", host: hostCodecs },
  { name: "zstd (decompressed by ours)", type: "zstd", host: ourZstd },
];
for (const { name, type, host } of subjects) {
  const packed = compress(type, bytes, undefined, host);
  const ratio = (bytes.length / packed.length).toFixed(1);
  Deno.bench(`compress ${name}, 128 KB, ratio ${ratio}`, { group: name }, () => {
    compress(type, bytes, undefined, host);
  });
  Deno.bench(`decompress ${name}, 128 KB`, { group: name }, () => {
    decompress(type, packed, bytes.length, host);
  });
}
