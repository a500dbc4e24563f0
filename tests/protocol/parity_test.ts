/**
 * Compares the declared messages with Apache Kafka's schemas, read from the folder in the
 * environment variable KAFKA_SCHEMAS or from `../shared/reference/kafka-schemas-4.4` if it exists.
 *
 * Every message is compared version by version: fields in order, with type, nullability, tag and
 * default. Different notations of the same version range are equal.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import process from "node:process";
import { assertEquals } from "@std/assert";
import type { Field, Shape } from "../../src/protocol/schema.ts";
import { includes, parseVersions } from "../../src/protocol/versions.ts";
import { ZERO_UUID } from "../../src/protocol/uuid.ts";
import { test } from "../harness.ts";
import { allApis, allMessages } from "./all_messages.ts";

interface SchemaField {
  readonly name: string;
  readonly type: string;
  /** Defaults to the versions of the tag. */
  readonly versions?: string;
  readonly nullableVersions?: string;
  readonly taggedVersions?: string;
  readonly tag?: number;
  readonly default?: string | number | boolean | null;
  readonly fields?: readonly SchemaField[];
}

interface Schema {
  readonly name: string;
  readonly apiKey?: number;
  readonly validVersions: string;
  readonly flexibleVersions: string;
  readonly latestVersionUnstable?: boolean;
  readonly fields: readonly SchemaField[];
  readonly commonStructs?: readonly SchemaField[];
}

type CommonStructs = ReadonlyMap<string, readonly SchemaField[]>;

/** A field in one version, in a form common to both sides. */
interface Plain {
  readonly name: string;
  readonly type: string;
  readonly nullable: boolean;
  readonly tag: number | null;
  readonly default: unknown;
  readonly fields: readonly Plain[] | null;
}

const folder = process.env.KAFKA_SCHEMAS ?? "../shared/reference/kafka-schemas-4.4";
const MESSAGES = "src/protocol/messages";

test("every message matches Kafka's schema", () => {
  if (!existsSync(folder)) {
    process.stdout.write(`No schemas in ${folder}: set KAFKA_SCHEMAS to compare with them\n`);
    return;
  }
  const schemas = loadSchemas();
  // The flag is set in the request's schema and applies to the response too.
  const unstable = new Set(
    [...schemas.values()].filter((schema) => schema.latestVersionUnstable).map((schema) =>
      schema.name.replace(/Request$/, "")
    ),
  );
  for (const message of allMessages) {
    const schema = schemas.get(message.name);
    if (schema === undefined) throw new Error(`No schema is called ${message.name}`);
    const { first, last } = parseVersions(schema.validVersions);
    const stableLast = unstable.has(message.name.replace(/Request$|Response$/, ""))
      ? last - 1
      : last;
    assertEquals([message.minVersion, message.maxVersion], [first, stableLast], message.name);
    assertEquals(message.key, schema.apiKey ?? null, message.name);
    const common = new Map(schema.commonStructs?.map(({ name, fields }) => [name, fields!]));
    for (let version = first; version <= stableLast; version++) {
      const isFlexible = includes(schema.flexibleVersions, version);
      const where = `${message.name} ${version}`;
      assertEquals(message.isFlexible(version), isFlexible, where);
      assertEquals(
        declaredFields(message.fields.shape.fields, version),
        kafkaFields(schema.fields, version, common),
        where,
      );
    }
  }
});

test("the schemas of request and response have equal versions and flexible versions", () => {
  if (!existsSync(folder)) return;
  const schemas = loadSchemas();
  for (const { name } of allApis) {
    const request = schemas.get(`${name}Request`)!;
    const response = schemas.get(`${name}Response`)!;
    assertEquals(response.validVersions, request.validVersions, name);
    assertEquals(response.flexibleVersions, request.flexibleVersions, name);
  }
});

test("the list of messages contains every file", () => {
  if (!existsSync(MESSAGES)) return;
  const embedded = ["consumer_protocol.ts", "default_principal_data.ts"];
  const files = readdirSync(MESSAGES).filter((file) => !embedded.includes(file));
  const expected = allApis.map(({ name }) => `${snakeCase(name)}.ts`);
  assertEquals(expected.sort(), files.sort());
});

