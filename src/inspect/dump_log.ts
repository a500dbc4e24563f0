/**
 * The lines that Kafka's dump tool prints for a `.log` and for a snapshot of the metadata log: one per
 * batch, followed with `deep` by one per record.
 *
 * @module
 */
import {
  kRaftVersionRecord,
  leaderChangeMessage,
  snapshotFooterRecord,
  snapshotHeaderRecord,
  votersRecord,
} from "../raft/records.ts";
import {
  BASE_TIMESTAMP_OFFSET,
  compressionOf,
  decodeBatch,
  type DecodedBatch,
  type DecodedRecord,
  hasDeleteHorizon,
  type HostCodecs,
  isControl,
  isTransactional,
  MAX_TIMESTAMP_OFFSET,
  PRODUCER_ID_OFFSET,
  readAttributes,
  readBaseSequence,
  readCrc,
  readLastOffsetDelta,
  readMagic,
  readPartitionLeaderEpoch,
  readProducerEpoch,
  readRecordCount,
  RecordError,
  timestampTypeOf,
} from "../protocol/records/batch.ts";
import {
  decodeControlRecordKey,
  decodeEndTransactionMarker,
} from "../protocol/records/control_record.ts";
import type { FileHandle } from "../runtime/runtime.ts";
import { BatchWalk } from "./batch_walk.ts";
import { UnreadableError } from "./kafka_reader.ts";
import { controlRecordJson, type RecordDecoder, UndecodableError } from "./record_decoders.ts";

/** Options for a log. */
export interface DumpLogOptions {
  /** Whether to print records. */
  readonly deep: boolean;
  /** The decoder of keys and values, or null to omit them. */
  readonly decoder: RecordDecoder | null;
  /** Whether to print only keys and values of records. */
  readonly skipRecordMetadata: boolean;
  /** Number of bytes of the file to read. */
  readonly maxBytes: number;
  readonly codecs: HostCodecs;
}

const LARGEST_SEQUENCE = 2_147_483_647;

/**
 * Yields the lines for the batches of `file`, named `path` in messages. Throws a `FileError`.
 */
export function* dumpLog(
  file: FileHandle,
  path: string,
  options: DumpLogOptions,
  complain: (line: string) => void,
): Generator<string, void, undefined> {
  const size = file.size();
  const walk = new BatchWalk(file, Math.min(size, options.maxBytes));
  const gaps: string[] = [];
  let lastOffset = -1;
  while (walk.next()) {
    yield batchLine(walk);
    if (!options.deep) continue;
    let batch: DecodedBatch;
    try {
      batch = decodeBatch(walk.bytes, walk.at, { checkCrc: false, codecs: options.codecs });
    } catch (error) {
      if (!(error instanceof RecordError)) throw error;
      complain(`Cannot read the records at position ${walk.position} of ${path}: ${error.message}`);
      lastOffset = walk.lastOffset;
      continue;
    }
    for (const record of batch.records) {
      if (lastOffset >= 0 && record.offset !== lastOffset + 1) {
        gaps.push(`  ${lastOffset} is followed by ${record.offset}`);
      }
      lastOffset = record.offset;
      yield recordLine(record, batch, options, complain);
    }
  }
  walk.release();
  if (gaps.length > 0) {
    complain(`Non-consecutive offsets in ${path}`);
    for (const gap of gaps) complain(gap);
  }
  if (walk.problem === null || size > options.maxBytes) return;
  const name = path.slice(path.lastIndexOf("/") + 1);
  yield `Found ${size - walk.nextPosition} invalid bytes at the end of ${name}`;
  complain(`No batch begins at position ${walk.nextPosition} of ${path}: ${walk.problem}`);
}

