/**
 * The decoders of Kafka's dump tool, for records of the coordinators' topics and of the metadata log.
 * Records that cannot be decoded are reported with the messages of that tool.
 *
 * @module
 */
import { groupMetadataRecord } from "../groups/records/classic_group_records.ts";
import { groupRecordTypes } from "../groups/records/group_records.ts";
import { metadataRecordTypes } from "../metadata/records/metadata_record.ts";
import type { AnyCoordinatorRecordType, RecordType } from "../protocol/api.ts";
import type { EmbeddedType } from "../protocol/embedded_type.ts";
import {
  consumerProtocolAssignment,
  consumerProtocolSubscription,
} from "../protocol/messages/consumer_protocol.ts";
import type { DecodedRecord } from "../protocol/records/batch.ts";
import type { StructShape } from "../protocol/schema.ts";
import { shareSnapshotRecord } from "../share/records/share_snapshot.ts";
import { shareUpdateRecord } from "../share/records/share_update.ts";
import { transactionLogRecord } from "../transactions/records/transaction_log.ts";
import { TRANSACTION_STATES } from "../transactions/transaction_state.ts";
import {
  KafkaReader,
  type ReadValues,
  UnreadableError,
  type VersionLayout,
} from "./kafka_reader.ts";
import { type FieldAsJson, structJson, textJson } from "./record_json.ts";

type AnyRecordType = RecordType<unknown, never>;

/** The printed form of a record. A part that is null is omitted. */
export interface RecordText {
  readonly key: string | null;
  readonly payload: string | null;
}

/** Formats a record. Throws an UndecodableError for one at which Kafka's tool would stop. */
export type RecordDecoder = (record: DecodedRecord) => RecordText;

/** The decoders, by the names of their flags without `-decoder`. */
export type DecoderName =
  | "offsets"
  | "transaction-log"
  | "cluster-metadata"
  | "share-group-state";

/** A record for which its line cannot even contain a message. */
export class UndecodableError extends Error {
  override name = "UndecodableError";
}

/** Formats keys and values as text. */
export const decodeText: RecordDecoder = ({ key, value }) => ({
  key: key === null ? null : utf8.decode(key),
  payload: value === null ? null : utf8.decode(value),
});

/** Returns the decoder of a name. */
export function decoderOf(name: DecoderName): RecordDecoder {
  return DECODERS[name];
}

const DECODERS: Readonly<Record<DecoderName, RecordDecoder>> = {
  "offsets": coordinatorDecoder(groupRecordTypes),
  "transaction-log": coordinatorDecoder([transactionLogRecord]),
  "cluster-metadata": decodeMetadata,
  "share-group-state": coordinatorDecoder([shareSnapshotRecord, shareUpdateRecord]),
};

const CONSUMER_PROTOCOL = "consumer";
const NOTHING = new Uint8Array(0);
const utf8 = new TextDecoder("utf-8", { ignoreBOM: true });

/** Decodes keys that begin with one of these types, and values that begin with a version of it. */
function coordinatorDecoder(types: readonly unknown[]): RecordDecoder {
  const byNumber = new Map(
    (types as readonly AnyCoordinatorRecordType[]).map((each) => [each.type, each]),
  );
  return ({ offset, key, value }) => {
    if (key === null) {
      throw new UndecodableError(
        `Failed to decode message at offset ${offset} using the specified decoder ` +
          "(message had a missing key)",
      );
    }
    try {
      const reader = new KafkaReader(key);
      const number = readVersion(reader, "key");
      const type = byNumber.get(number);
      if (type === undefined) {
        const unknown = `Unknown record type ${number} at offset ${offset}, skipping.`;
        return { key: unknown, payload: null };
      }
      // Keys have one version only; Kafka's tool prints the type as the version.
      const data = coordinatorJson(type.key, number, reader, "key");
      return {
        key: `{"type":"${number}","data":${data}}`,
        payload: value === null ? "<DELETE>" : coordinatorValue(type, value),
      };
    } catch (error) {
      return { key: `Error at offset ${offset}, skipping. ${messageOf(error)}`, payload: null };
    }
  };
}

function coordinatorValue(type: AnyCoordinatorRecordType, bytes: Uint8Array): string {
  const reader = new KafkaReader(bytes);
  const version = readVersion(reader, "value");
  const { minVersion, maxVersion } = type.value;
  if (version < minVersion || version > maxVersion) {
    throw new UnreadableError(
      `Found an unknown record version ${version} for ${type.type} type`,
    );
  }
  return `{"version":"${version}","data":${coordinatorJson(type.value, version, reader, "value")}}`;
}

function readVersion(reader: KafkaReader, part: "key" | "value"): number {
  if (reader.remaining < 2) {
    throw new UnreadableError(`Could not read version from ${part}'s buffer.`);
  }
  return reader.int16();
}

function coordinatorJson(
  type: AnyRecordType,
  version: number,
  reader: KafkaReader,
  part: "key" | "value",
): string {
  const { shape } = type.fields;
  let values: ReadValues;
  try {
    values = reader.struct(shape, { version, flexible: type.isFlexible(version) });
  } catch (error) {
    throw new UnreadableError(
      `Could not read record with version ${version} from ${part}'s buffer due to: ` +
        `${messageOf(error)}.`,
    );
  }
  return structJson(shape, version, values, fieldAsJsonOf(shape, values));
}

