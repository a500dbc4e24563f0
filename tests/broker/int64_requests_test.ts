/**
 * 64-bit values beyond 2^53 in requests. The answers expected here are those of Apache Kafka 4.4.0.
 */
import { assert, assertEquals } from "@std/assert";
import { SUPPORTED } from "../../src/broker/supported.ts";
import { ErrorCode } from "../../src/protocol/errors.ts";
import { MAX_INT64, MIN_INT64 } from "../../src/protocol/int64.ts";
import { startFrame } from "../../src/protocol/frame.ts";
import { writeRequestHeader } from "../../src/protocol/header.ts";
import { deleteRecords } from "../../src/protocol/messages/delete_records.ts";
import { fetch } from "../../src/protocol/messages/fetch.ts";
import { initProducerId } from "../../src/protocol/messages/init_producer_id.ts";
import { listOffsets } from "../../src/protocol/messages/list_offsets.ts";
import { offsetCommit } from "../../src/protocol/messages/offset_commit.ts";
import { offsetFetch } from "../../src/protocol/messages/offset_fetch.ts";
import type { AnyApi, Api } from "../../src/protocol/api.ts";
import type { Int64 } from "../../src/protocol/int64.ts";
import { BASE_OFFSET_OFFSET, encodeBatch } from "../../src/protocol/records/batch.ts";
import { ByteWriter } from "../../src/protocol/wire.ts";
import { test } from "../harness.ts";
import { EXTREME_INT64S } from "../protocol/extreme_int64s.ts";
import { encodeWithInt64, type Int64Field, int64FieldsOf } from "../protocol/int64_fields.ts";
import { batchOf, fetchFrom, type Fixture, produceTo, withBroker } from "./fixture.ts";
import type { RawClient } from "./raw_client.ts";

const { NONE, INVALID_RECORD, INVALID_TIMESTAMP, OFFSET_OUT_OF_RANGE, UNSUPPORTED_VERSION } =
  ErrorCode;
const UNBOUNDED = [{ name: "message.timestamp.after.max.ms", value: `${MAX_INT64}` }];
const START_MS = 1_700_000_000_000;
const START_NS = 1_700_000_000_000_000_000n;

/** Sends a request with `value` in `field`, which a typed client cannot, and returns the answer. */
async function askWith<RO>(
  client: RawClient,
  // deno-lint-ignore no-explicit-any
  api: Api<any, any, RO, any>,
  version: number,
  field: Int64Field,
  value: Int64,
  values: Readonly<Record<string, unknown>>,
): Promise<RO> {
  const codec = api.requestCodec(version) as never;
  const body = encodeWithInt64(
    { shape: api.request.shape, version, codec, values },
    field,
    value,
  );
  const writer = new ByteWriter();
  const start = startFrame(writer);
  writeRequestHeader(writer, api, version, 1, "raw");
  writer.raw(body);
  writer.patchInt32(start, writer.totalLength - 4);
  await client.sendBytes(writer.toBytes());
  return await client.answer(api, version);
}

/** Creates a request about partition 0 of "events" that is answered at once. */
function aboutEvents(topicId: string): Readonly<Record<string, unknown>> {
  return {
    topic: "events",
    name: "events",
    topicId,
    groupId: "readers",
    transactionalId: null,
    groupInstanceId: null,
    generationIdOrMemberEpoch: -1,
    currentLeaderEpoch: -1,
    lastFetchedEpoch: -1,
    replicaId: -1,
    forgottenTopicsData: [],
  };
}

test("no 64-bit value of any request closes the connection", () =>
  withBroker(async ({ client, createTopic }) => {
    const topicId = await createTopic({ name: "events" });
    let asked = 0;
    for (const api of SUPPORTED.map((handler) => handler.api) as AnyApi[]) {
      for (let version = api.minVersion; version <= api.maxVersion; version++) {
        for (const field of int64FieldsOf(api.request.shape, version)) {
          for (const value of EXTREME_INT64S) {
            await askWith(client, api, version, field, value, aboutEvents(topicId));
            asked++;
          }
        }
      }
    }
    assert(asked > 1_000, `${asked} requests`);
  }));

test("Fetch answers OFFSET_OUT_OF_RANGE for every offset outside of the log", () =>
  withBroker(async ({ client, createTopic }) => {
    const topicId = await createTopic({ name: "events" });
    await produceTo(client, "events", 0, batchOf(["a"]));
    const field: Int64Field = {
      path: ["topics", 0, "partitions", 0, "fetchOffset"],
      kind: "int64",
    };
    for (const version of [4, 11, 12, 13, 18]) {
      for (const value of EXTREME_INT64S) {
        const answer = await askWith(client, fetch, version, field, value, aboutEvents(topicId));
        const [partition] = answer.responses[0]!.partitions;
        const isInside = value === 0 || value === 1;
        assertEquals(
          [partition!.errorCode, partition!.highWatermark],
          isInside ? [NONE, 1] : [OFFSET_OUT_OF_RANGE, -1],
          `${value} in version ${version}`,
        );
      }
    }
  }));

test("DeleteRecords answers OFFSET_OUT_OF_RANGE for every offset beyond the high watermark", () =>
  withBroker(async ({ client, createTopic }) => {
    const topicId = await createTopic({ name: "events" });
    await produceTo(client, "events", 0, batchOf(["a", "b"]));
    const field: Int64Field = { path: ["topics", 0, "partitions", 0, "offset"], kind: "int64" };
    for (const value of EXTREME_INT64S.filter((value) => value < -1 || value > 2)) {
      const answer = await askWith(client, deleteRecords, 2, field, value, aboutEvents(topicId));
      const [partition] = answer.topics[0]!.partitions;
      assertEquals([partition!.errorCode, partition!.lowWatermark], [OFFSET_OUT_OF_RANGE, -1]);
    }
    assertEquals((await fetchFrom(client, "events", 0, 0)).logStartOffset, 0);
  }));

