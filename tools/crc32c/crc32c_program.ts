/**
 * CRC-32C in WebAssembly SIMD, written as a program that makes the module. What it makes is committed
 * as `src/protocol/records/crc32c_module.ts`, since making it costs a fresh process 2.5 ms:
 * `deno run --allow-write tools/crc32c/write.ts` writes it anew, a test compares the two.
 *
 * A CRC is the remainder of the message, taken as a polynomial over GF(2), by the generator P. Take
 * the message as 16-byte vectors: moving one by k places multiplies it by x^(128 k). P has multiples
 * with very few terms whose exponents are all divisible by 128:
 *
 *     x^(128 D)  =  sum of x^(128 e) over a handful of exponents e      (modulo P)
 *
 * So a vector may be taken out of the message by XORing it into the vectors D - e places after it:
 * the remainder stays the same. Doing that from front to back leaves D vectors. Stage A (D = 209, five
 * XORs a vector) shortens any message to 3,344 bytes, stage B (D = 79, seven XORs) those to 1,264,
 * and slicing-by-16 takes the remainder of them and of the bytes behind the last whole vector.
 *
 * The sum of what lies `lag` places before a vector is all that is needed, so each stage writes its
 * vectors to a window in memory and reads them back from there; the message itself is not changed.
 * The exponents were found by a search of minutes; `crc32c_test.ts` proves the identities.
 *
 * @module
 */

import {
  add,
  and,
  assembleModule,
  atLeast,
  call,
  type Code,
  constant,
  copy,
  get,
  ifThen,
  load,
  loadByte,
  loadVector,
  sequence,
  set,
  shiftLeft,
  shiftRight,
  store,
  storeVector,
  subtract,
  type WasmFunction,
  whileLoop,
  xor,
  xorVector,
  zero,
} from "./wasm_assembler.ts";

/** A multiple of the polynomial: x^(128 `degree`) equals the sum of x^(128 e) over `exponents`. */
export interface SparseMultiple {
  readonly degree: number;
  readonly exponents: readonly number[];
}

/** The multiple of stage A. */
export const STAGE_A: SparseMultiple = { degree: 209, exponents: [0, 14, 39, 54, 144] };
/** The multiple of stage B. */
export const STAGE_B: SparseMultiple = { degree: 79, exponents: [0, 1, 12, 18, 58, 71, 75] };

const VECTOR = 16;
/** How many vectors stage A folds before it moves its window back to the start. */
const BLOCK = 816;
/** From this length on, stage A, or stage B alone, is worth its constant cost. */
const STAGE_A_MINIMUM = (STAGE_A.degree + 131) * VECTOR;
const STAGE_B_MINIMUM = (STAGE_B.degree + 49) * VECTOR;

// The memory: tables, the stages' windows and results, then the arena.
const WINDOW_A = 16 * 256 * 4;
const RESULT_A = WINDOW_A + (2 * STAGE_A.degree + BLOCK) * VECTOR;
const WINDOW_B = RESULT_A + STAGE_A.degree * VECTOR;
const RESULT_B = WINDOW_B + (2 * STAGE_B.degree + STAGE_A_MINIMUM / VECTOR) * VECTOR;

/** Where the arena begins in the module's memory. */
export const ARENA_START: number = (RESULT_B + STAGE_B.degree * VECTOR + 4095) & ~4095;

const SLICE = 0;
const FOLD_A = 1;
const FOLD_B = 2;
const POLYNOMIAL = 0x82f63b78 | 0;

/** The module's bytes, some 2 KB. */
export function assembleCrc32c(): Uint8Array<ArrayBuffer> {
  return assembleModule([
    sliceFunction(),
    foldFunction(STAGE_A),
    foldFunction(STAGE_B),
    updateFunction(),
    tablesFunction(),
  ]);
}

/** tables(): fills the sixteen tables at address 0, as `crc32c_table.ts` describes them. */
function tablesFunction(): WasmFunction {
  const [at, crc] = [0, 1];
  // One bit: the polynomial is XORed in when the lowest one is set.
  const bit = set(
    crc,
    xor(
      shiftRight(get(crc), 1),
      and(constant(POLYNOMIAL), subtract(constant(0), and(get(crc), constant(1)))),
    ),
  );
  const previous = load(subtract(get(at), constant(1024)));
  const ofByte = (value: Code): Code => load(and(shiftLeft(value, 2), constant(0x3fc)));
  return {
    parameters: 0,
    returns: false,
    locals: 2,
    isStart: true,
    body: sequence(
      whileLoop(
        subtract(get(at), constant(1024)),
        sequence(
          set(crc, shiftRight(get(at), 2)),
          ...new Array<Code>(8).fill(bit),
          store(get(at), get(crc)),
          set(at, add(get(at), constant(4))),
        ),
      ),
      whileLoop(
        subtract(get(at), constant(WINDOW_A)),
        sequence(
          store(get(at), xor(shiftRight(previous, 8), ofByte(previous))),
          set(at, add(get(at), constant(4))),
        ),
      ),
    ),
  };
}

