/**
 * What stands before the body of every request and response. Flexible versions (KIP-482) end their
 * header with tagged fields; the client id is never compact, and an ApiVersions response never has
 * tagged fields in its header, so that a client can read it before it knows what the node speaks.
 *
 * @module
 */
import type { AnyApi } from "./api.ts";
import { type ByteReader, type ByteWriter, ProtocolError } from "./wire.ts";

const API_VERSIONS_KEY = 18;
const LONGEST_CLIENT_ID = 32767;

/** What a header's form depends on. Every API has it. */
export type HeaderRules = Pick<AnyApi, "key" | "isFlexible">;

/** APIs at the index of their key, holes where there is none. */
export type ApiTable = readonly (AnyApi | undefined)[];

/** Makes an {@linkcode ApiTable}. */
export function apiTable(apis: Iterable<AnyApi>): ApiTable {
  const table: (AnyApi | undefined)[] = [];
  for (const api of apis) {
    while (table.length < api.key) table.push(undefined);
    table[api.key] = api;
  }
  return table;
}

/** A decoded request header. */
export interface RequestHeader {
  readonly apiKey: number;
  readonly apiVersion: number;
  /** Comes back with the response. */
  readonly correlationId: number;
  readonly clientId: string | null;
  /** The API of that key, or undefined when the table has none: then the body cannot be told. */
  readonly api: AnyApi | undefined;
}

/**
 * Reads a request header of version 1 or 2 and leaves the reader at the body. Which of the two it
 * is follows from the API and its version, also for versions that we do not serve; for an unknown
 * API the reader is left after the client id.
 */
export function readRequestHeader(reader: ByteReader, apis: ApiTable): RequestHeader {
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
        throw new ProtocolError(`The client id has ${length} bytes, ${LONGEST_CLIENT_ID} is most`);
      }
      writer.int16(length);
    });
  }
  if (api.isFlexible(apiVersion)) writer.uvarint(0);
}

/**
 * Reads a response header of version 0 or 1, leaves the reader at the body and returns the
 * correlation id. A client that has yet to find out which request is answered looks first with
 * {@linkcode peekCorrelationId}.
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

/** The correlation id of the response that begins where the reader stands; the reader stays. */
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

/** No header has a tagged field that we know, so all of them are passed over. */
function skipTaggedFields(reader: ByteReader): void {
  const count = reader.uvarint();
  for (let i = 0; i < count; i++) {
    reader.uvarint();
    reader.skip(reader.uvarint());
  }
}