test("OffsetCommit stores any offset, and OffsetFetch answers it unchanged", () =>
  withBroker(async ({ client, createTopic }) => {
    await createTopic({ name: "events" });
    for (const committedOffset of EXTREME_INT64S) {
      const { topics } = await client.request(offsetCommit, 8, {
        groupId: "readers",
        memberId: "",
        topics: [{
          name: "events",
          partitions: [{ partitionIndex: 0, committedOffset, committedMetadata: null }],
        }],
      });
      assertEquals(topics[0]!.partitions[0]!.errorCode, NONE);
      for (const version of [5, 7, 8]) {
        const asked = [{ name: "events", partitionIndexes: [0] }];
        const answer = await client.request(offsetFetch, version, {
          groupId: "readers",
          topics: asked,
          groups: [{ groupId: "readers", topics: asked }],
        });
        const found = (version < 8 ? answer : answer.groups[0]!).topics[0]!.partitions[0]!;
        assertEquals([found.errorCode, found.committedOffset], [NONE, committedOffset]);
      }
    }
  }));

async function look({ client }: Fixture, topic: string, timestamp: Int64, version = 11) {
  const { topics } = await client.request(listOffsets, version, {
    replicaId: -1,
    timeoutMs: 1_000,
    topics: [{ name: topic, partitions: [{ partitionIndex: 0, timestamp }] }],
  });
  const found = topics[0]!.partitions[0]!;
  return [found.errorCode, found.offset, found.timestamp];
}

function stamped(...timestamps: readonly Int64[]): Uint8Array {
  return encodeBatch(timestamps.map((timestamp) => ({ timestamp, value: new Uint8Array(3) })));
}

test("ListOffsets answers any timestamp, and special ones only in their versions", () =>
  withBroker(async (fixture) => {
    await fixture.createTopic({ name: "events" });
    await produceTo(fixture.client, "events", 0, stamped(100));
    for (let version = 1; version <= 11; version++) {
      for (const value of EXTREME_INT64S) {
        if (value === -1 || value === -2) continue;
        const expected = value < 0
          ? [UNSUPPORTED_VERSION, -1, -1]
          : value <= 100
          ? [NONE, 0, 100]
          : [NONE, -1, -1];
        assertEquals(await look(fixture, "events", value, version), expected, `${value}`);
      }
      assertEquals(
        await look(fixture, "events", -6, version),
        [version < 11 ? UNSUPPORTED_VERSION : NONE, -1, -1],
      );
    }
  }));

test("Produce answers INVALID_TIMESTAMP for nanoseconds, and stores them where the topic allows it", () =>
  withBroker(async (fixture) => {
    const { client, createTopic } = fixture;
    await createTopic({ name: "bounded" });
    await createTopic({ name: "unbounded", configs: UNBOUNDED });
    const timestamps = [START_NS, START_NS + 1n, MAX_INT64, 2n ** 53n + 1n];
    for (const [i, timestamp] of timestamps.entries()) {
      const refused = await produceTo(client, "bounded", 0, stamped(timestamp));
      assertEquals([refused.errorCode, refused.baseOffset], [INVALID_TIMESTAMP, -1]);
      const stored = await produceTo(client, "unbounded", 0, stamped(timestamp));
      assertEquals([stored.errorCode, stored.baseOffset, stored.logAppendTimeMs], [NONE, i, -1]);
    }
    const tooOld = await produceTo(client, "bounded", 0, stamped(MIN_INT64));
    assertEquals(tooOld.errorCode, INVALID_TIMESTAMP);
    assertEquals(await look(fixture, "unbounded", START_NS + 1n), [NONE, 1, START_NS + 1n]);
    assertEquals(await look(fixture, "unbounded", START_NS + 2n), [NONE, 2, MAX_INT64]);
    assertEquals(await look(fixture, "unbounded", -3), [NONE, 2, MAX_INT64]);
  }));

test("Produce answers any 64-bit value of a batch header", () =>
  withBroker(async ({ client, createTopic }) => {
    await createTopic({ name: "events" });
    for (const value of EXTREME_INT64S) {
      const baseOffset = stamped(START_MS);
      new DataView(baseOffset.buffer).setBigInt64(BASE_OFFSET_OFFSET, BigInt(value));
      const answered = await produceTo(client, "events", 0, baseOffset);
      assertEquals(answered.errorCode, value === 0 ? NONE : INVALID_RECORD, `${value}`);
      const record = { timestamp: START_MS, value: new Uint8Array(3) };
      const lying = encodeBatch([record], { maxTimestamp: value });
      assertEquals((await produceTo(client, "events", 0, lying)).errorCode, NONE);
      for (const baseSequence of [-1, 0]) {
        const owned = encodeBatch([record], { producerId: value, producerEpoch: 0, baseSequence });
        const { errorCode } = await produceTo(client, "events", 0, owned);
        assertEquals(errorCode, value >= 0 && baseSequence < 0 ? INVALID_RECORD : NONE, `${value}`);
      }
    }
  }));

test("InitProducerId answers any producer id that comes with an epoch", () =>
  withBroker(async ({ client }) => {
    for (const producerId of EXTREME_INT64S) {
      for (const producerEpoch of [-1, 5]) {
        const { errorCode } = await client.request(initProducerId, 5, {
          transactionalId: null,
          transactionTimeoutMs: 1_000,
          producerId,
          producerEpoch,
        });
        const isWhole = (producerId === -1) === (producerEpoch === -1);
        assertEquals(errorCode, isWhole ? NONE : ErrorCode.INVALID_REQUEST, `${producerId}`);
      }
    }
  }));
