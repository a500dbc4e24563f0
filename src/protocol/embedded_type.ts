/**
 * Declares data that a field of a message carries as bytes: a version of 16 bits and a struct in
 * that version.
 *
 * @module
 */
import { codecOf, type Struct } from "./schema.ts";
import { includes, parseVersions } from "./versions.ts";
import { ByteReader, ByteWriter, ProtocolError } from "./wire.ts";

/** A struct that is preceded by its own version. */
export interface EmbeddedType<Out, In> {
  readonly name: string;
  readonly minVersion: number;
  readonly maxVersion: number;
  readonly fields: Struct<Out, In>;
  /** Whether `version` uses compact lengths and tagged fields. */
  isFlexible(version: number): boolean;
  /** Encodes the version, which defaults to the newest, and the value. */
  encode(value: In, version?: number): Uint8Array;
  /** Throws {@linkcode ProtocolError} for bytes that are not such a value. */
  decode(bytes: Uint8Array): Out;
}

/** Declares a type that other messages embed as bytes. */
export function defineEmbeddedType<Out, In>(definition: {
  readonly name: string;
  readonly versions: string;
  readonly flexible: string;
  /**
   * How to decode an unknown newer version: `"asNewest"` reads it as the newest known version, for
   * types whose new versions only append fields.
   */
  readonly newerVersions: "asNewest" | "reject";
  readonly fields: Struct<Out, In>;
}): EmbeddedType<Out, In> {
  const { name, newerVersions, fields } = definition;
  const { first, last } = parseVersions(definition.versions);
  const flexible = parseVersions(definition.flexible);
  const isFlexible = (version: number) => includes(flexible, version);
  const codec = (version: number) => codecOf(fields, version, isFlexible(version));
  return {
    name,
    minVersion: first,
    maxVersion: last,
    fields,
    isFlexible,
    encode(value, version = last) {
      const writer = new ByteWriter();
      writer.int16(version);
      codec(version).write(writer, value);
      return writer.toBytes();
    },
    decode(bytes) {
      const reader = new ByteReader(bytes);
      const version = reader.int16();
      if (version < first || (version > last && newerVersions === "reject")) {
        throw new ProtocolError(
          `Cannot decode ${name}: version is ${version}, supported are ${first} to ${last}`,
        );
      }
      return codec(Math.min(version, last)).read(reader);
    },
  };
}
