/**
 * What the log's tests share: a machine of memory files and a clock that the test moves, batches
 * made in one line, and a disk whose next operations a test lets fail.
 *
 * @module
 */
import { DEFAULT_LOG_CONFIG, type LogConfig } from "../../src/log/log_config.ts";
import type {
  AppendOptions,
  AppendResult,
  LogCheckpoints,
  PartitionLogOptions,
} from "../../src/log/log_types.ts";
import { PartitionLog } from "../../src/log/partition_log.ts";
import type { TimestampedOffset } from "../../src/log/segments/timestamp_lookup.ts";
import { ErrorCode, errorName, KafkaError } from "../../src/protocol/errors.ts";
import type { Int64 } from "../../src/protocol/int64.ts";
import {
  type BatchOptions,
  decodeBatch,
  type DecodedBatch,
  encodeBatch,
  splitBatches,
} from "../../src/protocol/records/batch.ts";
import {
  encodeControlRecordKey,
  encodeEndTransactionMarker,
} from "../../src/protocol/records/control_record.ts";
import type { RecordsSource } from "../../src/protocol/records_source.ts";
import { hostRuntime } from "../../src/runtime/host.ts";
import { MemoryDisk, MemoryFileSystem } from "../../src/runtime/memory_files.ts";
import {
  FileError,
  type FileHandle,
  type FileSystem,
  type HostCodecs,
  type OpenMode,
} from "../../src/runtime/runtime.ts";
import { Chance } from "../protocol/chance.ts";
import { FilesOver } from "./files_over.ts";

const host = hostRuntime();

/** The time at the start of every test. */
export const START_MS = 1_700_000_000_000;

/** The host's compression codecs. */
export const codecs: HostCodecs = host.codecs();

/** A process with memory files. Several processes may use a disk, one after the other. */
export class Machine {
  nowMs = START_MS;
  files: FileSystem;
  readonly memory: MemoryFileSystem;
  readonly #chance = new Chance(7);

  constructor(readonly disk: MemoryDisk = new MemoryDisk()) {
    this.memory = new MemoryFileSystem(disk);
    this.files = this.memory;
  }

  get runtime(): PartitionLogOptions["runtime"] {
    return {
      files: this.files,
      clock: { ...host.clock, now: () => this.nowMs },
      random: {
        fill: (target) => {
          for (let i = 0; i < target.length; i++) target[i] = this.#chance.next();
          return target;
        },
        below: (bound) => this.#chance.below(bound),
      },
      codecs: () => codecs,
    };
  }

  /** Opens `events-0` in `/data`. */
  open(
    config: Partial<LogConfig> = {},
    more: Partial<PartitionLogOptions> = {},
  ): PartitionLog {
    return PartitionLog.open({
      runtime: this.runtime,
      directory: "/data/events-0",
      topic: "events",
      partition: 0,
      config: { ...DEFAULT_LOG_CONFIG, ...config },
      ...more,
    });
  }

  /** Ends this process like kill -9. Returns the next one, a second later. */
  kill(): Machine {
    this.memory.end();
    const next = new Machine(this.disk);
    next.nowMs = this.nowMs + 1_000;
    return next;
  }

  /** Returns the content of a file in `/data/events-0`. */
  read(name: string): Uint8Array {
    const file = this.files.open(`/data/events-0/${name}`, "read");
    const bytes = new Uint8Array(file.size());
    file.readAt(bytes, 0);
    file.close();
    return bytes;
  }

  /** Replaces a file in `/data/events-0`. */
  write(name: string, bytes: Uint8Array | string): void {
    const file = this.files.open(`/data/events-0/${name}`, "create");
    file.truncate(0);
    file.writeAt(typeof bytes === "string" ? new TextEncoder().encode(bytes) : bytes, 0);
    file.close();
  }

  /** Returns the names of the files in `/data/events-0` that hold records. */
  segments(): string[] {
    return this.files.list("/data/events-0").map((entry) => entry.name)
      .filter((name) => name.endsWith(".log")).sort();
  }
}

/** Creates checkpoints that only implement `methods`. */
export function checkpointsWith(methods: Partial<LogCheckpoints>): LogCheckpoints {
  const nothing = () => {};
  return {
    saveLogStartOffset: nothing,
    saveRecoveryPoint: nothing,
    saveCleanedOffset: nothing,
    ...methods,
  };
}

/** Creates a batch of `count` records with short values. */
export function batchOf(
  count: number,
  options: BatchOptions & { timestamp?: number; valueBytes?: number } = {},
): Uint8Array<ArrayBuffer> {
  const { timestamp = START_MS, valueBytes = 20 } = options;
  return encodeBatch(
    Array.from({ length: count }, (_, i) => ({
      key: Uint8Array.of(i),
      value: new Uint8Array(valueBytes).fill(65 + i % 26),
      timestamp: timestamp + i,
    })),
    { codecs, ...options },
  );
}

/** Creates a batch of an idempotent producer. */
export function producedBatch(
  producerId: number,
  producerEpoch: number,
  baseSequence: number,
  count = 1,
): Uint8Array<ArrayBuffer> {
  return batchOf(count, { producerId, producerEpoch, baseSequence });
}

