/**
 * Declares an API (a request and its response) or a record type of one of Kafka's internal topics.
 * Every file in `messages/` is one call of {@linkcode defineApi}.
 *
 * @module
 */
import { type Codec, codecOf, type Decoded, type Encodable, type Struct } from "./schema.ts";
import { includes, parseVersions } from "./versions.ts";

/** The declaration of an API's name and versions. */
export interface ApiVersionsDefinition {
  readonly key: number;
  /** The name in Kafka's schemas, without "Request": `"Produce"`. */
  readonly name: string;
  /** The versions that Apache Kafka 4.4 serves, all of which are supported here. */
  readonly versions: string;
  /** The versions with compact lengths and tagged fields. */
  readonly flexible: string;
}

/** The declaration of an API. */
interface ApiDefinition<Request, Response> extends ApiVersionsDefinition {
  readonly request: Request;
  readonly response: Response;
}

/** The name and the versions of an API: what an answer of ApiVersions and the headers depend on. */
export interface ApiSummary {
  readonly key: number;
  readonly name: string;
  readonly minVersion: number;
  readonly maxVersion: number;
  /** Whether `version` uses compact lengths, tagged fields and the matching headers. */
  isFlexible(version: number): boolean;
}

/** A request and its response, in every supported version. */
export interface Api<RequestOut, RequestIn, ResponseOut, ResponseIn> extends ApiSummary {
  readonly request: Struct<RequestOut, RequestIn>;
  readonly response: Struct<ResponseOut, ResponseIn>;
  requestCodec(version: number): Codec<RequestOut, RequestIn>;
  responseCodec(version: number): Codec<ResponseOut, ResponseIn>;
}

/** Any API, whatever its request and response. */
export type AnyApi = Api<unknown, never, unknown, never>;

/** A decoded request of an API. */
export type RequestOf<A> = A extends Api<infer Out, infer _I, infer _O, infer _R> ? Out : never;
/** A request as accepted by its encoder. */
export type RequestInputOf<A> = A extends Api<infer _Q, infer In, infer _O, infer _R> ? In : never;
/** A decoded response. */
export type ResponseOf<A> = A extends Api<infer _Q, infer _I, infer Out, infer _R> ? Out : never;
/** A response as accepted by its encoder. */
export type ResponseInputOf<A> = A extends Api<infer _Q, infer _I, infer _O, infer In> ? In : never;

/** Declares the name and the versions of an API. */
export function summarizeApi(
  { key, name, versions, flexible }: ApiVersionsDefinition,
): ApiSummary {
  const { first, last } = parseVersions(versions);
  const flexibleVersions = parseVersions(flexible);
  return {
    key,
    name,
    minVersion: first,
    maxVersion: last,
    isFlexible: (version) => includes(flexibleVersions, version),
  };
}

/** Declares an API. */
export function defineApi<RequestOut, RequestIn, ResponseOut, ResponseIn>(
  definition: ApiDefinition<Struct<RequestOut, RequestIn>, Struct<ResponseOut, ResponseIn>>,
): Api<RequestOut, RequestIn, ResponseOut, ResponseIn> {
  const { request, response } = definition;
  const summary = summarizeApi(definition);
  const { isFlexible } = summary;
  return {
    ...summary,
    request,
    response,
    requestCodec: (version) => codecOf(request, version, isFlexible(version)),
    responseCodec: (version) => codecOf(response, version, isFlexible(version)),
  };
}

/** A record type of `__cluster_metadata`, `__consumer_offsets` or `__transaction_state`. */
export interface RecordType<Out, In, Name extends string = string> {
  /** The type's number within its topic. */
  readonly type: number;
  readonly name: Name;
  readonly minVersion: number;
  readonly maxVersion: number;
  readonly fields: Struct<Out, In>;
  isFlexible(version: number): boolean;
  codec(version: number): Codec<Out, In>;
}

/** A decoded record of a type. */
export type RecordOf<R> = R extends RecordType<infer Out, infer _In> ? Out : never;

/** Declares a record type. */
export function defineRecord<Out, In, const Name extends string>(definition: {
  readonly type: number;
  readonly name: Name;
  readonly versions: string;
  readonly flexible: string;
  readonly fields: Struct<Out, In>;
}): RecordType<Out, In, Name> {
  const { type, name, fields } = definition;
  const { first, last } = parseVersions(definition.versions);
  const flexible = parseVersions(definition.flexible);
  const isFlexible = (version: number) => includes(flexible, version);
  return {
    type,
    name,
    minVersion: first,
    maxVersion: last,
    fields,
    isFlexible,
    codec: (version) => codecOf(fields, version, isFlexible(version)),
  };
}

/**
 * A record type of a coordinator's compacted topic: `__consumer_offsets`, `__transaction_state` or
 * `__share_group_state`. On disk the key begins with the record type and the value with the version
 * of the value, 16 bits each. Keys have only version 0, which is never flexible. A record without a
 * value deletes earlier records with the same key.
 */
export interface CoordinatorRecordType<KeyOut, KeyIn, ValueOut, ValueIn> {
  /** The type's number within its topic. */
  readonly type: number;
  readonly name: string;
  readonly key: RecordType<KeyOut, KeyIn>;
  readonly value: RecordType<ValueOut, ValueIn>;
}

/** Any coordinator record type, whatever its key and value. */
export type AnyCoordinatorRecordType = CoordinatorRecordType<unknown, never, unknown, never>;

/** A decoded key of a coordinator record. */
export type KeyOf<R> = R extends CoordinatorRecordType<infer Out, infer _K, infer _O, infer _I>
  ? Out
  : never;
/** A decoded value of a coordinator record. */
export type ValueOf<R> = R extends CoordinatorRecordType<infer _K, infer _I, infer Out, infer _V>
  ? Out
  : never;

/** Declares a coordinator record type. `versions` and `flexible` apply to the value. */
export function defineCoordinatorRecord<KeyOut, KeyIn, ValueOut, ValueIn>(definition: {
  readonly type: number;
  readonly name: string;
  readonly key: Struct<KeyOut, KeyIn>;
  readonly versions: string;
  readonly flexible: string;
  readonly value: Struct<ValueOut, ValueIn>;
}): CoordinatorRecordType<KeyOut, KeyIn, ValueOut, ValueIn> {
  const { type, name, versions, flexible } = definition;
  return {
    type,
    name,
    key: defineRecord({
      type,
      name: `${name}Key`,
      versions: "0",
      flexible: "none",
      fields: definition.key,
    }),
    value: defineRecord({
      type,
      name: `${name}Value`,
      versions,
      flexible,
      fields: definition.value,
    }),
  };
}

export type { Decoded, Encodable };
