/**
 * Reads and writes the primitive types of Kafka's protocol: big-endian integers, zigzag and
 * unsigned varints, strings, byte fields and UUIDs. A 64-bit integer is read as the nearest
 * `number`, or without loss as an {@linkcode Int64}; an inexact `number` is never written. No
 * allocation exceeds what the available bytes justify, whatever length they announce.
 *
 * @module
 */
import { highOf, type Int64, int64Of, isInt64, lowOf } from "./int64.ts";
import { Interner } from "./interner.ts";
import { ProtocolError } from "./protocol_error.ts";
import type { ExternalPart, RecordsSource } from "./records_source.ts";
import { formatUuid, parseUuid } from "./uuid.ts";

export { ProtocolError };

const TWO_32 = 4294967296;
// A byte order mark is part of a text like any other character.
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
const encoder = new TextEncoder();
const strings = new Interner(
  (bytes, start, length) => decoder.decode(bytes.subarray(start, start + length)),
  true,
);
const uuids = new Interner((bytes, start) => formatUuid(bytes, start));

/** Memory that decoded values may take in addition to four times the size of their encoding. */
const MEMORY_ALLOWANCE = 16 * 1024 * 1024;

/** Decoding costs, measured with V8, in units of about 10 ns. */
export const Work = {
  /** An array element or a struct field. */
  field: 1,
  object: 6,
  /** A text, plus one unit for each 32 bytes. */
  text: 12,
  uuid: 20,
  /** A copy, plus one unit for each 64 bytes. */
  bytes: 8,
  unknownTaggedField: 40,
} as const;

/** Reads primitive values sequentially, from `offset` to `end`. */
export class ByteReader {
  /**
   * Memory that decoded values may still take, in bytes as estimated by the codec. Two bytes on the
   * wire can decode to an object of sixty, so a large frame could exhaust the memory of a node.
   * Defaults to four times the input size plus 16 MiB, which covers every legitimate message. A
   * caller that trusts the sender may raise it.
   */
  memory: number;
  /**
   * Work that decoding may still do, in {@linkcode Work} units of about 10 ns. Defaults to about 10
   * s, the largest integer that engines handle as a small integer. A caller that shares its event
   * loop with other senders lowers it.
   */
  work = 1_073_741_823;
  readonly #view: DataView;

  constructor(
    readonly bytes: Uint8Array,
    /** The position of the next value. */
    public offset: number = 0,
    /** The position where reading stops. */
    readonly end: number = bytes.length,
  ) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.memory = 4 * (end - offset) + MEMORY_ALLOWANCE;
  }

  /** Takes `size` bytes from {@linkcode memory} before they are allocated. Throws if exhausted. */
  allow(size: number): void {
    this.memory -= size;
    if (this.memory < 0) {
      throw new ProtocolError(
        `The values in ${this.bytes.length} bytes take too much memory: stopped at byte ${this.offset}`,
      );
    }
  }

  /** Takes `units` from {@linkcode work}. Throws if exhausted. */
  spend(units: number): void {
    this.work -= units;
    if (this.work < 0) {
      throw new ProtocolError(
        `The ${this.bytes.length} bytes hold too many values: stopped at byte ${this.offset}`,
      );
    }
  }

  /** Number of bytes left to read. */
  get remaining(): number {
    return this.end - this.offset;
  }

  /** Moves past `length` bytes and returns their position. Throws if fewer are left. */
  skip(length: number): number {
    const start = this.offset;
    if (length < 0 || length > this.end - start) {
      throw new ProtocolError(
        `Cannot read ${length} bytes at ${start}: the data ends at ${this.end}`,
      );
    }
    this.offset = start + length;
    return start;
  }

  boolean(): boolean {
    return this.int8() !== 0;
  }
  int8(): number {
    return this.#view.getInt8(this.skip(1));
  }
  int16(): number {
    return this.#view.getInt16(this.skip(2));
  }
  uint16(): number {
    return this.#view.getUint16(this.skip(2));
  }
  int32(): number {
    return this.#view.getInt32(this.skip(4));
  }
  uint32(): number {
    return this.#view.getUint32(this.skip(4));
  }
  float64(): number {
    return this.#view.getFloat64(this.skip(8));
  }

  /**
   * Reads a 64-bit integer as the nearest `number`, exact to 2^53. Comparing the result with a safe
   * integer is exact; an inexact result cannot be written back.
   */
  int64(): number {
    const start = this.skip(8);
    return this.#view.getInt32(start) * TWO_32 + this.#view.getUint32(start + 4);
  }

  /** Reads a 64-bit integer without loss. */
  exactInt64(): Int64 {
    const start = this.skip(8);
    return int64Of(this.#view.getInt32(start), this.#view.getInt32(start + 4));
  }

  /** Reads a 64-bit integer as a `bigint`, whatever its value. */
  bigint64(): bigint {
    return this.#view.getBigInt64(this.skip(8));
  }

  /** Reads an unsigned varint of at most 32 bits (5 bytes). */
  uvarint(): number {
    const { bytes } = this;
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      if (this.offset >= this.end) this.skip(1);
      const byte = bytes[this.offset++]!;
      if (shift === 28 && byte > 15) break;
      value |= (byte & 127) << shift;
      if (byte < 128) return value >>> 0;
    }
    throw new ProtocolError(`The varint before ${this.offset} has more than 32 bits`);
  }

  /** Reads a zigzag varint of at most 32 bits. */
  varint(): number {
    const value = this.uvarint();
    return value >>> 1 ^ -(value & 1);
  }

  /** Reads a zigzag varint of at most 64 bits. */
  varlong(): Int64 {
    const start = this.offset;
    let low = 0;
    let high = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = this.bytes[this.skip(1)]!;
      const group = byte & 127;
      if (shift < 28) low |= group << shift;
      else if (shift === 28) {
        low |= group << 28;
        high |= group >>> 4;
      } else if (shift < 63) high |= group << shift - 32;
      else if (group > 1) break;
      else high |= group << 31;
      if (byte < 128) {
        const sign = -(low & 1);
        return int64Of(high >>> 1 ^ sign, (low >>> 1 | high << 31) ^ sign);
      }
    }
    throw new ProtocolError(`The varint at ${start} has more than 64 bits`);
  }

  /** Reads `length` bytes of UTF-8. Short texts are cached. */
  text(length: number): string {
    if (length > 0) this.spend(Work.text + (length >>> 5));
    const start = this.skip(length);
    return strings.get(this.bytes, start, length);
  }

  uuid(): string {
    this.spend(Work.uuid);
    return uuids.get(this.bytes, this.skip(16), 16);
  }

  /** Returns a view of the next `length` bytes, sharing memory with the input. */
  view(length: number): Uint8Array {
    const start = this.skip(length);
    return this.bytes.subarray(start, start + length);
  }

  /** Returns a copy of the next `length` bytes. */
  copy(length: number): Uint8Array {
    this.spend(Work.bytes + (length >>> 6));
    const start = this.skip(length);
    return this.bytes.slice(start, start + length);
  }
}

