/**
 * Formats files of a data directory exactly as Apache Kafka's dump tool (`kafka-dump-log.sh`) does, so
 * that scripts can parse either. Nothing is changed.
 *
 * @module
 */
import { hostRuntime } from "../runtime/host.ts";
import { FileError, type FileHandle, type FileSystem, type Runtime } from "../runtime/runtime.ts";
import { dumpOffsetIndex, dumpTimeIndex, type IndexFile } from "./dump_index.ts";
import { dumpLog, type DumpLogOptions } from "./dump_log.ts";
import { dumpProducerSnapshot, dumpTransactionIndex } from "./dump_state.ts";
import { readWhole } from "./read_whole.ts";
import { type DecoderName, decoderOf, decodeText, type RecordDecoder } from "./record_decoders.ts";

/** Options, equivalent to the flags of Kafka's tool. All are off by default. */
export interface DumpOptions {
  /** Whether to print the records of each batch (`--deep-iteration`). */
  readonly deep?: boolean;
  /** Whether to print keys and values as text (`--print-data-log`). Implies `deep`. */
  readonly printData?: boolean;
  /**
   * The decoder of keys and values: for records of `__consumer_offsets` (`--offsets-decoder`), of
   * `__transaction_state` (`--transaction-log-decoder`), of the metadata log
   * (`--cluster-metadata-decoder`) or of `__share_group_state` (`--share-group-state-decoder`). Implies
   * `printData`. With `printData` it defaults to `"cluster-metadata"` for files of
   * `__cluster_metadata-0`.
   */
  readonly decoder?: DecoderName;
  /** Whether to print only keys and values of records (`--skip-record-metadata`). */
  readonly skipRecordMetadata?: boolean;
  /** Whether to check an index against its log without printing it (`--verify-index-only`). */
  readonly verifyIndexOnly?: boolean;
  /** Whether to check only the internal consistency of an index (`--index-sanity-check`). */
  readonly indexSanityCheck?: boolean;
  /** Number of bytes of a log to read (`--max-bytes`). Defaults to all. */
  readonly maxBytes?: number;
  /** Receives a line for each inconsistency. */
  readonly onProblem?: (line: string) => void;
  /** The host's functions. Defaults to those of this process. */
  readonly runtime?: Runtime;
}

/**
 * Yields the lines for the file at `path`, which is a `.log`, an `.index`, a `.timeindex`, a
 * `.snapshot`, a `.txnindex` or a `.checkpoint` of the metadata log.
 *
 * ```ts ignore
 * for await (const line of dumpLogFile("data/events-0/00000000000000000000.log")) console.log(line);
 * ```
 *
 * @throws FileError for a file that cannot be read or is of another kind; KafkaError with the code
 * KAFKA_STORAGE_ERROR for a producer snapshot that is damaged
 */
export async function* dumpLogFile(
  path: string,
  options: DumpOptions = {},
): AsyncGenerator<string, void, undefined> {
  const runtime = options.runtime ?? hostRuntime();
  yield* linesOf(runtime, path.replaceAll("\\", "/"), options);
}

function* linesOf(
  runtime: Runtime,
  path: string,
  options: DumpOptions,
): Generator<string, void, undefined> {
  const { files } = runtime;
  const { onProblem = () => {} } = options;
  const slash = path.lastIndexOf("/");
  const name = path.slice(slash + 1);
  const suffix = /\.[a-z]+$/.exec(name)?.[0] ?? "";
  switch (suffix) {
    case ".log":
    case ".checkpoint":
      yield `Dumping ${path}`;
      yield headline(name, suffix, path);
      yield* withFile(
        files,
        path,
        (file) => dumpLog(file, path, logOptions(runtime, path, options), onProblem),
      );
      return;
    case ".index":
    case ".timeindex":
      yield `Dumping ${path}`;
      yield* withFile(
        files,
        `${path.slice(0, -suffix.length)}.log`,
        (log) => indexLines(files, { path, suffix, name, log }, options),
      );
      return;
    case ".snapshot":
      yield `Dumping ${path}`;
      yield* dumpProducerSnapshot(readWhole(files, path), path);
      return;
    case ".txnindex":
      yield `Dumping ${path}`;
      yield* dumpTransactionIndex(readWhole(files, path), path, onProblem);
      return;
  }
  throw new FileError(
    `Cannot dump ${path}: it is none of .log, .index, .timeindex, .snapshot, .txnindex, .checkpoint`,
    "io",
  );
}

function indexLines(
  files: FileSystem,
  { path, suffix, name, log }: { path: string; suffix: string; name: string; log: FileHandle },
  options: DumpOptions,
): Generator<string, void, undefined> {
  const { onProblem = () => {} } = options;
  const show = {
    sanityOnly: options.indexSanityCheck === true,
    verifyOnly: options.verifyIndexOnly === true,
  };
  const index: IndexFile = {
    path,
    baseOffset: offsetIn(name, path),
    bytes: readWhole(files, path),
    log,
  };
  if (suffix === ".index") return dumpOffsetIndex(index, show, onProblem);
  const beside = `${path.slice(0, -suffix.length)}.index`;
  const offsets = files.exists(beside) ? readWhole(files, beside) : new Uint8Array(0);
  return dumpTimeIndex(index, offsets, show, onProblem);
}

function logOptions(runtime: Runtime, path: string, options: DumpOptions): DumpLogOptions {
  const decoder = decoderFor(path, options);
  return {
    deep: options.deep === true || decoder !== null,
    decoder,
    skipRecordMetadata: options.skipRecordMetadata === true,
    maxBytes: options.maxBytes ?? Infinity,
    codecs: runtime.codecs(),
  };
}

function decoderFor(path: string, { decoder, printData }: DumpOptions): RecordDecoder | null {
  if (decoder !== undefined) return decoderOf(decoder);
  if (printData !== true) return null;
  const isMetadata = /(^|\/)__cluster_metadata-0\/[^/]*$/.test(path);
  return isMetadata ? decoderOf("cluster-metadata") : decodeText;
}

/** Returns the line that precedes the batches of a log. */
function headline(name: string, suffix: string, path: string): string {
  if (suffix === ".log") return `Log starting offset: ${offsetIn(name, path)}`;
  if (name === "bootstrap.checkpoint") return "KRaft bootstrap snapshot";
  const match = /^(\d{20})-(\d{10})\.checkpoint$/.exec(name);
  if (match === null) throw misnamed(path, "its end offset and epoch");
  return `Snapshot end offset: ${Number(match[1])}, epoch: ${Number(match[2])}`;
}

/** Returns the offset in the name of the file. */
function offsetIn(name: string, path: string): number {
  const offset = /^(\d{1,20})\./.exec(name)?.[1];
  if (offset === undefined || !Number.isSafeInteger(Number(offset))) {
    throw misnamed(path, "the base offset of its segment");
  }
  return Number(offset);
}

function misnamed(path: string, what: string): FileError {
  return new FileError(`Cannot dump ${path}: its name must begin with ${what}`, "io");
}

function* withFile(
  files: FileSystem,
  path: string,
  lines: (file: FileHandle) => Generator<string, void, undefined>,
): Generator<string, void, undefined> {
  const file = files.open(path, "read");
  try {
    yield* lines(file);
  } finally {
    file.close();
  }
}
