import { assert, assertEquals } from "@std/assert";
import { SUPPORTED } from "../../../src/broker/supported.ts";
import type { Api } from "../../../src/protocol/api.ts";
import { ErrorCode } from "../../../src/protocol/errors.ts";
import { startFrame } from "../../../src/protocol/frame.ts";
import { apiTable, writeRequestHeader, writeResponseHeader } from "../../../src/protocol/header.ts";
import { apiVersions } from "../../../src/protocol/messages/api_versions.ts";
import { fetch } from "../../../src/protocol/messages/fetch.ts";
import { heartbeat } from "../../../src/protocol/messages/heartbeat.ts";
import { metadata } from "../../../src/protocol/messages/metadata.ts";
import { offsetFetch } from "../../../src/protocol/messages/offset_fetch.ts";
import { produce } from "../../../src/protocol/messages/produce.ts";
import { ByteWriter } from "../../../src/protocol/wire.ts";
import { Xoshiro128 } from "../../../src/simulator/xoshiro.ts";
import { test } from "../../harness.ts";
import { ConnectionTranscript } from "./connection_transcript.ts";

const APIS = apiTable(SUPPORTED.map(({ api }) => api));

function framed(write: (writer: ByteWriter) => void): Uint8Array {
  const writer = new ByteWriter();
  const start = startFrame(writer);
  write(writer);
  writer.patchInt32(start, writer.totalLength - 4);
  return writer.toBytes();
}

function request<QO, QI, RO, RI>(
  api: Api<QO, QI, RO, RI>,
  version: number,
  correlationId: number,
  body: QI,
): Uint8Array {
  return framed((writer) => {
    writeRequestHeader(writer, api, version, correlationId, "tester");
    api.requestCodec(version).write(writer, body);
  });
}

function response<QO, QI, RO, RI>(
  api: Api<QO, QI, RO, RI>,
  version: number,
  correlationId: number,
  body: RI,
): Uint8Array {
  return framed((writer) => {
    writeResponseHeader(writer, api, version, correlationId);
    api.responseCodec(version).write(writer, body);
  });
}

function produced(errorCodes: readonly number[]) {
  return {
    responses: [{
      name: "events",
      partitionResponses: errorCodes.map((errorCode, index) => ({
        index,
        errorCode,
        baseOffset: 0,
        logAppendTimeMs: -1,
        logStartOffset: 0,
      })),
    }],
  };
}

const PRODUCE = {
  acks: -1,
  timeoutMs: 1_000,
  topicData: [{
    name: "events",
    partitionData: [0, 3].map((index) => ({ index, records: new Uint8Array(70) })),
  }],
};

test("ConnectionTranscript names the API, version, client and topic-partitions of requests", () => {
  const transcript = new ConnectionTranscript(APIS);
  assertEquals(transcript.request(request(produce, 9, 7, PRODUCE)), [
    "Produce v9 #7 by tester: events-0, events-3",
  ]);
  const group = { groups: [{ groupId: "readers", topics: null }] };
  assertEquals(transcript.request(request(offsetFetch, 8, 8, group)), [
    "OffsetFetch v8 #8 by tester: readers",
  ]);
  const many = {
    maxWaitMs: 0,
    minBytes: 0,
    topics: [{
      topic: "events",
      partitions: Array.from({ length: 9 }, (_, partition) => ({
        partition,
        fetchOffset: 5,
        partitionMaxBytes: 1_000,
      })),
    }],
  };
  assertEquals(transcript.request(request(fetch, 11, 9, many)), [
    "Fetch v11 #9 by tester: events-0, events-1, events-2, events-3 and 5 more",
  ]);
});

test("ConnectionTranscript names the errors of responses, by partition", () => {
  const transcript = new ConnectionTranscript(APIS);
  for (const id of [1, 2, 3, 4]) transcript.request(request(produce, 9, id, PRODUCE));
  assertEquals(transcript.response(response(produce, 9, 2, produced([0, 0]))), [
    "Produce v9 #2 response: NONE",
  ]);
  const failed = produced([0, ErrorCode.NOT_LEADER_OR_FOLLOWER, 9_999]);
  assertEquals(transcript.response(response(produce, 9, 1, failed)), [
    "Produce v9 #1 response: events-1 NOT_LEADER_OR_FOLLOWER, events-2 error 9999",
  ]);
  transcript.request(
    request(heartbeat, 4, 5, { groupId: "readers", generationId: 1, memberId: "m" }),
  );
  const rebalance = { errorCode: ErrorCode.REBALANCE_IN_PROGRESS };
  assertEquals(transcript.response(response(heartbeat, 4, 5, rebalance)), [
    "Heartbeat v4 #5 response: REBALANCE_IN_PROGRESS",
  ]);
});