/** Writes primitive values sequentially into a growing buffer. */
export class ByteWriter {
  #bytes: Uint8Array;
  #view: DataView;
  #length = 0;
  #parts: ExternalPart[] | null = null;
  #partsLength = 0;

  constructor(initialCapacity = 256) {
    this.#bytes = new Uint8Array(initialCapacity);
    this.#view = new DataView(this.#bytes.buffer);
  }

  /** Number of bytes written, without record sources. */
  get length(): number {
    return this.#length;
  }

  /** Number of bytes written, record sources included. */
  get totalLength(): number {
    return this.#length + this.#partsLength;
  }

  /** The record sources written so far, in order. */
  get externalParts(): readonly ExternalPart[] {
    return this.#parts ?? [];
  }

  /** Releases the record sources, which have been copied or are no longer needed. */
  releaseParts(): void {
    if (this.#parts === null) return;
    for (const { source } of this.#parts) source.release?.();
    this.#parts = null;
    this.#partsLength = 0;
  }

  /** Returns a view of the written bytes, without record sources. Valid until the next write. */
  written(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  /** Discards what was written but keeps the buffer. */
  reset(): void {
    this.releaseParts();
    this.#length = 0;
  }

  /** Reserves `length` bytes and returns their position. */
  reserve(length: number): number {
    const start = this.#length;
    const needed = start + length;
    if (needed > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(needed, this.#bytes.length * 2));
      grown.set(this.#bytes.subarray(0, start));
      this.#bytes = grown;
      this.#view = new DataView(grown.buffer);
    }
    this.#length = needed;
    return start;
  }

  boolean(value: boolean): void {
    this.int8(value ? 1 : 0);
  }
  int8(value: number): void {
    if (value !== value << 24 >> 24) throw outOfRange("int8", value);
    const at = this.reserve(1);
    this.#view.setInt8(at, value);
  }
  int16(value: number): void {
    if (value !== value << 16 >> 16) throw outOfRange("int16", value);
    const at = this.reserve(2);
    this.#view.setInt16(at, value);
  }
  uint16(value: number): void {
    if (value !== (value & 65535)) throw outOfRange("uint16", value);
    const at = this.reserve(2);
    this.#view.setUint16(at, value);
  }
  int32(value: number): void {
    if (value !== (value | 0)) throw outOfRange("int32", value);
    const at = this.reserve(4);
    this.#view.setInt32(at, value);
  }
  uint32(value: number): void {
    if (value !== value >>> 0) throw outOfRange("uint32", value);
    const at = this.reserve(4);
    this.#view.setUint32(at, value);
  }
  float64(value: number): void {
    const at = this.reserve(8);
    this.#view.setFloat64(at, value);
  }

  /** Writes a 64-bit integer. Throws unless `value` is a safe integer. */
  int64(value: number): void {
    if (!Number.isSafeInteger(value)) throw outOfRange("int64", value);
    const at = this.reserve(8);
    this.#view.setInt32(at, Math.floor(value / TWO_32));
    this.#view.setInt32(at + 4, value | 0);
  }

  /** Writes a 64-bit integer. Throws unless `value` is a valid {@linkcode Int64}. */
  exactInt64(value: Int64): void {
    if (typeof value === "number") return this.int64(value);
    if (!isInt64(value)) throw outOfRange("int64", value);
    const at = this.reserve(8);
    this.#view.setInt32(at, highOf(value));
    this.#view.setInt32(at + 4, lowOf(value));
  }

  /** Writes a 64-bit integer. Throws if `value` does not fit into 64 bits. */
  bigint64(value: bigint): void {
    if (BigInt.asIntN(64, value) !== value) throw outOfRange("bigint64", value);
    const at = this.reserve(8);
    this.#view.setBigInt64(at, value);
  }

  /** Overwrites the 32-bit integer at `position`, which must be reserved. */
  patchInt32(position: number, value: number): void {
    this.#view.setInt32(position, value);
  }

  uvarint(value: number): void {
    if (value !== value >>> 0) throw outOfRange("unsigned varint", value);
    let rest = value;
    while (rest > 127) {
      const at = this.reserve(1);
      this.#bytes[at] = rest & 127 | 128;
      rest >>>= 7;
    }
    const at = this.reserve(1);
    this.#bytes[at] = rest;
  }

  varint(value: number): void {
    if (value !== (value | 0)) throw outOfRange("varint", value);
    this.uvarint((value << 1 ^ value >> 31) >>> 0);
  }

  varlong(value: Int64): void {
    if (!isInt64(value)) throw outOfRange("varlong", value);
    const sign = highOf(value) >> 31;
    let high = (highOf(value) << 1 | lowOf(value) >>> 31) ^ sign;
    let low = (lowOf(value) << 1 ^ sign) >>> 0;
    while (high !== 0 || low > 127) {
      const at = this.reserve(1);
      this.#bytes[at] = low & 127 | 128;
      low = (low >>> 7 | high << 25) >>> 0;
      high >>>= 7;
    }
    const at = this.reserve(1);
    this.#bytes[at] = low;
  }

  /** Writes bytes without a length. */
  raw(bytes: Uint8Array): void {
    const at = this.reserve(bytes.length);
    this.#bytes.set(bytes, at);
  }

  uuid(text: string): void {
    const at = this.reserve(16);
    parseUuid(text, this.#bytes, at);
  }

  /** Marks the position of record batches that are copied later; see {@linkcode RecordsSource}. */
  external(source: RecordsSource): void {
    if (source.byteLength === 0) return;
    source.hold?.();
    (this.#parts ??= []).push({ position: this.#length, source });
    this.#partsLength += source.byteLength;
  }

  /** Writes UTF-8 after its length, which `writeLength` writes. */
  text(text: string, writeLength: (byteLength: number) => void): void {
    const { length } = text;
    let ascii = length < 64;
    for (let i = 0; ascii && i < length; i++) ascii = text.charCodeAt(i) < 128;
    if (!ascii) {
      const bytes = encoder.encode(text);
      writeLength(bytes.length);
      return this.raw(bytes);
    }
    writeLength(length);
    const at = this.reserve(length);
    for (let i = 0; i < length; i++) this.#bytes[at + i] = text.charCodeAt(i);
  }

  /** Returns everything written, record sources included, in a new array. */
  toBytes(): Uint8Array {
    if (this.#parts === null) return this.#bytes.slice(0, this.#length);
    const out = new Uint8Array(this.totalLength);
    let from = 0;
    let to = 0;
    for (const { position, source } of this.#parts) {
      out.set(this.#bytes.subarray(from, position), to);
      to += position - from;
      from = position;
      source.copyTo(out.subarray(to, to + source.byteLength), 0);
      to += source.byteLength;
    }
    out.set(this.#bytes.subarray(from, this.#length), to);
    return out;
  }
}

function outOfRange(type: string, value: number | bigint): ProtocolError {
  return new ProtocolError(`${value} cannot be written as ${type}: out of range`);
}
