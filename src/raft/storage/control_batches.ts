/**
 * Batches of the quorum's control records: at the start of each leader's epoch, at changes of the voters,
 * and at both ends of a snapshot. A batch may hold several of them.
 *
 * @module
 */
import type { RecordType } from "../../protocol/api.ts";
import type { Int64 } from "../../protocol/int64.ts";
import { ProtocolError } from "../../protocol/protocol_error.ts";
import {
  decodeBatch,
  type DecodedRecord,
  encodeBatch,
  RecordError,
} from "../../protocol/records/batch.ts";
import {
  type ControlRecordType,
  decodeControlRecordKey,
  encodeControlRecordKey,
} from "../../protocol/records/control_record.ts";
import { ByteReader, ByteWriter } from "../../protocol/wire.ts";
import {
  kRaftVersionRecord,
  leaderChangeMessage,
  snapshotFooterRecord,
  snapshotHeaderRecord,
  votersRecord,
} from "../records.ts";

/** A voter in a {@linkcode ControlRecord} of type `kraft-voters`. */
export interface VoterRecord {
  /** The node's id. */
  readonly id: number;
  /** The id of its metadata directory. */
  readonly directoryId: string;
  /** Where it can be reached, by listener. */
  readonly endpoints: readonly {
    readonly name: string;
    readonly host: string;
    readonly port: number;
  }[];
  /** The levels of `kraft.version` that it supports. */
  readonly kraftVersions: { readonly min: number; readonly max: number };
}

/** A control record of the quorum. */
export type ControlRecord =
  /** The first record of a leader's epoch. */
  | {
    readonly type: "leader-change";
    readonly leaderId: number;
    /** The ids of all voters. */
    readonly voterIds: readonly number[];
    /** The ids of the voters that elected the leader. */
    readonly grantingVoterIds: readonly number[];
  }
  /** The first record of a snapshot. */
  | {
    readonly type: "snapshot-header";
    /** The timestamp of the last batch that the snapshot contains, ms since 1970. */
    readonly lastContainedLogTimestamp: Int64;
  }
  /** The last record of a snapshot. */
  | { readonly type: "snapshot-footer" }
  /** Sets the level of `kraft.version`. */
  | { readonly type: "kraft-version"; readonly kraftVersion: number }
  /** Sets the voters. */
  | { readonly type: "kraft-voters"; readonly voters: readonly VoterRecord[] };

/** A record of a control batch. A type that does not concern the quorum is `other`. */
export type DecodedControlRecord =
  & (ControlRecord | { readonly type: "other" })
  & { readonly offset: number };

/** A decoded control batch. */
export interface ControlBatch {
  readonly baseOffset: number;
  readonly lastOffset: number;
  /** The epoch of the leader that appended it. */
  readonly leaderEpoch: number;
  readonly records: readonly DecodedControlRecord[];
}

/** The position of a batch that is written. */
export interface ControlBatchOptions {
  /** Defaults to 0. */
  readonly baseOffset?: number;
  /** The epoch of the leader, or of the snapshot's id. */
  readonly leaderEpoch: number;
  /** The timestamp of its records, ms since 1970. */
  readonly timestampMs: number;
}

/** Encodes `records` as one batch. */
export function encodeControlBatch(
  records: readonly ControlRecord[],
  { baseOffset = 0, leaderEpoch, timestampMs }: ControlBatchOptions,
): Uint8Array<ArrayBuffer> {
  return encodeBatch(
    records.map((record) => ({
      key: encodeControlRecordKey(record.type),
      value: encodeValue(record),
      timestamp: timestampMs,
    })),
    { isControl: true, baseOffset, partitionLeaderEpoch: leaderEpoch },
  );
}

/**
 * Decodes the control batch at `at`. Throws a `RecordError` for a damaged batch, for a data batch, and for
 * a record of a version that this release does not support.
 */
export function decodeControlBatch(bytes: Uint8Array, at: number = 0): ControlBatch {
  const batch = decodeBatch(bytes, at);
  if (!batch.isControl) {
    throw new RecordError(
      `Cannot decode the batch at offset ${batch.baseOffset}: it has no control records`,
      "invalid",
    );
  }
  return {
    baseOffset: batch.baseOffset,
    lastOffset: batch.lastOffset,
    leaderEpoch: batch.partitionLeaderEpoch,
    records: batch.records.map((record) => ({ ...decodeRecord(record), offset: record.offset })),
  };
}

