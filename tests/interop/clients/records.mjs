/**
 * The records that every client of the interop tests produces and expects back, computed from their index, and the
 * helpers of the two JavaScript clients and the kcat driver. The same rules are implemented in Python, Go and Java;
 * `../README.md` describes them.
 *
 * @module
 */

/** Number of partitions of each topic. Record `i` goes to partition `i % PARTITIONS`. */
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
 * Returns a pseudo-random number that depends only on `index` and `salt`.
 *
 * @param {number} index
 * @param {number} salt
 * @returns {number} unsigned 32 bits
 */
function mix(index, salt) {
  return xorshift((Math.imul(index, 0x9e3779b1) + Math.imul(salt, 0x85ebca6b) + 1) >>> 0);
}

/**
 * Returns `length` binary but compressible bytes: four bytes repeat within each run of sixteen.
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
 * @property {number} offset its expected offset in the partition
 * @property {number} timestamp milliseconds since 1970
 * @property {Uint8Array | null} key
 * @property {Uint8Array | null} value
 * @property {[string, Uint8Array | null][]} headers
 */

/**
 * Returns record `index` of a stream whose first timestamp is `base`.
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
 * Returns the timestamp of a record: equal for eight consecutive records, 10 ms later for the next eight.
 *
 * @param {number} index
 * @param {number} base milliseconds since 1970
 * @returns {number}
 */
export function timestampOf(index, base) {
  return base + Math.floor(index / 8) * 10;
}

/**
 * Returns the start offset, equal in each partition, of consuming from an offset.
 *
 * @param {number} records
 * @returns {number}
 */
export function middleOffset(records) {
  return Math.floor(records / 3);
}

/**
 * Returns a timestamp between two records, and the offset (equal in each partition) of the first record after it.
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
 * Returns a timestamp after that of every record.
 *
 * @param {number} records
 * @param {number} base
 * @returns {number}
 */
export function lateTimestamp(records, base) {
  return timestampOf(records, base) + 1_000;
}

/**
 * Returns whether two byte strings, or nulls, are equal.
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
 * Formats bytes for messages, abbreviated.
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
   * @param {number} records total number of produced records
   * @param {number} base the first record's timestamp
   * @param {number[]} offsets the next expected offset of each partition
   * @param {(record: TestRecord) => TestRecord} [adapt] how the client changes a record that it cannot represent
   */
  constructor(records, base, offsets, adapt = (record) => record) {
    this.base = base;
    this.adapt = adapt;
    this.end = records / PARTITIONS;
    this.next = [...offsets];
  }

  /** @returns {number} number of records still expected */
  get remaining() {
    return this.next.reduce((sum, offset) => sum + this.end - offset, 0);
  }

  /**
   * Compares a consumed record with the next expected one of its partition.
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
 * Returns an error's message with those of the errors it wraps.
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
  /** @param {string} client the client name at the start of each line */
  constructor(client) {
    this.client = client;
    this.failed = 0;
  }

  /**
   * Runs one check. A check fails if it throws or takes longer than `seconds`.
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
