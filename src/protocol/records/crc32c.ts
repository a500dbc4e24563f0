/**
 * CRC-32C (Castagnoli, RFC 3720), the checksum of record batches.
 *
 * @module
 */

import { updateCrc32cByTable } from "./crc32c_table.ts";
import { RecordError } from "./record_error.ts";

/**
 * A growing piece of memory in which checksums are cheap. The broker copies each batch here once,
 * checks it, patches its base offset and leader epoch, and writes the file from here.
 */
export interface Crc32cArena {
  /**
   * The arena's bytes. Growing replaces this array: views taken before a call of
   * {@linkcode Crc32cArena.reserve} that grows must be taken anew after it.
   */
  readonly memory: Uint8Array<ArrayBuffer>;
  /** The CRC-32C, from 0 to 2^32 - 1, of `length` bytes at `offset`. Throws a RangeError outside the memory. */
  checksum(offset: number, length: number): number;
  /** Makes the memory at least `bytes` long, keeping its content. Throws `too-large` when the host refuses. */
  reserve(bytes: number): void;
}

class TableArena implements Crc32cArena {
  memory: Uint8Array<ArrayBuffer>;

  constructor(initialBytes: number) {
    this.memory = new Uint8Array(initialBytes);
  }

  checksum(offset: number, length: number): number {
    checkRange(offset, length, this.memory.length);
    return ~updateCrc32cByTable(-1, this.memory, offset, offset + length) >>> 0;
  }

  reserve(bytes: number): void {
    if (bytes <= this.memory.length) return;
    let grown: Uint8Array<ArrayBuffer>;
    try {
      grown = new Uint8Array(Math.max(bytes, this.memory.length * 2));
    } catch (cause) {
      throw new RecordError(
        `Cannot grow the checksum arena to ${bytes} bytes: the host refuses the memory`,
        "too-large",
        { cause },
      );
    }
    grown.set(this.memory);
    this.memory = grown;
  }
}

function checkRange(offset: number, length: number, size: number): void {
  if (offset < 0 || length < 0 || offset + length > size) {
    throw new RangeError(
      `Cannot checksum ${length} bytes at ${offset}: the arena has ${size} bytes`,
    );
  }
}

/** Makes an arena of at least `initialBytes` (64 KiB unless told). */
export function createCrc32cArena(initialBytes: number = 65_536): Crc32cArena {
  return new TableArena(initialBytes);
}

/** The CRC-32C of `bytes`, from 0 to 2^32 - 1. */
export function crc32c(bytes: Uint8Array): number {
  return ~updateCrc32cByTable(-1, bytes, 0, bytes.length) >>> 0;
}
