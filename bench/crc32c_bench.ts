/**
 * CRC-32C for typical sizes of batches.
 *
 * @module
 */

import { crc32c, createCrc32cArena } from "../src/protocol/records/crc32c.ts";

for (const size of [1024, 16_384, 131_072, 1_048_576]) {
  const label = `${size / 1024} KB`;
  const bytes = new Uint8Array(size).map((_, index) => index * 131);
  for (const method of ["simd", "table"] as const) {
    const arena = createCrc32cArena(size, method);
    arena.memory.set(bytes);
    Deno.bench(`checksum() in a ${method} arena, ${label}`, { group: label }, () => {
      arena.checksum(0, size);
    });
  }
  const arena = createCrc32cArena(size);
  Deno.bench(`copy into the arena, then checksum(), ${label}`, { group: label }, () => {
    arena.memory.set(bytes);
    arena.checksum(0, size);
  });
  Deno.bench(`crc32c(), ${label}`, { group: label }, () => {
    crc32c(bytes);
  });
}