test("the list of messages contains every record of Kafka's internal topics", () => {
  const declared = new Set(allMessages.map(({ name }) => name));
  for (const topic of ["metadata", "group", "transaction", "share"]) {
    const records = `${folder}/${topic}-records`;
    if (!existsSync(records)) continue;
    for (const file of readdirSync(records)) {
      const { name } = JSON.parse(readFileSync(`${records}/${file}`, "utf8")) as Schema;
      assertEquals(declared.has(name), true, name);
    }
  }
});

function snakeCase(name: string): string {
  return name.replace(/(?<=.)[A-Z]/g, (letter) => `_${letter}`).toLowerCase();
}

function camelCase(name: string): string {
  return name[0]!.toLowerCase() + name.slice(1);
}

function loadSchemas(): Map<string, Schema> {
  const schemas = new Map<string, Schema>();
  for (const part of readdirSync(folder, { withFileTypes: true })) {
    if (!part.isDirectory()) continue;
    for (const file of readdirSync(`${folder}/${part.name}`)) {
      const schema = JSON.parse(readFileSync(`${folder}/${part.name}/${file}`, "utf8")) as Schema;
      schemas.set(schema.name, schema);
    }
  }
  return schemas;
}

function declaredFields(
  fields: Readonly<Record<string, Field<unknown, unknown, boolean>>>,
  version: number,
): Plain[] {
  return Object.entries(fields)
    .filter(([, { options }]) =>
      options.versions === undefined || includes(options.versions, version)
    )
    .map(([name, { shape, options }]) => ({
      name,
      type: typeOf(shape),
      nullable: includes(options.nullable ?? "none", version),
      tag: includes(options.tagged ?? "none", version) ? options.tag! : null,
      default: options.default === undefined ? zeroOf(typeOf(shape)) : options.default,
      fields: fieldsOf(shape, version),
    }));
}

function typeOf(shape: Shape): string {
  if (shape.kind === "array") return `[]${typeOf(shape.element)}`;
  return shape.kind === "bigint64" || shape.kind === "exactInt64" ? "int64" : shape.kind;
}

function fieldsOf(shape: Shape, version: number): Plain[] | null {
  if (shape.kind === "array") return fieldsOf(shape.element, version);
  return shape.kind === "struct" ? declaredFields(shape.fields, version) : null;
}

function kafkaFields(
  fields: readonly SchemaField[],
  version: number,
  common: CommonStructs,
): Plain[] {
  return fields
    .filter(({ versions, taggedVersions }) => includes((versions ?? taggedVersions)!, version))
    .map((field) => {
      const element = field.type.replace(/^\[\]/, "");
      // Type names that begin with a capital letter are structs.
      const isStruct = /^[A-Z]/.test(element);
      const type = isStruct ? field.type.replace(element, "struct") : field.type;
      const inner = field.fields ?? common.get(element);
      if (isStruct && inner === undefined) throw new Error(`${field.name} has no fields`);
      return {
        name: camelCase(field.name),
        type,
        nullable: includes(field.nullableVersions ?? "none", version),
        tag: includes(field.taggedVersions ?? "none", version) ? field.tag! : null,
        default: defaultOf(field, type),
        fields: isStruct ? kafkaFields(inner!, version, common) : null,
      };
    });
}

function zeroOf(type: string): unknown {
  if (type.startsWith("[]")) return "[]";
  switch (type) {
    case "bool":
      return false;
    case "string":
      return "";
    case "uuid":
      return ZERO_UUID;
    case "bytes":
    case "records":
      return "no bytes";
    case "struct":
      return "defaults";
    default:
      return 0;
  }
}

function defaultOf(field: SchemaField, type: string): unknown {
  const declared = field.default;
  // A JSON null is not a default; the string "null" is.
  if (declared === undefined || declared === null || (declared === "" && type !== "string")) {
    return zeroOf(type);
  }
  if (declared === "null") return null;
  if (type === "string") return declared;
  if (type === "bool") return String(declared).toLowerCase() === "true";
  return Number.isSafeInteger(Number(declared)) ? Number(declared) : BigInt(declared);
}
