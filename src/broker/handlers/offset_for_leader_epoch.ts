/**
 * OffsetForLeaderEpoch returns the end offset of a leader epoch, with which a client or a follower
 * detects whether it has read records that the leader does not have (KIP-101, KIP-320).
 *
 * Serves versions 2 to 4. Version 3 adds the id of the replica, 4 is flexible.
 *
 * @module
 */
import type { ResponseInputOf } from "../../protocol/api.ts";
import { KafkaError } from "../../protocol/errors.ts";
import { offsetForLeaderEpoch } from "../../protocol/messages/offset_for_leader_epoch.ts";
import { defineHandler, type Handler } from "../../network/server/handler.ts";
import { answerGroupsInTurns } from "../../network/server/turns.ts";
import type { Clock } from "../../runtime/runtime.ts";
import type { PartitionTable } from "../../replication/partition_table.ts";

type Response = ResponseInputOf<typeof offsetForLeaderEpoch>;
type PartitionResponse = Response["topics"][number]["partitions"][number];

interface Needs {
  readonly clock: Clock;
  readonly partitions: Pick<PartitionTable, "byName">;
}

/** Serves OffsetForLeaderEpoch. */
export const offsetForLeaderEpochHandler: Handler<Needs> = defineHandler(
  offsetForLeaderEpoch,
  {
    async handle({ topics }, { services }) {
      const answers = await answerGroupsInTurns(
        topics,
        ({ partitions }) => partitions,
        ({ partition, currentLeaderEpoch, leaderEpoch }, { topic }): PartitionResponse => {
          try {
            const found = services.partitions.byName(topic, partition);
            found.checkLeaderEpoch(currentLeaderEpoch);
            return { errorCode: 0, partition, ...found.log.endOffsetForEpoch(leaderEpoch) };
          } catch (error) {
            if (!(error instanceof KafkaError)) throw error;
            return failed(partition, error.code);
          }
        },
        services.clock,
      );
      return { topics: topics.map(({ topic }, at) => ({ topic, partitions: answers[at]! })) };
    },
    onError: ({ topics }, code) => ({
      topics: topics.map(({ topic, partitions }) => ({
        topic,
        partitions: partitions.map(({ partition }) => failed(partition, code)),
      })),
    }),
  },
);

function failed(partition: number, errorCode: number): PartitionResponse {
  return { errorCode, partition, leaderEpoch: -1, endOffset: -1 };
}
