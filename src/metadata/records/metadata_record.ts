/**
 * The record types of the metadata log and their encoding: frame version, type and version as
 * unsigned varints, followed by the fields.
 *
 * @module
 */
import type { RecordType } from "../../protocol/api.ts";
import { ByteReader, ByteWriter, ProtocolError } from "../../protocol/wire.ts";
import {
  brokerRegistrationChangeRecord,
  fenceBrokerRecord,
  registerBrokerRecord,
  unfenceBrokerRecord,
  unregisterBrokerRecord,
} from "./brokers.ts";
import { clientQuotaRecord, configRecord, featureLevelRecord } from "./configs.ts";
import {
  registerControllerRecord,
  unregisterControllerRecord,
  zkMigrationStateRecord,
} from "./controllers.ts";
import { producerIdsRecord } from "./producer_ids.ts";
import {
  accessControlEntryRecord,
  delegationTokenRecord,
  removeAccessControlEntryRecord,
  removeDelegationTokenRecord,
  removeUserScramCredentialRecord,
  userScramCredentialRecord,
} from "./security.ts";
import {
  clearElrRecord,
  partitionChangeRecord,
  partitionRecord,
  removeTopicRecord,
  topicRecord,
} from "./topics.ts";
import {
  abortTransactionRecord,
  beginTransactionRecord,
  endTransactionRecord,
  noOpRecord,
} from "./transactions.ts";

/** Only a preview version of KRaft wrote frame version 0. */
const FRAME_VERSION = 1;

/** The record types of the metadata log, in numerical order. */
export const metadataRecordTypes = [
  registerBrokerRecord,
  unregisterBrokerRecord,
  topicRecord,
  partitionRecord,
  configRecord,
  partitionChangeRecord,
  fenceBrokerRecord,
  unfenceBrokerRecord,
  removeTopicRecord,
  delegationTokenRecord,
  userScramCredentialRecord,
  featureLevelRecord,
  clientQuotaRecord,
  producerIdsRecord,
  brokerRegistrationChangeRecord,
  accessControlEntryRecord,
  removeAccessControlEntryRecord,
  noOpRecord,
  zkMigrationStateRecord,
  removeUserScramCredentialRecord,
  beginTransactionRecord,
  endTransactionRecord,
  abortTransactionRecord,
  removeDelegationTokenRecord,
  registerControllerRecord,
  clearElrRecord,
  unregisterControllerRecord,
] as const;

type Decoded<T> = T extends RecordType<infer Out, infer _In, infer Name>
  ? { readonly name: Name; readonly version: number; readonly value: Out }
  : never;
type Encodable<T> = T extends RecordType<infer _Out, infer In, infer Name>
  ? { readonly name: Name; readonly version?: number; readonly value: In }
  : never;

/** A decoded record. `name` discriminates the type of `value`. */
export type MetadataRecord = Decoded<(typeof metadataRecordTypes)[number]>;

/** A record to encode. `version` defaults to the newest. */
export type MetadataRecordInput = Encodable<(typeof metadataRecordTypes)[number]>;

type AnyRecordType = RecordType<unknown, never>;

const byType: AnyRecordType[] = [];
const byName = new Map<string, AnyRecordType>();
for (const recordType of metadataRecordTypes) {
  byType[recordType.type] = recordType as unknown as AnyRecordType;
  byName.set(recordType.name, recordType as unknown as AnyRecordType);
}

/**
 * Decodes the value of a metadata log record. Throws {@linkcode ProtocolError} for an unknown frame
 * version, type or version, and for missing or trailing bytes.
 */
export function decodeMetadataRecord(bytes: Uint8Array): MetadataRecord {
  const reader = new ByteReader(bytes);
  const frameVersion = reader.uvarint();
  if (frameVersion !== FRAME_VERSION) {
    throw new ProtocolError(
      `Cannot read a metadata record of frame version ${frameVersion}: expected ${FRAME_VERSION}`,
    );
  }
  const type = reader.uvarint();
  const version = reader.uvarint();
  const recordType = byType[type];
  if (recordType === undefined) {
    throw new ProtocolError(`Cannot read a metadata record: unknown type ${type}`);
  }
  const { name, minVersion, maxVersion } = recordType;
  if (version < minVersion || version > maxVersion) {
    throw new ProtocolError(
      `Cannot read a ${name} of version ${version}: supported are ${minVersion} to ${maxVersion}`,
    );
  }
  const value = recordType.codec(version).read(reader);
  if (reader.remaining > 0) {
    throw new ProtocolError(`A ${name} has ${reader.remaining} trailing bytes`);
  }
  return { name, version, value } as MetadataRecord;
}

/**
 * Encodes a record for the metadata log. Throws {@linkcode ProtocolError} for a value out of range.
 */
export function encodeMetadataRecord(record: MetadataRecordInput): Uint8Array {
  const recordType = byName.get(record.name)!;
  const version = record.version ?? recordType.maxVersion;
  const writer = new ByteWriter();
  writer.uvarint(FRAME_VERSION);
  writer.uvarint(recordType.type);
  writer.uvarint(version);
  recordType.codec(version).write(writer, record.value as never);
  return writer.toBytes();
}
