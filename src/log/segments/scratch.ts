/**
 * The memory in which batches are checked and read, shared by every log of the process: each use
 * ends before the event loop gets another turn, so one piece is enough.
 *
 * @module
 */
import { type Crc32cArena, createCrc32cArena } from "../../protocol/records/crc32c.ts";

/** An arena beyond this is given back once it is no longer needed. */
const KEPT_BYTES = 4_194_304;

let arena: Crc32cArena | null = null;

/**
 * The shared arena with at least `bytes` of memory. What it holds is lost at the next call, so it
 * must not be used after an `await` or while a {@linkcode scratch} of another function is in use.
 * Throws a `RecordError` of reason `too-large` when the host refuses the memory.
 */
export function scratch(bytes: number): Crc32cArena {
  if (arena === null || (arena.memory.length > KEPT_BYTES && bytes <= KEPT_BYTES)) {
    arena = createCrc32cArena();
  }
  arena.reserve(bytes);
  return arena;
}

/** Arenas kept for work that goes on over several turns of the event loop. */
const KEPT_ARENAS = 2;
/** A larger arena is not kept: it never shrinks. */
const LARGEST_KEPT_ARENA = 16_777_216;

const idle: Crc32cArena[] = [];

/**
 * An arena of at least `bytes` for the caller alone, who gives it back with {@linkcode returnArena}. Each
 * new one takes gigabytes of address space, so that they must not be left to the garbage collector.
 */
export function takeArena(bytes: number): Crc32cArena {
  const taken = idle.pop() ?? createCrc32cArena();
  taken.reserve(bytes);
  return taken;
}

/** Takes back an arena of {@linkcode takeArena}, which must not be used any more. */
export function returnArena(taken: Crc32cArena): void {
  const isKept = idle.length < KEPT_ARENAS && taken.memory.length <= LARGEST_KEPT_ARENA;
  if (isKept) idle.push(taken);
}