/** Formats the fields of a value that have a special format. */
function fieldAsJsonOf(shape: StructShape, values: ReadValues): FieldAsJson | undefined {
  if (shape === transactionLogRecord.value.fields.shape) return transactionStatusJson;
  const isConsumerGroup = shape === groupMetadataRecord.value.fields.shape &&
    values.protocolType === CONSUMER_PROTOCOL;
  return isConsumerGroup ? consumerProtocolJson : undefined;
}

/** Kafka's tools print the name of a transaction's state from 4.4 on. */
const transactionStatusJson: FieldAsJson = (name, value) =>
  name === "transactionStatus" ? `"${TRANSACTION_STATES[value as number] ?? String(value)}"` : null;

/** The consumer protocol's data of group members, if it can be decoded. */
const consumerProtocolJson: FieldAsJson = (name, value) => {
  if (name !== "subscription" && name !== "assignment") return null;
  const bytes = value as Uint8Array;
  return name === "subscription"
    ? embeddedJson(consumerProtocolSubscription, bytes)
    : embeddedJson(consumerProtocolAssignment, bytes);
};

function embeddedJson<Out, In>(type: EmbeddedType<Out, In>, bytes: Uint8Array): string | null {
  try {
    const reader = new KafkaReader(bytes);
    const { shape } = type.fields;
    const layout = layoutOf(reader.int16(), type);
    return structJson(shape, layout.version, reader.struct(shape, layout));
  } catch (error) {
    messageOf(error);
    return null;
  }
}

/** Records of the metadata log have no keys. */
function decodeMetadata({ offset, value }: DecodedRecord): RecordText {
  try {
    return { key: null, payload: metadataJson(value ?? NOTHING) };
  } catch (error) {
    return { key: null, payload: `Error at ${offset}, skipping. ${messageOf(error)}` };
  }
}

function metadataJson(bytes: Uint8Array): string {
  const reader = new KafkaReader(bytes);
  const frameVersion = framePart(reader, "frame version");
  if (frameVersion === 0) {
    throw new UnreadableError(
      "Could not deserialize metadata record with frame version 0. Note that upgrades from the " +
        "preview release of KRaft in 2.8 to newer versions are not supported.",
    );
  }
  if (frameVersion !== 1) {
    throw new UnreadableError(
      `Could not deserialize metadata record due to unknown frame version ${frameVersion}` +
        "(only frame version 1 is supported)",
    );
  }
  const number = framePart(reader, "type");
  const version = framePart(reader, "version");
  const type = metadataTypes.get(number);
  if (type === undefined) {
    throw new UnreadableError(
      "org.apache.kafka.common.errors.UnsupportedVersionException: Unknown metadata id " + number,
    );
  }
  const { shape } = type.fields;
  const layout = layoutOf(version, type);
  let values: ReadValues;
  try {
    values = reader.struct(shape, layout);
  } catch (error) {
    messageOf(error);
    throw new UnreadableError(`Failed to deserialize record with type ${number}`);
  }
  if (reader.remaining > 0) {
    throw new UnreadableError(`Found ${reader.remaining} byte(s) of garbage after ${number}`);
  }
  const name = type.name.replace(/(?<!^)[A-Z]/g, "_$&").toUpperCase();
  return `{"type":${textJson(name)},"version":${version},"data":${
    structJson(shape, layout.version, values)
  }}`;
}

const metadataTypes = new Map(
  (metadataRecordTypes as unknown as readonly AnyRecordType[]).map((each) => [each.type, each]),
);

function framePart(reader: KafkaReader, what: string): number {
  let value: number;
  try {
    value = reader.uvarint();
  } catch (error) {
    messageOf(error);
    throw new UnreadableError(`Error while reading ${what}`);
  }
  if (value > 32_767) throw new UnreadableError(`Value for ${what} was too large.`);
  return value << 16 >> 16;
}

/** Formats the value of a control record of `type`, which begins with its version, as JSON. Throws an UnreadableError. */
export function controlRecordJson<Out, In>(
  type: RecordType<Out, In>,
  value: Uint8Array | null,
): string {
  const bytes = value ?? NOTHING;
  const layout = layoutOf(new KafkaReader(bytes).int16(), type);
  const { shape } = type.fields;
  return structJson(shape, layout.version, new KafkaReader(bytes).struct(shape, layout));
}

/** Returns the layout of a version; an unknown version uses the nearest known one. */
function layoutOf(given: number, { minVersion, maxVersion, isFlexible }: {
  readonly minVersion: number;
  readonly maxVersion: number;
  isFlexible(version: number): boolean;
}): VersionLayout {
  const version = Math.min(Math.max(given, minVersion), maxVersion);
  return { version, flexible: isFlexible(version), isNewer: given > maxVersion };
}

/** Returns the message of an UnreadableError. Throws any other error. */
function messageOf(error: unknown): string {
  if (error instanceof UnreadableError) return error.message;
  throw error;
}
