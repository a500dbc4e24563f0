/**
 * A disk that fails when it is told to, for one process: `clients/disk/failing_disk.c` preloaded
 * into it, and the file through which the two speak while it runs.
 *
 * @module
 */

/** What can fail. The order is that of the C source. */
const KINDS = ["open", "write", "read", "sync", "truncate", "rename"] as const;
/** What can fail: every function of the C library that does it counts. */
export type Operation = typeof KINDS[number];

/** What the system says, by Linux's numbers. */
const ERRORS = { EIO: 5, ENOSPC: 28 } as const;
/** No bound. */
const ALWAYS = 0xffff_ffff;
/** Bytes of a rule, and where in it things lie; see `struct rule`. */
const RULE_BYTES = 496;
const ON_AT = 0;
const HOLD_AT = 20;
const SEEN_AT = 24;
const STRUCK_AT = 28;
const BELOW_AT = 32;
const PART_AT = 264;
const NAME_BYTES = PART_AT - BELOW_AT;

/** How often an operation fails, and where. */
export interface Fault {
  /** The error. Without one the operation works, and is counted only. */
  readonly error?: keyof typeof ERRORS;
  /** It strikes paths below this one. */
  readonly below: string;
  /** And only those that have this somewhere behind. */
  readonly part?: string;
  /** How many operations pass before, 0 unless told. */
  readonly skip?: number;
  /** How many fail, all unless told. */
  readonly limit?: number;
  /** So many bytes of a write that is about to fail reach the file first. */
  readonly partialBytes?: number;
  /** Operations wait until {@linkcode FailingDisk.letGo}, 20 s at most. */
  readonly hold?: boolean;
}

/** The disk of one process after another. */
export class FailingDisk {
  readonly #file: Deno.FsFile;

  /** A disk that works. `library` is the compiled C source; `path` is where the two speak. */
  constructor(readonly library: string, readonly path: string) {
    this.#file = Deno.openSync(path, { read: true, write: true, create: true });
    this.#file.truncateSync(RULE_BYTES * KINDS.length);
  }

  /** `command` with this disk under it. */
  under(command: readonly string[]): string[] {
    return ["env", `LD_PRELOAD=${this.library}`, `FAILING_DISK=${this.path}`, ...command];
  }

  /** From now on `operation` fails as `fault` says; its counts begin anew. */
  fail(operation: Operation, fault: Fault): void {
    this.mend(operation);
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
    // Last: a rule that is on is whole.
    this.#write(operation, ON_AT, uint32(1));
  }

  /** Operations that wait go on, to fail where they are to. */
  letGo(operation: Operation): void {
    this.#write(operation, HOLD_AT, uint32(0));
  }

  /** `operation` works again. Its counts stay as they are. */
  mend(operation: Operation): void {
    this.#write(operation, ON_AT, uint32(0));
    this.letGo(operation);
  }

  /** Everything works again. */
  mendAll(): void {
    for (const operation of KINDS) this.mend(operation);
  }

  /** How many operations the last fault of the kind was about, those that worked included. */
  seen(operation: Operation): number {
    return this.#read(operation, SEEN_AT);
  }

  /** How many of them have failed. */
  struck(operation: Operation): number {
    return this.#read(operation, STRUCK_AT);
  }

  /** Nothing is under it any more. */
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