/** slice(state, address, length): slicing-by-16, then bytewise. Returns the state. */
function sliceFunction(): WasmFunction {
  const [state, address, length, word] = [0, 1, 2, 3];
  // The entry for byte `index` (0 is the lowest) of the word, from table `slice`.
  const entry = (index: number, slice: number): Code => {
    const scaled = index === 0 ? shiftLeft(get(word), 2) : shiftRight(get(word), 8 * index - 2);
    return load(and(scaled, constant(0x3fc)), slice * 1024);
  };
  const words: Code[] = [];
  for (let index = 0; index < 4; index++) {
    const loaded = load(get(address), 4 * index);
    words.push(
      set(word, index === 0 ? xor(loaded, get(state)) : loaded),
      set(
        state,
        [0, 1, 2, 3].map((byte) => entry(byte, 15 - 4 * index - byte))
          .reduce(xor, index === 0 ? constant(0) : get(state)),
      ),
    );
  }
  return {
    parameters: 3,
    returns: true,
    locals: 1,
    body: sequence(
      whileLoop(
        atLeast(get(length), constant(VECTOR)),
        sequence(
          ...words,
          set(address, add(get(address), constant(VECTOR))),
          set(length, subtract(get(length), constant(VECTOR))),
        ),
      ),
      whileLoop(
        get(length),
        sequence(
          set(word, xor(get(state), loadByte(get(address)))),
          set(state, xor(shiftRight(get(state), 8), entry(0, 0))),
          set(address, add(get(address), constant(1))),
          set(length, subtract(get(length), constant(1))),
        ),
      ),
      get(state),
    ),
  };
}

/**
 * fold(source, target, window, count): for each of `count` vectors, the vector XOR those that lie
 * the multiple's lags before it in the window. `window` is where the vector `degree` places before
 * the first one lies; `target` may be behind the window's history (to extend it) or elsewhere.
 */
function foldFunction({ exponents }: SparseMultiple): WasmFunction {
  const [source, target, window, count] = [0, 1, 2, 3];
  // A lag of degree - e places back is e vectors behind the window's start.
  const folded = (index: number): Code =>
    exponents
      .map((exponent) => loadVector(get(window), (index + exponent) * VECTOR))
      .reduce(xorVector, loadVector(get(source), index * VECTOR));
  const vectors = (some: number): Code =>
    sequence(
      ...Array.from(
        { length: some },
        (_, index) => storeVector(get(target), folded(index), index * VECTOR),
      ),
      ...[source, target, window].map((local) =>
        set(local, add(get(local), constant(some * VECTOR)))
      ),
      set(count, subtract(get(count), constant(some))),
    );
  return {
    parameters: 4,
    returns: false,
    locals: 0,
    body: sequence(
      // The shortest lag is 4 places (stage B), so 4 vectors at a time do not depend on each other.
      whileLoop(atLeast(get(count), constant(4)), vectors(4)),
      whileLoop(get(count), vectors(1)),
    ),
  };
}

function updateFunction(): WasmFunction {
  const [state, address, length, source, rest] = [0, 1, 2, 3, 4];
  const bytesOf = (vectors: Code) => shiftLeft(vectors, 4);

  // The state belongs to the first four bytes. It is put where only the first vector looks back to.
  const open = (windowStart: number, { degree }: SparseMultiple) =>
    sequence(
      zero(constant(windowStart), degree * VECTOR),
      store(constant(windowStart), get(state)),
    );
  // Folds the last `rest` vectors that leave the message and then the `degree` that stay. Those see
  // zeros instead of each other: only what has left is XORed into them.
  const close = (fold: number, windowStart: number, result: number, { degree }: SparseMultiple) =>
    sequence(
      call(
        fold,
        get(source),
        constant(windowStart + degree * VECTOR),
        constant(windowStart),
        get(rest),
      ),
      set(source, add(get(source), bytesOf(get(rest)))),
      set(rest, add(bytesOf(get(rest)), constant(windowStart))),
      zero(add(get(rest), constant(degree * VECTOR)), degree * VECTOR),
      call(fold, get(source), constant(result), get(rest), constant(degree)),
    );
  const stageA = sequence(
    open(WINDOW_A, STAGE_A),
    set(source, get(address)),
    set(rest, subtract(shiftRight(get(length), 4), constant(STAGE_A.degree))),
    whileLoop(
      atLeast(get(rest), constant(BLOCK)),
      sequence(
        call(
          FOLD_A,
          get(source),
          constant(WINDOW_A + STAGE_A.degree * VECTOR),
          constant(WINDOW_A),
          constant(BLOCK),
        ),
        copy(constant(WINDOW_A), constant(WINDOW_A + BLOCK * VECTOR), STAGE_A.degree * VECTOR),
        set(source, add(get(source), constant(BLOCK * VECTOR))),
        set(rest, subtract(get(rest), constant(BLOCK))),
      ),
    ),
    close(FOLD_A, WINDOW_A, RESULT_A, STAGE_A),
    set(state, constant(0)),
    set(source, constant(RESULT_A)),
    set(rest, constant(STAGE_A.degree - STAGE_B.degree)),
  );
  const stageB = sequence(
    open(WINDOW_B, STAGE_B),
    close(FOLD_B, WINDOW_B, RESULT_B, STAGE_B),
    set(state, call(SLICE, constant(0), constant(RESULT_B), constant(STAGE_B.degree * VECTOR))),
    set(address, add(get(address), and(get(length), constant(-VECTOR)))),
    set(length, and(get(length), constant(VECTOR - 1))),
  );
  return {
    exportName: "update",
    parameters: 3,
    returns: true,
    locals: 2,
    body: sequence(
      ifThen(
        atLeast(get(length), constant(STAGE_B_MINIMUM)),
        sequence(
          ifThen(
            atLeast(get(length), constant(STAGE_A_MINIMUM)),
            stageA,
            sequence(
              set(source, get(address)),
              set(rest, subtract(shiftRight(get(length), 4), constant(STAGE_B.degree))),
            ),
          ),
          stageB,
        ),
      ),
      call(SLICE, get(state), get(address), get(length)),
    ),
  };
}