function batchLine(walk: BatchWalk): string {
  const { bytes, at } = walk;
  const attributes = readAttributes(bytes, at);
  const baseSequence = readBaseSequence(bytes, at);
  const lastSequence = sequenceOf(baseSequence, readLastOffsetDelta(bytes, at));
  const horizon = hasDeleteHorizon(attributes)
    ? `OptionalLong[${int64(bytes, at + BASE_TIMESTAMP_OFFSET)}]`
    : "OptionalLong.empty";
  return `baseOffset: ${walk.baseOffset} lastOffset: ${walk.lastOffset} ` +
    `count: ${readRecordCount(bytes, at)} baseSequence: ${baseSequence} ` +
    `lastSequence: ${lastSequence} producerId: ${int64(bytes, at + PRODUCER_ID_OFFSET)} ` +
    `producerEpoch: ${readProducerEpoch(bytes, at)} ` +
    `partitionLeaderEpoch: ${readPartitionLeaderEpoch(bytes, at)} ` +
    `isTransactional: ${isTransactional(attributes)} isControl: ${isControl(attributes)} ` +
    `deleteHorizonMs: ${horizon} position: ${walk.position} ` +
    `${timestampTypeOf(attributes)}: ${
      int64(bytes, at + MAX_TIMESTAMP_OFFSET)
    } size: ${walk.size} ` +
    `magic: ${readMagic(bytes, at)} compresscodec: ${compressionName(attributes)} ` +
    `crc: ${readCrc(bytes, at)} isvalid: ${walk.crcProblem() === null}`;
}

/** Returns a field of 64 bits exactly, even if it is damaged. */
function int64(bytes: Uint8Array, at: number): bigint {
  return new DataView(bytes.buffer, bytes.byteOffset).getBigInt64(at);
}

function recordLine(
  record: DecodedRecord,
  batch: DecodedBatch,
  options: DumpLogOptions,
  complain: (line: string) => void,
): string {
  let line = "";
  if (!options.skipRecordMetadata) {
    const sequence = sequenceOf(batch.baseSequence, record.offset - batch.baseOffset);
    const headers = record.headers.map(({ key }) => key).join(",");
    line = `| offset: ${record.offset} ${batch.timestampType}: ${record.timestamp} ` +
      `keySize: ${record.key?.length ?? -1} valueSize: ${record.value?.length ?? -1} ` +
      `sequence: ${sequence} headerKeys: [${headers}]`;
    if (batch.isControl) line += controlPart(record);
  }
  if (options.decoder === null || batch.isControl) return line;
  try {
    const { key, payload } = options.decoder(record);
    if (key !== null) line += `${line === "" ? "|" : ""} key: ${key}`;
    if (payload !== null) line += `${line === "" ? "|" : ""} payload: ${payload}`;
  } catch (error) {
    if (!(error instanceof UndecodableError)) throw error;
    complain(error.message);
  }
  return line;
}

function controlPart({ key, value }: DecodedRecord): string {
  try {
    const type = decodeControlRecordKey(key);
    switch (type) {
      case "abort":
      case "commit":
        return ` endTxnMarker: ${type.toUpperCase()} ` +
          `coordinatorEpoch: ${decodeEndTransactionMarker(value)}`;
      case "leader-change":
        return ` LeaderChange: ${controlRecordJson(leaderChangeMessage, value)}`;
      case "snapshot-header":
        return ` SnapshotHeader ${controlRecordJson(snapshotHeaderRecord, value)}`;
      case "snapshot-footer":
        return ` SnapshotFooter ${controlRecordJson(snapshotFooterRecord, value)}`;
      case "kraft-version":
        return ` KRaftVersion ${controlRecordJson(kRaftVersionRecord, value)}`;
      case "kraft-voters":
        return ` KRaftVoters ${controlRecordJson(votersRecord, value)}`;
      default:
        return ` controlType: UNKNOWN(${key![2]! << 8 | key![3]!})`;
    }
  } catch (error) {
    if (error instanceof RecordError || error instanceof UnreadableError) {
      return ` unreadable control record: ${error.message}`;
    }
    throw error;
  }
}

/** Returns the sequence number `delta` after `base`, wrapping from 2^31 - 1 to 0, or -1 without one. */
function sequenceOf(base: number, delta: number): number {
  if (base < 0) return -1;
  const sum = base + delta;
  return sum > LARGEST_SEQUENCE ? sum - LARGEST_SEQUENCE - 1 : sum;
}

/** Returns the name of the compression, or its number if it is unknown. */
function compressionName(attributes: number): string {
  try {
    return compressionOf(attributes);
  } catch (error) {
    if (error instanceof RecordError) return String(attributes & 7);
    throw error;
  }
}
