import { assertEquals } from "@std/assert";
import { offsetForLeaderEpoch } from "../../../src/protocol/messages/offset_for_leader_epoch.ts";
import { test } from "../../harness.ts";
import { batchOf, produceTo, withBroker } from "../fixture.ts";

test("OffsetForLeaderEpoch returns the end offset of an epoch in every version", () =>
  withBroker(async ({ client, createTopic }) => {
    await createTopic({ name: "events" });
    await produceTo(client, "events", 0, batchOf(["a", "b"]));
    for (let version = 2; version <= 4; version++) {
      const ask = async (leaderEpoch: number, currentLeaderEpoch = -1, partition = 0) => {
        const { topics } = await client.request(offsetForLeaderEpoch, version, {
          topics: [{
            topic: "events",
            partitions: [{ partition, leaderEpoch, currentLeaderEpoch }],
          }],
        });
        const answer = topics[0]!.partitions[0]!;
        return [answer.errorCode, answer.leaderEpoch, answer.endOffset];
      };
      assertEquals(await ask(0), [0, 0, 2]);
      assertEquals(await ask(0, 0), [0, 0, 2]);
      assertEquals(await ask(5), [0, -1, -1]);
      assertEquals(await ask(0, 5), [75, -1, -1]);
      assertEquals(await ask(0, -1, 3), [3, -1, -1]);
    }
  }));
