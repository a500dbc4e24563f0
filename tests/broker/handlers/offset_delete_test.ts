import { assertEquals } from "@std/assert";
import { offsetDeleteHandler } from "../../../src/broker/handlers/offset_delete.ts";
import { ErrorCode } from "../../../src/protocol/errors.ts";
import { consumerProtocolSubscription } from "../../../src/protocol/messages/consumer_protocol.ts";
import { offsetDelete } from "../../../src/protocol/messages/offset_delete.ts";
import { test } from "../../harness.ts";
import { GroupNode, topic } from "./group_requests.ts";

function partitions(...indexes: number[]) {
  return indexes.map((partitionIndex) => ({ partitionIndex }));
}

test("OffsetDelete deletes the offsets of topics without subscribers", async () => {
  const node = new GroupNode();
  node.topics.set("other", topic("other", "b3RoZXJvdGhlcm90aGVyb3", 1));
  const metadata = consumerProtocolSubscription.encode({ topics: ["events"] });
  const { memberId, generationId } = await node.joinAlone({ metadata });
  const at = { offset: 1, leaderEpoch: -1, metadata: null };
  await node.groups.commitOffsets({
    groupId: "g",
    memberId,
    groupInstanceId: null,
    generationId,
    unknownGroupError: ErrorCode.GROUP_ID_NOT_FOUND,
    offsets: [
      { topic: "events", partition: 0, ...at },
      { topic: "other", partition: 0, ...at },
    ],
  });
  const { errorCode, topics } = await node.ask(offsetDelete, offsetDeleteHandler, 0, {
    groupId: "g",
    topics: [
      { name: "events", partitions: partitions(0, 5) },
      { name: "other", partitions: partitions(1, 0) },
      { name: "none", partitions: partitions(0) },
    ],
  });
  assertEquals(errorCode, ErrorCode.NONE);
  assertEquals(
    topics.map(({ name, partitions }) => [
      name,
      ...partitions.map(({ partitionIndex, errorCode }) => [partitionIndex, errorCode] as const),
    ]),
    [
      [
        "events",
        [0, ErrorCode.GROUP_SUBSCRIBED_TO_TOPIC],
        [5, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION],
      ],
      ["other", [1, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION], [0, ErrorCode.NONE]],
      ["none", [0, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION]],
    ],
  );
  const left = [...(await node.committed("g"))!.topics()].map(([name]) => name);
  assertEquals(left, ["events"]);
  node.groups.shutdown();
});

test("OffsetDelete returns one error for a failure of the whole request", async () => {
  const node = new GroupNode();
  const request = { groupId: "none", topics: [{ name: "events", partitions: partitions(0) }] };
  assertEquals(await node.ask(offsetDelete, offsetDeleteHandler, 0, request), {
    errorCode: ErrorCode.GROUP_ID_NOT_FOUND,
    throttleTimeMs: 0,
    topics: [],
  });
  const nameless = { ...request, groupId: "" };
  const refused = await node.ask(offsetDelete, offsetDeleteHandler, 0, nameless);
  assertEquals(refused.errorCode, ErrorCode.INVALID_GROUP_ID);
  const failed = await node.askToFail(offsetDelete, offsetDeleteHandler, 0, request);
  assertEquals(failed.errorCode, ErrorCode.UNKNOWN_SERVER_ERROR);
});
