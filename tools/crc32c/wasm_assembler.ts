/**
 * Just enough of the WebAssembly binary format to write `crc32c_program.ts` readably:
 * instructions are functions that return their bytes.
 *
 * @module
 */

/** The bytes of an instruction, or of several. */
export type Code = readonly number[];

/** A function of the module: its parameters and further locals are all i32. */
export interface WasmFunction {
  readonly parameters: number;
  /** Whether it returns an i32. */
  readonly returns: boolean;
  readonly locals: number;
  readonly body: Code;
  /** The name it is exported under, if it is. */
  readonly exportName?: string;
  /** Whether it runs when the module is instantiated. */
  readonly isStart?: boolean;
}

const I32 = 0x7f;
const EMPTY_BLOCK = 0x40;
const END = 0x0b;

function unsigned(value: number): number[] {
  const bytes: number[] = [];
  while (value >= 0x80) {
    bytes.push((value & 0x7f) | 0x80);
    value >>>= 7;
  }
  bytes.push(value);
  return bytes;
}

function signed(value: number): number[] {
  const bytes: number[] = [];
  for (;;) {
    const byte = value & 0x7f;
    value >>= 7;
    if ((value === 0 && (byte & 0x40) === 0) || (value === -1 && (byte & 0x40) !== 0)) {
      bytes.push(byte);
      return bytes;
    }
    bytes.push(byte | 0x80);
  }
}

/** Instructions one after the other. */
export const sequence = (...parts: Code[]): Code => parts.flat();
/** Pushes a local. */
export const get = (local: number): Code => [0x20, ...unsigned(local)];
/** Pops into a local. */
export const set = (local: number, value: Code): Code => [...value, 0x21, ...unsigned(local)];
/** An i32 constant. */
export const constant = (value: number): Code => [0x41, ...signed(value)];
/** a + b. */
export const add = (a: Code, b: Code): Code => [...a, ...b, 0x6a];
/** a - b. */
export const subtract = (a: Code, b: Code): Code => [...a, ...b, 0x6b];
/** a & b. */
export const and = (a: Code, b: Code): Code => [...a, ...b, 0x71];
/** a ^ b. */
export const xor = (a: Code, b: Code): Code => [...a, ...b, 0x73];
/** a << bits. */
export const shiftLeft = (a: Code, bits: number): Code => [...a, ...constant(bits), 0x74];
/** a >>> bits. */
export const shiftRight = (a: Code, bits: number): Code => [...a, ...constant(bits), 0x76];
/** a >= b, unsigned. */
export const atLeast = (a: Code, b: Code): Code => [...a, ...b, 0x4f];
/** The i32 at address + offset. */
export const load = (address: Code, offset = 0): Code => [...address, 0x28, 0, ...unsigned(offset)];
/** The unsigned byte at address + offset. */
export const loadByte = (address: Code, offset = 0): Code => [
  ...address,
  0x2d,
  0,
  ...unsigned(offset),
];
/** Stores an i32. */
export const store = (address: Code, value: Code): Code => [...address, ...value, 0x36, 0, 0];
/** The 16 bytes at address + offset. */
export const loadVector = (address: Code, offset = 0): Code => [
  ...address,
  0xfd,
  0x00,
  0,
  ...unsigned(offset),
];
/** Stores 16 bytes at address + offset. */
export const storeVector = (address: Code, value: Code, offset = 0): Code => [
  ...address,
  ...value,
  0xfd,
  0x0b,
  0,
  ...unsigned(offset),
];
/** a ^ b of vectors. */
export const xorVector = (a: Code, b: Code): Code => [...a, ...b, 0xfd, 0x51];
/** Sets `length` bytes to zero. */
export const zero = (address: Code, length: number): Code => [
  ...address,
  ...constant(0),
  ...constant(length),
  0xfc,
  0x0b,
  0,
];
/** Copies `length` bytes. */
export const copy = (to: Code, from: Code, length: number): Code => [
  ...to,
  ...from,
  ...constant(length),
  0xfc,
  0x0a,
  0,
  0,
];
/** Calls a function by its index. */
export const call = (index: number, ...values: Code[]): Code => [
  ...values.flat(),
  0x10,
  ...unsigned(index),
];
/** Runs `body` as long as `condition` holds. */
export const whileLoop = (condition: Code, body: Code): Code => [
  0x03,
  EMPTY_BLOCK,
  ...ifThen(condition, [...body, 0x0c, 1]),
  END,
];
/** Runs one of two. */
export const ifThen = (condition: Code, body: Code, otherwise: Code = []): Code => [
  ...condition,
  0x04,
  EMPTY_BLOCK,
  ...body,
  ...(otherwise.length === 0 ? [] : [0x05, ...otherwise]),
  END,
];

/** The bytes of a module that imports its memory as `host.memory`. */
export function assembleModule(functions: readonly WasmFunction[]): Uint8Array<ArrayBuffer> {
  const types = functions.map(({ parameters, returns }) => [
    0x60,
    ...vector(new Array<number[]>(parameters).fill([I32])),
    ...vector(returns ? [[I32]] : []),
  ]);
  const exported = functions.flatMap(({ exportName }, index) =>
    exportName === undefined ? [] : [[...name(exportName), 0x00, ...unsigned(index)]]
  );
  const bodies = functions.map(({ locals, body }) => {
    const declared = vector([[...unsigned(locals), I32]]);
    return [...unsigned(declared.length + body.length + 1), ...declared, ...body, END];
  });
  const start = functions.findIndex(({ isStart }) => isStart);
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, vector(types)),
    ...section(2, vector([[...name("host"), ...name("memory"), 0x02, 0x00, 1]])),
    ...section(3, vector(functions.map((_, index) => unsigned(index)))),
    ...section(7, vector(exported)),
    ...(start === -1 ? [] : section(8, unsigned(start))),
    ...section(10, vector(bodies)),
  ]);
}

function vector(items: readonly (readonly number[])[]): number[] {
  return [...unsigned(items.length), ...items.flat()];
}

function section(id: number, content: readonly number[]): number[] {
  return [id, ...unsigned(content.length), ...content];
}

function name(text: string): number[] {
  return [...unsigned(text.length), ...Array.from(text, (character) => character.charCodeAt(0))];
}