/** Apache Kafka 4.4 writes, and reads, only version 0 of each. */
const WRITTEN_VERSION = 0;

function encodeValue(record: ControlRecord): Uint8Array {
  const version = WRITTEN_VERSION;
  switch (record.type) {
    case "leader-change":
      return valueOf(leaderChangeMessage, {
        version,
        leaderId: record.leaderId,
        voters: record.voterIds.map((voterId) => ({ voterId })),
        grantingVoters: record.grantingVoterIds.map((voterId) => ({ voterId })),
      });
    case "snapshot-header": {
      const { lastContainedLogTimestamp } = record;
      return valueOf(snapshotHeaderRecord, { version, lastContainedLogTimestamp });
    }
    case "snapshot-footer":
      return valueOf(snapshotFooterRecord, { version });
    case "kraft-version":
      return valueOf(kRaftVersionRecord, { version, kRaftVersion: record.kraftVersion });
    case "kraft-voters":
      return valueOf(votersRecord, {
        version,
        voters: record.voters.map(({ id, directoryId, endpoints, kraftVersions }) => ({
          voterId: id,
          voterDirectoryId: directoryId,
          endpoints,
          kRaftVersionFeature: {
            minSupportedVersion: kraftVersions.min,
            maxSupportedVersion: kraftVersions.max,
          },
        })),
      });
  }
}

function valueOf<Out, In>(type: RecordType<Out, In>, value: In): Uint8Array {
  const writer = new ByteWriter();
  type.codec(WRITTEN_VERSION).write(writer, value);
  return writer.toBytes();
}

function decodeRecord(record: DecodedRecord): ControlRecord | { readonly type: "other" } {
  const type = decodeControlRecordKey(record.key);
  switch (type) {
    case "leader-change": {
      const { leaderId, voters, grantingVoters } = decoded(leaderChangeMessage, type, record);
      return {
        type,
        leaderId,
        voterIds: voters.map(({ voterId }) => voterId),
        grantingVoterIds: grantingVoters.map(({ voterId }) => voterId),
      };
    }
    case "snapshot-header": {
      const { lastContainedLogTimestamp } = decoded(snapshotHeaderRecord, type, record);
      return { type, lastContainedLogTimestamp };
    }
    case "snapshot-footer":
      decoded(snapshotFooterRecord, type, record);
      return { type };
    case "kraft-version":
      return { type, kraftVersion: decoded(kRaftVersionRecord, type, record).kRaftVersion };
    case "kraft-voters": {
      const { voters } = decoded(votersRecord, type, record);
      return {
        type,
        voters: voters.map(({ voterId, voterDirectoryId, endpoints, kRaftVersionFeature }) => ({
          id: voterId,
          directoryId: voterDirectoryId,
          endpoints,
          kraftVersions: {
            min: kRaftVersionFeature.minSupportedVersion,
            max: kRaftVersionFeature.maxSupportedVersion,
          },
        })),
      };
    }
    default:
      return { type: "other" };
  }
}

/** Decodes a value, which begins with its version. */
function decoded<Out, In>(
  recordType: RecordType<Out, In>,
  type: ControlRecordType,
  { value, offset }: DecodedRecord,
): Out {
  const what = `Cannot decode the ${type} record at offset ${offset}`;
  if (value === null || value.length < 2) {
    throw new RecordError(`${what}: it has no version`, "invalid");
  }
  const version = (value[0]! << 24 | value[1]! << 16) >> 16;
  const { minVersion, maxVersion } = recordType;
  if (version < minVersion || version > maxVersion) {
    throw new RecordError(
      `${what}: its version is ${version}, this release supports ${minVersion} to ${maxVersion}`,
      "invalid",
    );
  }
  try {
    return recordType.codec(version).read(new ByteReader(value));
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    throw new RecordError(`${what}: ${error.message}`, "invalid", { cause: error });
  }
}
