import { assertEquals, assertThrows } from "@std/assert";
import type { AnyApi } from "../../src/protocol/api.ts";
import {
  apiTable,
  peekCorrelationId,
  readRequestHeader,
  readResponseHeader,
  writeRequestHeader,
  writeResponseHeader,
} from "../../src/protocol/header.ts";
import { apiVersions } from "../../src/protocol/messages/api_versions.ts";
import { fetch } from "../../src/protocol/messages/fetch.ts";
import { metadata } from "../../src/protocol/messages/metadata.ts";
import { offsetDelete } from "../../src/protocol/messages/offset_delete.ts";
import { ByteReader, ByteWriter, ProtocolError } from "../../src/protocol/wire.ts";
import { test } from "../harness.ts";

const apis = [apiVersions, fetch, metadata, offsetDelete] as unknown as AnyApi[];
const table = apiTable(apis);

test("readRequestHeader() returns what writeRequestHeader() wrote, for every API version", () => {
  for (const api of apis) {
    for (let version = 0; version <= api.maxVersion + 1; version++) {
      for (const clientId of [null, "", "rdkafka", "å🦉".repeat(50)]) {
        const writer = new ByteWriter();
        writeRequestHeader(writer, api, version, -7, clientId);
        writer.int8(42);
        const reader = new ByteReader(writer.toBytes());
        const { api: found, ...header } = readRequestHeader(reader, table);
        assertEquals(header, { apiKey: api.key, apiVersion: version, correlationId: -7, clientId });
        assertEquals(found === api, true);
        assertEquals(reader.int8(), 42);
      }
    }
  }
});

test("writeRequestHeader() never writes a compact client id", () => {
  const writer = new ByteWriter();
  writeRequestHeader(writer, metadata, 12, 1, "ab");
  assertEquals([...writer.toBytes()], [0, 3, 0, 12, 0, 0, 0, 1, 0, 2, 97, 98, 0]);
});

test("readRequestHeader() stops after the client id of an unknown API", () => {
  for (const key of [-1, 2, 999, 32767]) {
    const writer = new ByteWriter();
    writer.int16(key);
    writer.int16(3);
    writer.int32(11);
    writer.int16(-1);
    writer.int8(42);
    const reader = new ByteReader(writer.toBytes());
    const header = readRequestHeader(reader, table);
    assertEquals(header, {
      apiKey: key,
      apiVersion: 3,
      correlationId: 11,
      clientId: null,
      api: undefined,
    });
    assertEquals(reader.int8(), 42);
  }
});

test("readRequestHeader() skips tagged fields", () => {
  const writer = new ByteWriter();
  writeRequestHeader(writer, fetch, 12, 5, null);
  const bytes = [...writer.toBytes().slice(0, -1), 2, 0, 3, 1, 1, 1, 200, 1, 0, 42];
  const reader = new ByteReader(Uint8Array.from(bytes));
  assertEquals(readRequestHeader(reader, table).correlationId, 5);
  assertEquals(reader.int8(), 42);

  const response = new ByteReader(Uint8Array.of(0, 0, 0, 9, 1, 7, 2, 0, 0, 42));
  assertEquals(peekCorrelationId(response), 9);
  assertEquals(readResponseHeader(response, fetch, 12), 9);
  assertEquals(response.int8(), 42);
});

test("response headers have tagged fields in flexible versions, except for ApiVersions", () => {
  for (const api of apis) {
    for (let version = api.minVersion; version <= api.maxVersion; version++) {
      const writer = new ByteWriter();
      writeResponseHeader(writer, api, version, 123456789);
      const isFlexible = api.key !== 18 && api.isFlexible(version);
      assertEquals(writer.length, isFlexible ? 5 : 4, `${api.name} ${version}`);
      const reader = new ByteReader(writer.toBytes());
      assertEquals(readResponseHeader(reader, api, version), 123456789);
      assertEquals(reader.remaining, 0);
    }
  }
});

test("headers that are truncated or have a bad length throw a ProtocolError", () => {
  const writer = new ByteWriter();
  writeRequestHeader(writer, fetch, 12, 5, "client");
  const bytes = writer.toBytes();
  for (let length = 0; length < bytes.length; length++) {
    const reader = new ByteReader(bytes.subarray(0, length));
    assertThrows(() => readRequestHeader(reader, table), ProtocolError);
  }
  const negative = Uint8Array.of(0, 3, 0, 0, 0, 0, 0, 1, 255, 254);
  assertThrows(
    () => readRequestHeader(new ByteReader(negative), table),
    ProtocolError,
    "The client id cannot have -2 bytes",
  );
  const tags = Uint8Array.of(0, 1, 0, 12, 0, 0, 0, 1, 255, 255, 255, 255, 255, 255, 15, 0, 0);
  assertThrows(() => readRequestHeader(new ByteReader(tags), table), ProtocolError);
  assertThrows(
    () => writeRequestHeader(new ByteWriter(), fetch, 12, 5, "x".repeat(32768)),
    ProtocolError,
    "The client id has 32768 bytes",
  );
});
