/**
 * A disk of one process that fails on demand: `clients/disk/failing_disk.c`, preloaded into the
 * process, and the file through which it is controlled while the process runs.
 *
 * @module
 */

/** Operations that can fail, in the order of the C source. */
const KINDS = ["open", "write", "read", "sync", "truncate", "rename"] as const;
/** An operation that can fail: every function of the C library that performs it. */
export type Operation = typeof KINDS[number];

/** System errors by their Linux numbers. */
const ERRORS = { EIO: 5, ENOSPC: 28 } as const;
/** No limit. */
const ALWAYS = 0xffff_ffff;
/** The size of a rule and the positions of its fields; see `struct rule`. */
const RULE_BYTES = 496;
const ON_AT = 0;
const HOLD_AT = 20;
const SEEN_AT = 24;
const FAILED_AT = 28;
const BELOW_AT = 32;
const PART_AT = 264;
const NAME_BYTES = PART_AT - BELOW_AT;

/** When and how an operation fails. */
export interface Fault {
  /** The error. Without one, the operation succeeds and is only counted. */
  readonly error?: keyof typeof ERRORS;
  /** Affects paths below this one. */
  readonly below: string;
  /** Affects only paths that contain this text. */
  readonly part?: string;
  /** Number of operations that succeed first. Defaults to 0. */
  readonly skip?: number;
  /** Maximum number of operations that fail. Defaults to all. */
  readonly limit?: number;
  /** Number of bytes of a failing write that reach the file. */
  readonly partialBytes?: number;
  /** Makes operations wait until {@linkcode FailingDisk.release}, at most 20 s. */
  readonly hold?: boolean;
}

/** The disk of one process at a time. */
export class FailingDisk {
  readonly #file: Deno.FsFile;

  /** Creates a working disk. `library` is the compiled C source, `path` the control file. */
  constructor(readonly library: string, readonly path: string) {
    this.#file = Deno.openSync(path, { read: true, write: true, create: true });
    this.#file.truncateSync(RULE_BYTES * KINDS.length);
  }

  /** Returns `command` with this disk preloaded. */
  under(command: readonly string[]): string[] {
    return ["env", `LD_PRELOAD=${this.library}`, `FAILING_DISK=${this.path}`, ...command];
  }

  /** Makes `operation` fail as described by `fault`, and resets its counts. */
  fail(operation: Operation, fault: Fault): void {
    this.restore(operation);
    const bytes = new Uint8Array(RULE_BYTES);
    const view = new DataView(bytes.buffer);
    const numbers = [
      0,
      fault.error === undefined ? 0 : ERRORS[fault.error],
      fault.skip ?? 0,
      fault.limit ?? ALWAYS,
      fault.partialBytes ?? 0,
      fault.hold ? 1 : 0,
    ];
    numbers.forEach((number, i) => view.setUint32(i * 4, number, true));
    for (const [at, text] of [[BELOW_AT, fault.below], [PART_AT, fault.part ?? ""]] as const) {
      const name = new TextEncoder().encode(text);
      if (name.length >= NAME_BYTES) throw new Error(`"${text}" is too long for the failing disk`);
      bytes.set(name, at);
    }
    this.#write(operation, 0, bytes);
    // Written last, so that an active rule is complete.
    this.#write(operation, ON_AT, uint32(1));
  }

  /** Lets waiting operations continue. */
  release(operation: Operation): void {
    this.#write(operation, HOLD_AT, uint32(0));
  }

  /** Makes `operation` succeed again. Keeps its counts. */
  restore(operation: Operation): void {
    this.#write(operation, ON_AT, uint32(0));
    this.release(operation);
  }

  /** Makes all operations succeed again. */
  restoreAll(): void {
    for (const operation of KINDS) this.restore(operation);
  }

  /** Number of operations matched by the last fault of this kind, successful ones included. */
  seen(operation: Operation): number {
    return this.#read(operation, SEEN_AT);
  }

  /** Number of operations that failed. */
  failures(operation: Operation): number {
    return this.#read(operation, FAILED_AT);
  }

  /** Closes the control file. No process may use the disk any more. */
  close(): void {
    this.#file.close();
  }

  #write(operation: Operation, at: number, bytes: Uint8Array): void {
    this.#file.seekSync(KINDS.indexOf(operation) * RULE_BYTES + at, Deno.SeekMode.Start);
    this.#file.writeSync(bytes);
  }

  #read(operation: Operation, at: number): number {
    const bytes = new Uint8Array(4);
    this.#file.seekSync(KINDS.indexOf(operation) * RULE_BYTES + at, Deno.SeekMode.Start);
    this.#file.readSync(bytes);
    return new DataView(bytes.buffer).getUint32(0, true);
  }
}

function uint32(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value, true);
  return bytes;
}
