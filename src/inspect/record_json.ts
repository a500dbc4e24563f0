/**
 * Records of the metadata log, and control records of the quorum, as the JSON that Kafka's tools show
 * of them: fields in the order of the schema, those that a version lacks left out, tagged ones left
 * out while they have their default, ids and bytes as base64.
 *
 * @module
 */
import type { RecordType } from "../protocol/api.ts";
import type { Field, Shape, StructShape } from "../protocol/schema.ts";
import { includes } from "../protocol/versions.ts";
import { ByteReader } from "../protocol/wire.ts";
import { ZERO_UUID } from "../protocol/uuid.ts";
import {
  decodeMetadataRecord,
  type MetadataRecord,
  metadataRecordTypes,
} from "../metadata/records/metadata_record.ts";

type AnyField = Field<unknown, unknown, boolean>;
type Values = Readonly<Record<string, unknown>>;

/** The value of a record of the metadata log as one line of JSON. Throws a `ProtocolError`. */
export function metadataRecordJson(value: Uint8Array): string {
  const record = decodeMetadataRecord(value);
  return JSON.stringify({
    type: record.name.replace(/(?<!^)[A-Z]/g, "_$&").toUpperCase(),
    version: record.version,
    data: structJson(shapeOf(record), record.version, record.value as unknown as Values),
  });
}

/** The value of a control record of `type`, which begins with its version, as JSON. Throws a `ProtocolError`. */
export function controlRecordJson<Out, In>(
  type: RecordType<Out, In>,
  value: Uint8Array | null,
): string {
  const reader = new ByteReader(value ?? new Uint8Array(0));
  const version = new ByteReader(reader.bytes).int16();
  const data = type.codec(version).read(reader);
  return JSON.stringify(structJson(type.fields.shape, version, data as Values));
}

function shapeOf(record: MetadataRecord): StructShape {
  return metadataRecordTypes.find((type) => type.name === record.name)!.fields.shape;
}

function structJson(shape: StructShape, version: number, values: Values): unknown {
  const out: Record<string, unknown> = {};
  for (const [name, field] of Object.entries(shape.fields)) {
    const { versions, tagged } = field.options;
    if (versions !== undefined && !includes(versions, version)) continue;
    const value = values[name];
    const isTagged = tagged !== undefined && includes(tagged, version);
    if (isTagged && isDefault(field, value)) continue;
    out[name] = valueJson(field.shape, version, value);
  }
  return out;
}

function valueJson(shape: Shape, version: number, value: unknown): unknown {
  if (value === null || value === undefined) return null;
  if (value instanceof Uint8Array) return base64(value);
  if (shape.kind === "struct") return structJson(shape, version, value as Values);
  if (shape.kind === "array") {
    return (value as readonly unknown[]).map((element) =>
      valueJson(shape.element, version, element)
    );
  }
  return value;
}

function isDefault(field: AnyField, value: unknown): boolean {
  const { default: given } = field.options;
  if (given !== undefined) return value === given;
  switch (field.shape.kind) {
    case "bool":
      return value === false;
    case "string":
      return value === "";
    case "uuid":
      return value === ZERO_UUID;
    case "array":
    case "bytes":
    case "records":
      return (value as { length: number }).length === 0;
    case "struct":
      return false;
    default:
      return value === 0;
  }
}

function base64(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text);
}
