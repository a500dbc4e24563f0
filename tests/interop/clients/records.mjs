/**
 * The records that every client of the interop tests produces and expects back, made from their index alone,
 * and the helpers that the two JavaScript clients and the kcat driver share. The same rules are written once more
 * in Python, Go and Java; `../README.md` states them.
 *
 * @module
 */

/** How many partitions each topic has; record `i` goes to partition `i % PARTITIONS`. */
export const PARTITIONS = 2;

const text = new TextEncoder();

/**
 * One step of the xorshift32 generator.
 *
 * @param {number} state unsigned 32 bits
 * @returns {number} unsigned 32 bits
 */
function xorshift(state) {
  state ^= state << 13;
  state ^= state >>> 17;
  state ^= state << 5;
  return state >>> 0;
}

/**
 * A number that looks random but depends on `index` and `salt` alone.
 *
 * @param {number} index
 * @param {number} salt
 * @returns {number} unsigned 32 bits
 */
function mix(index, salt) {
  return xorshift((Math.imul(index, 0x9e3779b1) + Math.imul(salt, 0x85ebca6b) + 1) >>> 0);
}

/**
 * `length` bytes that repeat every four within each run of sixteen: binary, and still compressible.
 *
 * @param {number} index
 * @param {number} salt
 * @param {number} length
 * @returns {Uint8Array}
 */
function bytes(index, salt, length) {
  const result = new Uint8Array(length);
  let state = mix(index, salt);
  for (let at = 0; at < length; at++) {
    if (at > 0 && at % 16 === 0) state = xorshift(state);
    result[at] = (state >>> (8 * (at % 4))) & 0xff;
  }
  return result;
}

/**
 * @typedef {object} TestRecord
 * @property {number} partition
 * @property {number} offset the offset it must get in its partition
 * @property {number} timestamp milliseconds since 1970
 * @property {Uint8Array | null} key
 * @property {Uint8Array | null} value
 * @property {[string, Uint8Array | null][]} headers
 */

/**
 * Record `index` of a stream whose first timestamp is `base`.
 *
 * @param {number} index
 * @param {number} base milliseconds since 1970
 * @returns {TestRecord}
 */
export function makeRecord(index, base) {
  /** @type {[string, Uint8Array | null][]} */
  const headers = [];
  const kind = index % 4;
  if (kind >= 1) headers.push(["text", text.encode(`record ${index} é`)]);
  if (kind >= 2) headers.push(["empty", new Uint8Array(0)]);
  if (kind === 3) {
    headers.push(["binary", bytes(index, 5, 9)], ["null", null], ["text", text.encode("again")]);
  }
  return {
    partition: index % PARTITIONS,
    offset: Math.floor(index / PARTITIONS),
    timestamp: timestampOf(index, base),
    key: index % 5 === 0
      ? null
      : index % 5 === 1
      ? new Uint8Array(0)
      : bytes(index, 1, 1 + mix(index, 2) % 40),
    value: index % 11 === 3
      ? null
      : index % 11 === 7
      ? new Uint8Array(0)
      : bytes(index, 3, index % 1000 === 999 ? 20_000 : mix(index, 4) % 300),
    headers,
  };
}

/**
 * Eight records in a row share a timestamp; the next eight are 10 ms later.
 *
 * @param {number} index
 * @param {number} base milliseconds since 1970
 * @returns {number}
 */
export function timestampOf(index, base) {
  return base + Math.floor(index / 8) * 10;
}

/**
 * The offset, the same in each partition, that "from an offset" starts at.
 *
 * @param {number} records
 * @returns {number}
 */
export function middleOffset(records) {
  return Math.floor(records / 3);
}

/**
 * A timestamp that no record has, and the offset (the same in each partition) of the first record after it.
 *
 * @param {number} records
 * @param {number} base
 * @returns {{ timestamp: number, offset: number }}
 */
export function middleTimestamp(records, base) {
  const group = Math.floor(records * 3 / 32);
  return { timestamp: base + group * 10 - 3, offset: group * 8 / PARTITIONS };
}

/**
 * A timestamp later than that of every record.
 *
 * @param {number} records
 * @param {number} base
 * @returns {number}
 */
export function lateTimestamp(records, base) {
  return timestampOf(records, base) + 1_000;
}

/**
 * Whether two byte strings, or nulls, are the same.
 *
 * @param {Uint8Array | null | undefined} actual
 * @param {Uint8Array | null} expected
 * @returns {boolean}
 */