/** Creates the control batch that aborts the producer's transaction. */
export function abortMarker(
  producer: { readonly producerId: number; readonly producerEpoch: number },
): Uint8Array<ArrayBuffer> {
  return encodeBatch([{
    key: encodeControlRecordKey("abort"),
    value: encodeEndTransactionMarker(1),
    timestamp: START_MS,
  }], { ...producer, isTransactional: true, isControl: true });
}

/** Returns the bytes of a source. */
export function bytesOf(source: RecordsSource): Uint8Array {
  const bytes = new Uint8Array(source.byteLength);
  source.copyTo(bytes, 0);
  return bytes;
}

/** Decodes the batches of a source and verifies their checksums. */
export function batchesOf(source: RecordsSource): DecodedBatch[] {
  const bytes = bytesOf(source);
  return [...splitBatches(bytes)].map(({ start }) => decodeBatch(bytes, start, { codecs }));
}

/** Reads all batches of the log, one at a time. */
export function allBatches(log: PartitionLog, maxBytes = 1_000_000): DecodedBatch[] {
  const batches: DecodedBatch[] = [];
  let fetchOffset = log.logStartOffset;
  while (fetchOffset < log.logEndOffset) {
    const read = batchesOf(
      log.read({ fetchOffset, maxBytes, endOffset: log.logEndOffset, minOneBatch: true }),
    );
    if (read.length === 0) throw new Error(`nothing at ${fetchOffset} of ${log.logEndOffset}`);
    batches.push(...read);
    fetchOffset = read.at(-1)!.lastOffset + 1;
  }
  return batches;
}

/** Returns the first record of the log whose timestamp is at least `timestampMs`, or null. */
export function offsetForTimestamp(
  log: PartitionLog,
  timestampMs: Int64 | "newest",
  hostCodecs: HostCodecs = codecs,
): TimestampedOffset | null {
  return log.lookUpTimestamp({ timestampMs, codecs: hostCodecs }) as TimestampedOffset | null;
}

/** Returns the first record with the largest timestamp of the log, or null. */
export function offsetOfMaxTimestamp(log: PartitionLog): TimestampedOffset | null {
  return offsetForTimestamp(log, "newest");
}

/** Returns the name and the message of the `KafkaError` that `run` throws. */
export function refusal(run: () => unknown): { name: string; message: string } {
  try {
    run();
  } catch (error) {
    if (error instanceof KafkaError) {
      return { name: errorName(error.code), message: error.message };
    }
    throw error;
  }
  return { name: errorName(ErrorCode.NONE), message: "" };
}

/** Appends a client's batch like a large one: validates it in steps and appends it. */
export async function appendInSteps(
  log: PartitionLog,
  records: Uint8Array,
  options: AppendOptions,
  pause: () => Promise<void> = () => Promise.resolve(),
): Promise<AppendResult> {
  return await log.appender.appendInSteps(records, options, pause, () => options.leaderEpoch);
}

/** Like {@linkcode refusal}, for the rejection of `work`. */
export async function refusalOf(
  work: Promise<unknown>,
): Promise<{ name: string; message: string }> {
  try {
    await work;
  } catch (error) {
    return refusal(() => {
      throw error;
    });
  }
  return refusal(() => {});
}

/** A disk whose writes, truncations and syncs fail under the control of a test. */
export class FailingFiles extends FilesOver {
  /** The operations that fail, on paths that contain `failsAt`. */
  readonly failing: Set<"write" | "truncate" | "sync" | "read" | "open"> = new Set();
  failsAt = "";
  /** The reason of the failures. */
  reason: FileError["reason"] = "no-space";
  /** The number of bytes of a failing write that reach the file. */
  bytesBeforeFailure = 0;

  override open(path: string, mode: OpenMode): FileHandle {
    this.#maybeFail("open", path);
    const file = this.files.open(path, mode);
    return {
      readAt: (target, position) => {
        this.#maybeFail("read", path);
        return file.readAt(target, position);
      },
      read: async (target, position) => {
        this.#maybeFail("read", path);
        return await file.read(target, position);
      },
      writeAt: (bytes, position) => {
        if (this.#fails("write", path)) {
          const part = bytes.subarray(0, this.bytesBeforeFailure);
          if (part.length > 0) file.writeAt(part, position);
        }
        this.#maybeFail("write", path);
        file.writeAt(bytes, position);
      },
      size: () => file.size(),
      truncate: (length) => {
        this.#maybeFail("truncate", path);
        file.truncate(length);
      },
      sync: async () => {
        this.#maybeFail("sync", path);
        await file.sync();
      },
      close: () => file.close(),
    };
  }

  #fails(operation: "write" | "truncate" | "sync" | "read" | "open", path: string): boolean {
    return this.failing.has(operation) && path.includes(this.failsAt);
  }

  #maybeFail(operation: "write" | "truncate" | "sync" | "read" | "open", path: string): void {
    if (this.#fails(operation, path)) {
      const why = this.reason === "no-space" ? "no space left on device" : "input/output error";
      throw new FileError(`Cannot ${operation} ${path}: ${why}`, this.reason);
    }
  }
}
