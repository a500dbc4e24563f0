import { assertEquals } from "@std/assert";
import { offsetCommitHandler } from "../../../src/broker/handlers/offset_commit.ts";
import { ErrorCode } from "../../../src/protocol/errors.ts";
import { offsetCommit } from "../../../src/protocol/messages/offset_commit.ts";
import { test } from "../../harness.ts";
import { EVENTS_ID, GroupNode, NO_TOPIC_ID, versionsOf } from "./group_requests.ts";

function partition(partitionIndex: number, committedMetadata: string | null = null) {
  return { partitionIndex, committedOffset: 42, committedLeaderEpoch: 3, committedMetadata };
}

test("OffsetCommit stores offsets and returns errors in all versions", async () => {
  for (const version of versionsOf(offsetCommit)) {
    const node = new GroupNode();
    const { topics } = await node.ask(offsetCommit, offsetCommitHandler, version, {
      groupId: "g",
      memberId: "",
      retentionTimeMs: 1,
      topics: [
        { name: "none", topicId: NO_TOPIC_ID, partitions: [partition(0)] },
        {
          name: "events",
          topicId: EVENTS_ID,
          partitions: [partition(2), partition(1, "x".repeat(17)), partition(0, "here")],
        },
      ],
    });
    const byId = version >= 10;
    assertEquals(topics.map(({ name, topicId }) => byId ? topicId : name), [
      byId ? NO_TOPIC_ID : "none",
      byId ? EVENTS_ID : "events",
    ]);
    assertEquals(topics.map(({ partitions }) => partitions), [
      [{
        partitionIndex: 0,
        errorCode: byId ? ErrorCode.UNKNOWN_TOPIC_ID : ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
      }],
      [
        { partitionIndex: 2, errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION },
        { partitionIndex: 1, errorCode: ErrorCode.OFFSET_METADATA_TOO_LARGE },
        { partitionIndex: 0, errorCode: ErrorCode.NONE },
      ],
    ]);
    const stored = (await node.committed("g"))!;
    assertEquals([...stored.topics()].map(([name, { size }]) => [name, size]), [["events", 1]]);
    assertEquals(stored.get("events", 0), {
      offset: 42,
      leaderEpoch: version >= 6 ? 3 : -1,
      metadata: "here",
      commitTimestampMs: node.clock.now(),
    });
  }
});

test("OffsetCommit accepts commits of members for their generation only, in all versions", async () => {
  for (const version of versionsOf(offsetCommit)) {
    const node = new GroupNode();
    const { memberId, generationId } = await node.joinAlone({ groupInstanceId: "one" });
    const codeOf = async (change: { [key: string]: string | number }) =>
      (await node.ask(offsetCommit, offsetCommitHandler, version, {
        groupId: "g",
        memberId,
        generationIdOrMemberEpoch: generationId,
        topics: [{ name: "events", topicId: EVENTS_ID, partitions: [partition(0)] }],
        ...change,
      })).topics[0]!.partitions[0]!.errorCode;
    assertEquals(await codeOf({}), ErrorCode.NONE);
    assertEquals(await codeOf({ generationIdOrMemberEpoch: 9 }), ErrorCode.ILLEGAL_GENERATION);
    assertEquals(await codeOf({ memberId: "other" }), ErrorCode.UNKNOWN_MEMBER_ID);
    assertEquals(
      await codeOf({ memberId: "", generationIdOrMemberEpoch: -1 }),
      ErrorCode.UNKNOWN_MEMBER_ID,
    );
    assertEquals(
      await codeOf({ groupId: "none" }),
      version >= 9 ? ErrorCode.GROUP_ID_NOT_FOUND : ErrorCode.ILLEGAL_GENERATION,
    );
    if (version >= 7) {
      assertEquals(
        await codeOf({ memberId: "other", groupInstanceId: "one" }),
        ErrorCode.FENCED_INSTANCE_ID,
      );
    }
    node.groups.shutdown();
    assertEquals(await codeOf({}), ErrorCode.COORDINATOR_NOT_AVAILABLE);
  }
});

test("OffsetCommit returns a failure of the whole request for every partition, in all versions", async () => {
  const node = new GroupNode();
  for (const version of versionsOf(offsetCommit)) {
    const { topics } = await node.askToFail(offsetCommit, offsetCommitHandler, version, {
      groupId: "g",
      memberId: "",
      topics: [{ name: "events", topicId: EVENTS_ID, partitions: [partition(0), partition(1)] }],
    });
    assertEquals(topics[0]?.partitions, [
      { partitionIndex: 0, errorCode: ErrorCode.UNKNOWN_SERVER_ERROR },
      { partitionIndex: 1, errorCode: ErrorCode.UNKNOWN_SERVER_ERROR },
    ]);
  }
});
