/**
 * The cost of decoding and encoding requests and responses: `deno bench bench/codec_bench.ts`, with
 * `--filter Produce` for one API. Covers the oldest, the first flexible and the newest version of each
 * API, or every version with `-- --all-versions` at the end. The values are typical of a busy cluster: a
 * batch for each of four partitions, a metadata response about twenty topics.
 *
 * @module
 */
import type { AnyApi } from "../src/protocol/api.ts";
import { apiTable, readRequestHeader, writeRequestHeader } from "../src/protocol/header.ts";
import { apiVersions } from "../src/protocol/messages/api_versions.ts";
import { fetch } from "../src/protocol/messages/fetch.ts";
import { findCoordinator } from "../src/protocol/messages/find_coordinator.ts";
import { heartbeat } from "../src/protocol/messages/heartbeat.ts";
import { joinGroup } from "../src/protocol/messages/join_group.ts";
import { listOffsets } from "../src/protocol/messages/list_offsets.ts";
import { metadata } from "../src/protocol/messages/metadata.ts";
import { offsetCommit } from "../src/protocol/messages/offset_commit.ts";
import { offsetFetch } from "../src/protocol/messages/offset_fetch.ts";
import { produce } from "../src/protocol/messages/produce.ts";
import type { StructShape } from "../src/protocol/schema.ts";
import { includes } from "../src/protocol/versions.ts";
import { ByteReader, ByteWriter } from "../src/protocol/wire.ts";

const apis = [
  produce,
  fetch,
  metadata,
  listOffsets,
  offsetCommit,
  offsetFetch,
  findCoordinator,
  joinGroup,
  heartbeat,
  apiVersions,
] as unknown as AnyApi[];

/** Lengths of the arrays of each API, if not 1. */
const LENGTHS: Readonly<Record<string, number>> = {
  partitionData: 4,
  partitionResponses: 4,
  partitions: 4,
  topics: 1,
  brokers: 3,
  apiKeys: 60,
  members: 3,
  replicaNodes: 3,
  isrNodes: 3,
};

for (const api of apis) {
  for (const side of ["request", "response"] as const) {
    for (const version of versionsOf(api)) {
      const codec = side === "request" ? api.requestCodec(version) : api.responseCodec(version);
      const value = typical(api[side].shape, version, api.name);
      const writer = new ByteWriter(4096);
      codec.write(writer, value as never);
      const bytes = writer.toBytes();
      const name = `${api.name} ${side} v${version}`;
      const group = `${api.name} ${side}`;
      Deno.bench(`${name} decode`, { group }, () => {
        codec.read(new ByteReader(bytes));
      });
      Deno.bench(`${name} encode`, { group }, () => {
        writer.reset();
        codec.write(writer, value as never);
      });
    }
  }
}

const table = apiTable(apis);
for (const version of [7, 13]) {
  const writer = new ByteWriter();
  writeRequestHeader(writer, produce, version, 1, "producer-1");
  const bytes = writer.toBytes();
  Deno.bench(`request header v${version < 9 ? 1 : 2} decode`, { group: "request header" }, () => {
    readRequestHeader(new ByteReader(bytes), table);
  });
}

function versionsOf(api: AnyApi): number[] {
  const { minVersion, maxVersion } = api;
  const all = Array.from({ length: maxVersion - minVersion + 1 }, (_, i) => minVersion + i);
  if (Deno.args.includes("--all-versions")) return all;
  const firstFlexible = all.find((version) => api.isFlexible(version)) ?? maxVersion;
  return [...new Set([minVersion, firstFlexible, maxVersion])];
}

function typical(shape: StructShape, version: number, api: string): Record<string, unknown> {
  const out: Record<string, unknown> = {};
  for (const [name, { shape: inner, options }] of Object.entries(shape.fields)) {
    if (options.versions !== undefined && !includes(options.versions, version)) continue;
    // Tagged fields are for rare cases and usually absent.
    if (options.tag !== undefined) continue;
    switch (inner.kind) {
      case "string":
        out[name] = options.nullable === undefined ? `${api.toLowerCase()}-events` : null;
        if (out[name] === null && !includes(options.nullable!, version)) out[name] = "events";
        break;
      case "bytes":
        out[name] = new Uint8Array(64);
        break;
      case "records":
        out[name] = new Uint8Array(1024);
        break;
      case "bool":
        out[name] = false;
        break;
      case "uuid":
        out[name] = "AAAAAAAAAAAAAAAAAAAAQg";
        break;
      case "int64":
      case "exactInt64":
        out[name] = 1_700_000_000_000;
        break;
      case "struct":
        out[name] = typical(inner, version, api);
        break;
      case "array": {
        const length = api === "Metadata" && name === "topics" ? 20 : LENGTHS[name] ?? 1;
        const { element } = inner;
        out[name] = Array.from(
          { length },
          (_, i) =>
            element.kind === "struct"
              ? typical(element, version, api)
              : element.kind === "string"
              ? `${name}-${i}`
              : i,
        );
        break;
      }
      default:
        out[name] = 1;
    }
  }
  return out;
}
