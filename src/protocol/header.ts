/**
 * Request and response headers. Flexible versions (KIP-482) end their header with tagged fields.
 * The client id is never compact, and the header of an ApiVersions response never has tagged
 * fields, so that a client can read it before it knows the versions of the node.
 *
 * @module
 */
import type { AnyApi, ApiSummary } from "./api.ts";
import { type ByteReader, type ByteWriter, ProtocolError } from "./wire.ts";

const API_VERSIONS_KEY = 18;
const LONGEST_CLIENT_ID = 32767;

/** The parts of an API that determine its headers. */
export type HeaderRules = Pick<ApiSummary, "key" | "isFlexible">;

/** APIs indexed by key, with holes for unknown keys. */
export type ApiTable<A extends HeaderRules = AnyApi> = readonly (A | undefined)[];

/** Builds an {@linkcode ApiTable}. */
export function apiTable<A extends HeaderRules>(apis: Iterable<A>): ApiTable<A> {
  const table: (A | undefined)[] = [];
  for (const api of apis) {
    while (table.length < api.key) table.push(undefined);
    table[api.key] = api;
  }
  return table;
}

/** A decoded request header. */
export interface RequestHeader<A extends HeaderRules = AnyApi> {
  readonly apiKey: number;
  readonly apiVersion: number;
  /** Returned in the response. */
  readonly correlationId: number;
  readonly clientId: string | null;
  /** The API with that key, or undefined if the table has none: then the body cannot be decoded. */
  readonly api: A | undefined;
}

/**
 * Reads a request header of version 1 or 2 and leaves the reader at the body. The header version
 * follows from the API and its version, even if that version is not supported. For an unknown API
 * the reader is left after the client id.
 */
export function readRequestHeader<A extends HeaderRules>(
  reader: ByteReader,
  apis: ApiTable<A>,
): RequestHeader<A> {
  const apiKey = reader.int16();
  const apiVersion = reader.int16();
  const correlationId = reader.int32();
  const length = reader.int16();
  if (length < -1) throw new ProtocolError(`The client id cannot have ${length} bytes`);
  const clientId = length === -1 ? null : reader.text(length);
  const api = apiKey < 0 ? undefined : apis[apiKey];
  if (api !== undefined && api.isFlexible(apiVersion)) skipTaggedFields(reader);
  return { apiKey, apiVersion, correlationId, clientId, api };
}

/** Writes a request header. Throws {@linkcode ProtocolError} for a client id over 32,767 bytes. */
export function writeRequestHeader(
  writer: ByteWriter,
  api: HeaderRules,
  apiVersion: number,
  correlationId: number,
  clientId: string | null,
): void {
  writer.int16(api.key);
  writer.int16(apiVersion);
  writer.int32(correlationId);
  if (clientId === null) writer.int16(-1);
  else {
    writer.text(clientId, (length) => {
      if (length > LONGEST_CLIENT_ID) {
        throw new ProtocolError(
          `The client id has ${length} bytes, the maximum is ${LONGEST_CLIENT_ID}`,
        );
      }
      writer.int16(length);
    });
  }
  if (api.isFlexible(apiVersion)) writer.uvarint(0);
}

/**
 * Reads a response header of version 0 or 1, leaves the reader at the body and returns the
 * correlation id. Use {@linkcode peekCorrelationId} first to find the request that is answered.
 */
export function readResponseHeader(
  reader: ByteReader,
  api: HeaderRules,
  apiVersion: number,
): number {
  const correlationId = reader.int32();
  if (hasTaggedFields(api, apiVersion)) skipTaggedFields(reader);
  return correlationId;
}

/**
 * Returns the correlation id of the response at the reader's position, without moving the reader.
 */
export function peekCorrelationId(reader: ByteReader): number {
  const start = reader.offset;
  const correlationId = reader.int32();
  reader.offset = start;
  return correlationId;
}

/** Writes a response header. */
export function writeResponseHeader(
  writer: ByteWriter,
  api: HeaderRules,
  apiVersion: number,
  correlationId: number,
): void {
  writer.int32(correlationId);
  if (hasTaggedFields(api, apiVersion)) writer.uvarint(0);
}

function hasTaggedFields(api: HeaderRules, apiVersion: number): boolean {
  return api.key !== API_VERSIONS_KEY && api.isFlexible(apiVersion);
}

/** Skips the tagged fields of a header. None of them is known here. */
function skipTaggedFields(reader: ByteReader): void {
  const count = reader.uvarint();
  for (let i = 0; i < count; i++) {
    reader.uvarint();
    reader.skip(reader.uvarint());
  }
}
