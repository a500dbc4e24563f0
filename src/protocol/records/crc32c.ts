/**
 * CRC-32C (Castagnoli, RFC 3720), the checksum of record batches. Uses a WebAssembly SIMD module if
 * the host supports it (compiled on first use, in less than a millisecond), otherwise a table.
 *
 * @module
 */

import { updateCrc32cByTable } from "./crc32c_table.ts";
import { ARENA_START, CRC32C_MODULE } from "./crc32c_module.ts";
import type { Steps } from "./compression/steps.ts";
import { grouped, RecordError } from "./record_error.ts";

/**
 * Growable memory in which checksums are cheap. The broker copies each batch here once, checks it,
 * patches its base offset and leader epoch, and writes the file from here.
 */
export interface Crc32cArena {
  /**
   * The arena's bytes from position 0. Growing replaces this array: views taken before a call of
   * {@linkcode Crc32cArena.reserve} that grew are detached and must be created again.
   */
  readonly memory: Uint8Array<ArrayBuffer>;
  /**
   * Returns the CRC-32C, 0 to 2^32 - 1, of `length` bytes at `offset`. Throws a RangeError for a
   * range outside the memory.
   */
  checksum(offset: number, length: number): number;
  /**
   * Continues a CRC over `length` bytes at `offset`. `state` is -1 initially; the checksum is
   * `~state >>> 0`. Throws as {@linkcode Crc32cArena.checksum} does.
   */
  update(state: number, offset: number, length: number): number;
  /**
   * Grows the memory to at least `bytes`, keeping its content. It never shrinks. Throws a
   * {@linkcode RecordError} of reason `too-large` if the host cannot allocate it.
   */
  reserve(bytes: number): void;
}

/** The checksum implementation. Defaults to the fastest available. */
export type Crc32cMethod = "simd" | "table";

const PAGE = 65_536;
const DEFAULT_ARENA_BYTES = 262_144;

/**
 * Creates an arena of at least `initialBytes`. `method` selects an implementation in tests: `simd`
 * falls back to `table` without WebAssembly SIMD.
 */
export function createCrc32cArena(
  initialBytes: number = DEFAULT_ARENA_BYTES,
  method: Crc32cMethod = "simd",
): Crc32cArena {
  return (method === "simd" ? SimdArena.create(initialBytes) : null) ??
    new TableArena(initialBytes);
}

/**
 * `update(state, address, length)` continues an inverted running CRC, like the table
 * implementation.
 */
type Update = (state: number, address: number, length: number) => number;

let compiled: WebAssembly.Module | null | undefined;

/** Returns the module, or null if the host has no WebAssembly SIMD. */
function compiledModule(): WebAssembly.Module | null {
  if (compiled !== undefined) return compiled;
  if (typeof WebAssembly === "undefined") return compiled = null;
  const characters = atob(CRC32C_MODULE);
  const bytes = new Uint8Array(characters.length);
  for (let at = 0; at < bytes.length; at++) bytes[at] = characters.charCodeAt(at);
  try {
    return compiled = new WebAssembly.Module(bytes);
  } catch {
    return compiled = null;
  }
}

class SimdArena implements Crc32cArena {
  memory: Uint8Array<ArrayBuffer>;
  readonly #memory: WebAssembly.Memory;
  readonly #update: Update;

  private constructor(memory: WebAssembly.Memory, update: Update) {
    this.#memory = memory;
    this.#update = update;
    this.memory = viewOf(memory);
  }

  static create(initialBytes: number): SimdArena | null {
    const module = compiledModule();
    if (module === null) return null;
    const memory = new WebAssembly.Memory({
      initial: Math.ceil((ARENA_START + initialBytes) / PAGE),
    });
    const instance = new WebAssembly.Instance(module, { host: { memory } });
    return new SimdArena(memory, instance.exports["update"] as Update);
  }

  checksum(offset: number, length: number): number {
    return ~this.update(-1, offset, length) >>> 0;
  }

  update(state: number, offset: number, length: number): number {
    checkRange(offset, length, this.memory.length);
    return this.#update(state, ARENA_START + offset, length);
  }

  reserve(bytes: number): void {
    const size = this.memory.length;
    if (bytes <= size) return;
    const wanted = Math.max(bytes - size, Math.min(size, 16_777_216));
    try {
      this.#memory.grow(Math.ceil(wanted / PAGE));
    } catch (cause) {
      throw cannotGrow(bytes, cause);
    }
    this.memory = viewOf(this.#memory);
  }
}

class TableArena implements Crc32cArena {
  memory: Uint8Array<ArrayBuffer>;

  constructor(initialBytes: number) {
    this.memory = new Uint8Array(initialBytes);
  }

  checksum(offset: number, length: number): number {
    return ~this.update(-1, offset, length) >>> 0;
  }

  update(state: number, offset: number, length: number): number {
    checkRange(offset, length, this.memory.length);
    return updateCrc32cByTable(state, this.memory, offset, offset + length);
  }

  reserve(bytes: number): void {
    const size = this.memory.length;
    if (bytes <= size) return;
    let grown: Uint8Array<ArrayBuffer>;
    try {
      grown = new Uint8Array(Math.max(bytes, Math.min(size * 2, size + 16_777_216)));
    } catch (cause) {
      throw cannotGrow(bytes, cause);
    }
    grown.set(this.memory);
    this.memory = grown;
  }
}

/** Bytes checksummed in one step: 0.1 ms with WebAssembly, 0.5 ms with the table. */
const STEP = 1_048_576;

/** Like {@linkcode Crc32cArena.checksum}, in steps. */
export function* checksumInSteps(
  arena: Crc32cArena,
  offset: number,
  length: number,
): Steps<number> {
  const end = offset + length;
  let state = -1;
  for (let at = offset; at < end; at += STEP) {
    if (at > offset) yield;
    state = arena.update(state, at, Math.min(STEP, end - at));
  }
  return ~state >>> 0;
}

function viewOf(memory: WebAssembly.Memory): Uint8Array<ArrayBuffer> {
  // Only memory created with `shared: true` has a SharedArrayBuffer.
  return new Uint8Array(memory.buffer as ArrayBuffer, ARENA_START);
}

function checkRange(offset: number, length: number, size: number): void {
  if (!(offset >= 0 && length >= 0 && offset + length <= size)) {
    throw new RangeError(
      `Cannot checksum ${length} bytes at ${offset}: the arena has ${size} bytes`,
    );
  }
}

function cannotGrow(bytes: number, cause: unknown): RecordError {
  return new RecordError(
    `Cannot grow the checksum arena to ${grouped(bytes)} bytes: the host cannot allocate it`,
    "too-large",
    { cause },
  );
}

const CHUNK = 131_072;

let shared: SimdArena | null | undefined;

/**
 * Returns the CRC-32C of `bytes`, 0 to 2^32 - 1. The bytes are copied in chunks through the
 * module's memory, at 50 GB/s. To check many batches, copy them into an arena once.
 */
export function crc32c(bytes: Uint8Array): number {
  if (shared === undefined) shared = SimdArena.create(CHUNK);
  if (shared === null) return ~updateCrc32cByTable(-1, bytes, 0, bytes.length) >>> 0;
  if (bytes.length <= CHUNK) {
    shared.memory.set(bytes);
    return ~shared.update(-1, 0, bytes.length) >>> 0;
  }
  let state = -1;
  for (let at = 0; at < bytes.length; at += CHUNK) {
    const length = Math.min(CHUNK, bytes.length - at);
    shared.memory.set(bytes.subarray(at, at + length));
    state = shared.update(state, 0, length);
  }
  return ~state >>> 0;
}