export function sameBytes(actual, expected) {
  if (actual === null || actual === undefined || expected === null) {
    return expected === null && (actual === null || actual === undefined);
  }
  if (actual.length !== expected.length) return false;
  for (let at = 0; at < actual.length; at++) {
    if (actual[at] !== expected[at]) return false;
  }
  return true;
}

/**
 * Bytes for a person, cut short.
 *
 * @param {Uint8Array | null | undefined} value
 * @returns {string}
 */
function show(value) {
  if (value === null || value === undefined) return "null";
  const shown = [...value.subarray(0, 12)].map((byte) => byte.toString(16).padStart(2, "0"));
  return `${value.length} bytes ${shown.join("")}${value.length > 12 ? "…" : ""}`;
}

/** Expects the records of each partition in order, from a given offset up to the last, each exactly once. */
export class Expectation {
  /**
   * @param {number} records how many records were produced in all
   * @param {number} base the first record's timestamp
   * @param {number[]} offsets the next offset expected of each partition
   * @param {(record: TestRecord) => TestRecord} [adapt] what the client made of a record that it cannot express
   */
  constructor(records, base, offsets, adapt = (record) => record) {
    this.base = base;
    this.adapt = adapt;
    this.end = records / PARTITIONS;
    this.next = [...offsets];
  }

  /** @returns {number} how many records are still to come */
  get remaining() {
    return this.next.reduce((sum, offset) => sum + this.end - offset, 0);
  }

  /**
   * Compares one consumed record with the one due next on its partition.
   *
   * @param {number} partition
   * @param {number} offset
   * @param {number} timestamp
   * @param {Uint8Array | null | undefined} key
   * @param {Uint8Array | null | undefined} value
   * @param {[string, Uint8Array | null | undefined][]} headers
   */
  accept(partition, offset, timestamp, key, value, headers) {
    const where = `partition ${partition} offset ${offset}`;
    if (offset !== this.next[partition] || offset >= this.end) {
      throw new Error(
        `${where} arrived where ${this.next[partition]} was due (end is ${this.end})`,
      );
    }
    this.next[partition] = offset + 1;
    const expected = this.adapt(makeRecord(offset * PARTITIONS + partition, this.base));
    if (timestamp !== expected.timestamp) {
      throw new Error(`${where}: timestamp ${timestamp}, produced with ${expected.timestamp}`);
    }
    if (!sameBytes(key, expected.key)) {
      throw new Error(`${where}: key ${show(key)}, produced with ${show(expected.key)}`);
    }
    if (!sameBytes(value, expected.value)) {
      throw new Error(`${where}: value ${show(value)}, produced with ${show(expected.value)}`);
    }
    const names = headers.map(([name]) => name).join(",");
    const expectedNames = expected.headers.map(([name]) => name).join(",");
    if (names !== expectedNames) {
      throw new Error(`${where}: headers "${names}", produced with "${expectedNames}"`);
    }
    expected.headers.forEach(([name, wanted], at) => {
      const got = headers[at]?.[1];
      if (!sameBytes(got, wanted)) {
        throw new Error(`${where}: header ${name} ${show(got)}, produced with ${show(wanted)}`);
      }
    });
  }
}

/**
 * An error's message with those of the errors that it wraps, which often say more.
 *
 * @param {unknown} error
 * @returns {string}
 */
function explain(error) {
  if (!(error instanceof Error)) return String(error);
  const wrapped = error instanceof AggregateError ? error.errors : [];
  return [error, ...wrapped, ...(error.cause === undefined ? [] : [error.cause])]
    .map((one) => one === error ? error.message : explain(one))
    .join(" < ");
}

/** Runs checks one after another and prints a line for each. */
export class Checks {
  /** @param {string} client the name that opens each line's text */
  constructor(client) {
    this.client = client;
    this.failed = 0;
  }

  /**
   * Runs one check; a check that throws, or takes longer than `seconds`, has failed.
   *
   * @param {string} what
   * @param {() => Promise<void>} run
   * @param {number} [seconds]
   * @returns {Promise<boolean>} whether it passed
   */
  async check(what, run, seconds = 20) {
    let timer;
    try {
      await Promise.race([
        run(),
        new Promise((_, reject) => {
          timer = setTimeout(() => reject(new Error(`no end after ${seconds} s`)), seconds * 1_000);
        }),
      ]);
      console.log(`ok ${this.client} ${what}`);
      return true;
    } catch (error) {
      this.failed++;
      const why = explain(error).replace(/\s+/g, " ").slice(0, 500);
      console.log(`not ok ${this.client} ${what}: ${why}`);
      return false;
    } finally {
      clearTimeout(timer);
    }
  }
}
