import { assertEquals } from "@std/assert";
import { offsetFetchHandler } from "../../../src/broker/handlers/offset_fetch.ts";
import { ErrorCode } from "../../../src/protocol/errors.ts";
import { offsetFetch } from "../../../src/protocol/messages/offset_fetch.ts";
import { test } from "../../harness.ts";
import { EVENTS_ID, GroupNode, NO_TOPIC_ID, versionsOf } from "./group_requests.ts";

async function nodeWithOffsets(): Promise<GroupNode> {
  const node = new GroupNode();
  for (const [groupId, offset] of [["g", 42], ["h", 7]] as const) {
    await node.groups.commitOffsets({
      groupId,
      memberId: "",
      groupInstanceId: null,
      generationId: -1,
      unknownGroupError: ErrorCode.GROUP_ID_NOT_FOUND,
      offsets: [{ topic: "events", partition: 1, offset, leaderEpoch: 3, metadata: "here" }],
    });
  }
  return node;
}

const NOTHING = { committedOffset: -1, committedLeaderEpoch: -1, metadata: "", errorCode: 0 };

function stored(committedOffset: number, version: number) {
  const committedLeaderEpoch = version >= 5 ? 3 : -1;
  return {
    partitionIndex: 1,
    committedOffset,
    committedLeaderEpoch,
    metadata: "here",
    errorCode: 0,
  };
}

test("OffsetFetch 1 to 7 returns the requested partitions of one group", async () => {
  const node = await nodeWithOffsets();
  for (const version of versionsOf(offsetFetch).filter((version) => version < 8)) {
    const topics = [
      { name: "events", partitionIndexes: [0, 1] },
      { name: "none", partitionIndexes: [5] },
    ];
    const answer = await node.ask(offsetFetch, offsetFetchHandler, version, {
      groupId: "g",
      topics,
      requireStable: true,
    });
    assertEquals(answer.errorCode, ErrorCode.NONE);
    assertEquals(answer.topics, [
      { name: "events", partitions: [{ partitionIndex: 0, ...NOTHING }, stored(42, version)] },
      { name: "none", partitions: [{ partitionIndex: 5, ...NOTHING }] },
    ]);
    const unknown = await node.ask(offsetFetch, offsetFetchHandler, version, {
      groupId: "unknown",
      topics: [{ name: "events", partitionIndexes: [1] }],
    });
    assertEquals(unknown.errorCode, ErrorCode.NONE);
    assertEquals(unknown.topics[0]?.partitions, [{ partitionIndex: 1, ...NOTHING }]);
  }
});

test("OffsetFetch 2 to 7 returns all committed offsets for null", async () => {
  const node = await nodeWithOffsets();
  for (const version of [2, 5, 6, 7]) {
    const ask = (groupId: string) =>
      node.ask(offsetFetch, offsetFetchHandler, version, { groupId, topics: null });
    assertEquals((await ask("g")).topics, [
      { name: "events", partitions: [stored(42, version)] },
    ]);
    assertEquals((await ask("unknown")).topics, []);
  }
});

test("OffsetFetch from version 8 returns several groups, with some or all partitions", async () => {
  const node = await nodeWithOffsets();
  for (const version of versionsOf(offsetFetch).filter((version) => version >= 8)) {
    const byId = version >= 10;
    const names = byId ? {} : { name: "events" };
    const { groups } = await node.ask(offsetFetch, offsetFetchHandler, version, {
      groups: [
        { groupId: "g", memberId: "m", memberEpoch: 4, topics: null },
        {
          groupId: "h",
          topics: [
            { name: "events", topicId: EVENTS_ID, partitionIndexes: [1, 0] },
            { name: "none", topicId: NO_TOPIC_ID, partitionIndexes: [1] },
          ],
        },
        { groupId: "unknown", topics: null },
      ],
      requireStable: true,
    });
    assertEquals(groups.map(({ groupId, errorCode }) => [groupId, errorCode]), [
      ["g", 0],
      ["h", 0],
      ["unknown", 0],
    ]);
    assertEquals(groups[0]?.topics.length, 1);
    assertEquals(groups[0]?.topics[0]?.partitions, [stored(42, version)]);
    assertEquals(groups[1]?.topics.map(({ partitions }) => partitions), [
      [stored(7, version), { partitionIndex: 0, ...NOTHING }],
      [{
        partitionIndex: 1,
        ...NOTHING,
        errorCode: byId ? ErrorCode.UNKNOWN_TOPIC_ID : ErrorCode.NONE,
      }],
    ]);
    for (const topic of [groups[0]!.topics[0]!, groups[1]!.topics[0]!]) {
      assertEquals(byId ? topic.topicId : topic.name, byId ? EVENTS_ID : names.name);
    }
    assertEquals(groups[2]?.topics, []);
  }
});

test("OffsetFetch for all topics omits deleted topics", async () => {
  const node = await nodeWithOffsets();
  node.topics.delete("events");
  const { groups } = await node.ask(offsetFetch, offsetFetchHandler, 10, {
    groups: [{ groupId: "g", topics: null }],
  });
  assertEquals(groups[0]?.topics, []);
});

test("OffsetFetch returns NOT_COORDINATOR during shutdown, in all versions", async () => {
  const node = await nodeWithOffsets();
  node.groups.shutdown();
  for (const version of versionsOf(offsetFetch)) {
    const answer = await node.ask(offsetFetch, offsetFetchHandler, version, {
      groupId: "g",
      topics: [{ name: "events", partitionIndexes: [1] }],
      groups: [{ groupId: "g", topics: null }],
    });
    const code = version === 1
      ? answer.topics[0]?.partitions[0]?.errorCode
      : version < 8
      ? answer.errorCode
      : answer.groups[0]?.errorCode;
    assertEquals(code, ErrorCode.NOT_COORDINATOR);
  }
});
