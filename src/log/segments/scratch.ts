/**
 * Memory for checking and reading batches, shared by all logs of the process. Each use ends within
 * one turn of the event loop, so one arena is enough.
 *
 * @module
 */
import { type Crc32cArena, createCrc32cArena } from "../../protocol/records/crc32c.ts";

/** A larger arena is released when it is no longer needed. */
const RETAINED_BYTES = 4_194_304;

let arena: Crc32cArena | null = null;

/**
 * Returns the shared arena with at least `bytes` of memory. Its content is lost at the next call,
 * so it must not be used after an `await`, or while another function uses {@linkcode scratch}.
 * Throws a `RecordError` with reason `too-large` if the memory cannot be allocated.
 */
export function scratch(bytes: number): Crc32cArena {
  if (arena === null || (arena.memory.length > RETAINED_BYTES && bytes <= RETAINED_BYTES)) {
    arena = createCrc32cArena();
  }
  arena.reserve(bytes);
  return arena;
}

/** The number of idle arenas retained for work that spans several turns of the event loop. */
const RETAINED_ARENAS = 2;
/** A larger arena is not retained, since an arena never shrinks. */
const MAX_RETAINED_ARENA_BYTES = 16_777_216;

const idle: Crc32cArena[] = [];

/**
 * Returns an arena of at least `bytes` for exclusive use until {@linkcode returnArena}. Each new
 * arena reserves gigabytes of address space, so arenas are reused instead of left to the garbage
 * collector.
 */
export function takeArena(bytes: number): Crc32cArena {
  const taken = idle.pop() ?? createCrc32cArena();
  taken.reserve(bytes);
  return taken;
}

/** Returns an arena of {@linkcode takeArena}, which must not be used any more. */
export function returnArena(taken: Crc32cArena): void {
  const isKept = idle.length < RETAINED_ARENAS && taken.memory.length <= MAX_RETAINED_ARENA_BYTES;
  if (isKept) idle.push(taken);
}
