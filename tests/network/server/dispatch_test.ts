import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { SUPPORTED } from "../../../src/broker/supported.ts";
import { startFrame } from "../../../src/protocol/frame.ts";
import { writeRequestHeader } from "../../../src/protocol/header.ts";
import { apiVersions } from "../../../src/protocol/messages/api_versions.ts";
import { deleteGroups } from "../../../src/protocol/messages/delete_groups.ts";
import { fetch } from "../../../src/protocol/messages/fetch.ts";
import { listOffsets } from "../../../src/protocol/messages/list_offsets.ts";
import { metadata } from "../../../src/protocol/messages/metadata.ts";
import { produce } from "../../../src/protocol/messages/produce.ts";
import { ByteWriter } from "../../../src/protocol/wire.ts";
import { test } from "../../harness.ts";
import { batchOf, produceTo, withBroker } from "../../broker/fixture.ts";
import type { RawClient } from "../../broker/raw_client.ts";

/** A request header of this version and a body of zeros. */
function frameOf(apiKey: number, apiVersion: number): Uint8Array {
  const frame = new Uint8Array(4 + 60);
  const view = new DataView(frame.buffer);
  view.setInt32(0, 60);
  view.setInt16(4, apiKey);
  view.setInt16(6, apiVersion);
  view.setInt32(8, 1);
  // No client id.
  view.setInt16(12, -1);
  return frame;
}

test("a request version below the lowest served closes the connection", () =>
  withBroker(async ({ connect, createTopic, messages }) => {
    await createTopic({ name: "events" });
    await produceTo(await connect(), "events", 0, batchOf(["kept"]));
    // A broker that does not answer the frame would answer what follows it.
    const assertEnds = async (client: RawClient, frame: Uint8Array, what: string) => {
      const next = client.frame(apiVersions, 0, {});
      await client.sendBytes(Uint8Array.from([...frame, ...next]));
      assertEquals([what, await client.nextFrame()], [what, null]);
      assertStringIncludes(messages.at(-1)!.message, "is not served here", what);
    };
    let tried = 0;
    for (const { api } of SUPPORTED) {
      for (let version = 0; version < api.minVersion; version++) {
        await assertEnds(await connect(), frameOf(api.key, version), `${api.name} ${version}`);
        tried++;
      }
    }
    assert(tried > 10);
    // Also well-formed requests, which a broker could answer.
    const partitionData = [{ index: 0, records: batchOf(["refused"]) }];
    const bodies: ((client: RawClient) => Uint8Array)[] = [
      (client) =>
        client.frame(produce, 2, {
          acks: 1,
          timeoutMs: 1_000,
          topicData: [{ name: "events", partitionData }],
        }),
      (client) =>
        client.frame(fetch, 3, {
          maxWaitMs: 0,
          minBytes: 0,
          topics: [{
            topic: "events",
            partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1_000 }],
          }],
        }),
      (client) =>
        client.frame(listOffsets, 0, {
          replicaId: -1,
          topics: [{ name: "events", partitions: [{ partitionIndex: 0, timestamp: -1 }] }],
        }),
    ];
    for (const [i, make] of bodies.entries()) {
      const client = await connect();
      await assertEnds(client, make(client), `body ${i}`);
    }
    const last = await produceTo(await connect(), "events", 0, batchOf(["next"]));
    assertEquals(last.baseOffset, 1);
  }));

test("a request with too many values closes the connection", () =>
  withBroker(async ({ client, connect, messages }) => {
    const topics = (count: number) => ({
      topics: Array.from({ length: count }, (_, i) => ({ name: `topic-${i}` })),
      allowAutoTopicCreation: false,
    });
    // As many as a client asks for that writes to every topic of a large cluster.
    const { topics: answered } = await client.request(metadata, 12, topics(20_000));
    assertEquals(answered.length, 20_000);
    await client.send(metadata, 12, topics(100_000));
    assertEquals(await client.nextFrame(), null);
    assertStringIncludes(messages.at(-1)!.message, "hold too many values");

    // Elements of one byte, a text of 32 KB for each KB, and unknown fields.
    const bodies: ((writer: ByteWriter) => void)[] = [
      (writer) => {
        writer.uvarint(3_000_001);
        for (let i = 0; i < 3_000_000; i++) writer.uvarint(1);
      },
      (writer) => {
        writer.uvarint(2_001);
        for (let i = 0; i < 2_000; i++) {
          writer.uvarint(32_001);
          writer.raw(new Uint8Array(32_000).fill(0xc3));
        }
      },
      (writer) => {
        writer.uvarint(1);
        writer.uvarint(100_000);
        for (let i = 0; i < 100_000; i++) {
          writer.uvarint(i);
          writer.uvarint(0);
        }
      },
    ];
    for (const [index, write] of bodies.entries()) {
      const hostile = await connect();
      // DeleteGroups version 2: an array of texts, then tagged fields.
      const writer = new ByteWriter();
      const start = startFrame(writer);
      writeRequestHeader(writer, deleteGroups, 2, 1, null);
      write(writer);
      writer.patchInt32(start, writer.totalLength - 4);
      await hostile.sendBytes(writer.toBytes());
      assertEquals([index, await hostile.nextFrame()], [index, null]);
      assert(/too many values|too much memory/.test(messages.at(-1)!.message), `${index}`);
    }
  }));
