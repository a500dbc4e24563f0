import { assertEquals, assertThrows } from "@std/assert";
import { crc32c, createCrc32cArena } from "../../../src/protocol/records/crc32c.ts";
import { updateCrc32cByTable } from "../../../src/protocol/records/crc32c_table.ts";
import { ARENA_START, CRC32C_MODULE } from "../../../src/protocol/records/crc32c_module.ts";
import * as program from "../../../tools/crc32c/crc32c_program.ts";
import { test } from "../../harness.ts";
import { fromBase64, randomBytes, randomSource, reasonOf, utf8 } from "./record_helpers.ts";

function byTable(bytes: Uint8Array): number {
  return ~updateCrc32cByTable(-1, bytes, 0, bytes.length) >>> 0;
}

/** The definition, bit by bit. */
function byBit(bytes: Uint8Array): number {
  let crc = -1;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0x82f63b78 : 0);
  }
  return ~crc >>> 0;
}

const ascending = Uint8Array.from({ length: 32 }, (_, index) => index);

// RFC 3720, appendix B.4, and the check value of CRC catalogues.
const KNOWN: [string, Uint8Array, number][] = [
  ["nothing", new Uint8Array(0), 0],
  ["32 zeros", new Uint8Array(32), 0x8a9136aa],
  ["32 bytes of ones", new Uint8Array(32).fill(0xff), 0x62a8ab43],
  ["0 to 31", ascending, 0x46dd794e],
  ["31 to 0", ascending.slice().reverse(), 0x113fdb5c],
  [
    "an iSCSI read command",
    Uint8Array.from(
      "01c00000 00000000 00000000 00000000 14000000 00000400 00000014 00000018 28000000 00000000 02000000 00000000"
        .replaceAll(" ", "").match(/../g)!.map((hex) => parseInt(hex, 16)),
    ),
    0xd9963a56,
  ],
  ["123456789", utf8("123456789"), 0xe3069283],
];

for (const method of ["simd", "table"] as const) {
  test(`the ${method} arena and crc32c() compute the known checksums`, () => {
    const arena = createCrc32cArena(100, method);
    for (const [name, bytes, expected] of KNOWN) {
      arena.memory.set(bytes, 3);
      assertEquals(arena.checksum(3, bytes.length), expected, name);
      assertEquals(crc32c(bytes), expected, name);
    }
  });
}

test("the module equals the output of its program and runs on this host", () => {
  assertEquals(WebAssembly.validate(program.assembleCrc32c()), true);
  assertEquals(fromBase64(CRC32C_MODULE), program.assembleCrc32c());
  assertEquals<number>(ARENA_START, program.ARENA_START);
});

test("the table matches the definition at every length up to 600", () => {
  const bytes = randomBytes(randomSource(1), 600);
  for (let length = 0; length <= 600; length++) {
    assertEquals(byTable(bytes.subarray(0, length)), byBit(bytes.subarray(0, length)));
  }
});

test("the SIMD module matches the table at every length up to 600 and every alignment", () => {
  const arena = createCrc32cArena(1000, "simd");
  const bytes = randomBytes(randomSource(2), 700);
  arena.memory.set(bytes);
  for (let length = 0; length <= 600; length++) {
    const start = length % 64;
    const expected = byTable(bytes.subarray(start, start + length));
    assertEquals(arena.checksum(start, length), expected);
  }
});

test("the SIMD module matches the table around each of its thresholds", () => {
  const arena = createCrc32cArena(70_000, "simd");
  const bytes = randomBytes(randomSource(3), 60_000);
  arena.memory.set(bytes);
  const edges = [79 * 16, 128 * 16, 209 * 16, 340 * 16, (209 + 816) * 16, (209 + 2 * 816) * 16];
  for (const edge of edges) {
    for (let length = edge - 40; length <= edge + 40; length++) {
      const expected = byTable(bytes.subarray(length % 5, length % 5 + length));
      assertEquals(arena.checksum(length % 5, length), expected, `${length} bytes`);
    }
  }
});

test("the SIMD module matches the table at random sizes, and crc32c() across its chunks", () => {
  const random = randomSource(4);
  const arena = createCrc32cArena(0, "simd");
  arena.reserve(400_000);
  const bytes = randomBytes(random, 400_000);
  arena.memory.set(bytes);
  for (let round = 0; round < 150; round++) {
    const length = random(round % 10 === 0 ? 390_000 : 30_000);
    const start = random(10_000);
    const expected = byTable(bytes.subarray(start, start + length));
    assertEquals(arena.checksum(start, length), expected);
    assertEquals(crc32c(bytes.subarray(start, start + length)), expected);
  }
});

test("the sparse polynomials are multiples of the Castagnoli polynomial", () => {
  const multiply = (a: bigint, b: bigint) => {
    let product = 0n;
    for (; b > 0n; b >>= 1n) {
      if (b & 1n) product ^= a;
      a <<= 1n;
      if (a >> 32n) a ^= 0x11edc6f41n;
    }
    return product;
  };
  const power = (exponent: number) => {
    let result = 1n;
    for (let base = 2n; exponent > 0; exponent >>= 1, base = multiply(base, base)) {
      if (exponent & 1) result = multiply(result, base);
    }
    return result;
  };
  const sum = ({ exponents }: program.SparseMultiple) =>
    exponents.map((exponent) => power(128 * exponent)).reduce((a, b) => a ^ b);
  assertEquals(sum(program.STAGE_A), power(128 * program.STAGE_A.degree));
  assertEquals(sum(program.STAGE_B), power(128 * program.STAGE_B.degree));
});

for (const method of ["simd", "table"] as const) {
  test(`the ${method} arena keeps its content when it grows and checks its bounds`, () => {
    const arena = createCrc32cArena(10, method);
    arena.memory.set(utf8("123456789"), 1);
    arena.reserve(3_000_000);
    assertEquals(arena.memory.length >= 3_000_000, true);
    assertEquals(arena.checksum(1, 9), 0xe3069283);
    const size = arena.memory.length;
    arena.reserve(size);
    assertEquals(arena.memory.length, size);
    assertEquals(arena.checksum(size, 0), 0);
    for (const [offset, length] of [[size, 1], [-1, 4], [0, -1], [0, size + 1], [NaN, 1]]) {
      assertThrows(() => arena.checksum(offset!, length!), RangeError);
    }
    assertEquals(reasonOf(() => arena.reserve(2 ** 40 * 16)), "too-large");
    assertEquals(arena.checksum(1, 9), 0xe3069283);
  });
}
