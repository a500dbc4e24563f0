/**
 * Writes the WebAssembly module of `crc32c_program.ts` to `src/protocol/records/crc32c_module.ts`.
 *
 * @module
 */

import { ARENA_START, assembleCrc32c } from "./crc32c_program.ts";

const base64 = btoa(String.fromCharCode(...assembleCrc32c()));
const lines = base64.match(/.{1,90}/g)!.map((line) => `  "${line}",`);
const text = `/**
 * The WebAssembly module for CRC-32C, as tools/crc32c/write.ts wrote it: not to be edited.
 * tools/crc32c/crc32c_program.ts explains it, and a test compares the two.
 *
 * @module
 */

/** Where the arena begins in the module's memory. */
export const ARENA_START = ${ARENA_START};

/** The module's bytes, in base64. */
export const CRC32C_MODULE: string = [
${lines.join("\n")}
].join("");
`;
Deno.writeTextFileSync(
  new URL("../../src/protocol/records/crc32c_module.ts", import.meta.url),
  text,
);