test("ConnectionTranscript names topics of which it has seen the ids", () => {
  const transcript = new ConnectionTranscript(APIS);
  const topicId = "VPHMXgtSRaOzL2hrVOdoxw";
  const fetched = {
    maxWaitMs: 0,
    minBytes: 0,
    topics: [{
      topicId,
      partitions: [{ partition: 1, fetchOffset: 0, partitionMaxBytes: 1_000 }],
    }],
  };
  assertEquals(transcript.request(request(fetch, 13, 1, fetched)), [
    `Fetch v13 #1 by tester: ${topicId}-1`,
  ]);
  transcript.request(request(metadata, 12, 2, { topics: null }));
  const described = {
    brokers: [],
    topics: [{ errorCode: 0, name: "events", topicId, partitions: [] }],
  };
  assertEquals(transcript.response(response(metadata, 12, 2, described)), [
    "Metadata v12 #2 response: NONE",
  ]);
  assertEquals(transcript.request(request(fetch, 13, 3, fetched)), [
    "Fetch v13 #3 by tester: events-1",
  ]);
});

test("ConnectionTranscript decodes messages however they are cut", () => {
  const bytes = [1, 2, 3].map((id) => request(produce, 9, id, PRODUCE));
  const all = new Uint8Array(bytes.flatMap((frame) => [...frame]));
  const expected = [1, 2, 3].map((id) => `Produce v9 #${id} by tester: events-0, events-3`);
  for (let seed = 0; seed < 50; seed++) {
    const random = new Xoshiro128(seed);
    const transcript = new ConnectionTranscript(APIS);
    const found: string[] = [];
    for (let at = 0; at < all.length;) {
      const end = Math.min(all.length, at + random.between(1, 90));
      found.push(...transcript.request(all.subarray(at, end)));
      at = end;
    }
    assertEquals(found, expected);
  }
});

test("ConnectionTranscript decodes the response to a version that is not supported", () => {
  const transcript = new ConnectionTranscript(APIS);
  const asked = framed((writer) => {
    writer.int16(apiVersions.key);
    writer.int16(99);
    writer.int32(1);
    writer.int16(-1);
    writer.uvarint(0);
  });
  assertEquals(transcript.request(asked), [
    "ApiVersions v99 #1, a version that is not supported",
  ]);
  const answer = { errorCode: ErrorCode.UNSUPPORTED_VERSION, apiKeys: [] };
  assertEquals(transcript.response(response(apiVersions, 0, 1, answer)), [
    "ApiVersions v99 #1 response: UNSUPPORTED_VERSION",
  ]);
});

test("ConnectionTranscript reports undecodable messages and decodes the next ones", () => {
  const transcript = new ConnectionTranscript(APIS);
  const unknown = framed((writer) => {
    writer.int16(999);
    writer.int16(3);
    writer.int32(4);
    writer.int16(-1);
  });
  assertEquals(transcript.request(unknown), ["API 999 v3 #4"]);
  assertEquals(transcript.response(response(produce, 9, 77, produced([0]))), [
    "a response to #77, which was not asked",
  ]);
  const cut = request(produce, 9, 5, PRODUCE).subarray(4, 30);
  const [line] = transcript.request(framed((writer) => writer.raw(cut)));
  assert(line!.startsWith("26 bytes that cannot be decoded: "), line);
  assertEquals(transcript.request(request(produce, 9, 6, PRODUCE)).length, 1);
  assertEquals(transcript.request(new TextEncoder().encode("\xffGET / HTTP/1.1")), [
    "bytes that are no frame",
  ]);
  assertEquals(transcript.request(request(produce, 9, 7, PRODUCE)), []);
});

test("ConnectionTranscript never throws, whatever the bytes are", () => {
  let undecodable = 0;
  for (let seed = 0; seed < 2_000; seed++) {
    const random = new Xoshiro128(seed);
    const transcript = new ConnectionTranscript(APIS);
    const valid = request(produce, 9, 1, PRODUCE);
    for (let flips = random.below(6); flips >= 0; flips--) {
      valid[random.below(valid.length)]! ^= 1 << random.below(8);
    }
    const noise = random.fill(new Uint8Array(random.below(200)));
    const found = [
      ...transcript.request(valid),
      ...transcript.request(noise),
      ...transcript.response(random.oneIn(2) ? noise : valid),
    ];
    if (found.some((line) => /cannot be decoded|no frame/.test(line))) undecodable++;
  }
  assert(undecodable > 200, `${undecodable} were found undecodable`);
});
