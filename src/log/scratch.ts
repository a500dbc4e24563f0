/**
 * The memory in which batches are checked and read, shared by every log of the process: each use
 * ends before the event loop gets another turn, so one piece is enough.
 *
 * @module
 */
import { type Crc32cArena, createCrc32cArena } from "../protocol/records/crc32c.ts";

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
