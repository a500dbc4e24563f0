/**
 * ElectLeaders makes the preferred replica of each partition its leader (KIP-183), or any replica
 * of a partition without a leader (KIP-460). On a single node most partitions have their preferred
 * leader: ELECTION_NOT_NEEDED.
 *
 * Serves versions 0 to 2. Version 0 elects preferred replicas only, 1 adds the type of election and
 * an error for the whole request, 2 is flexible. A missing list of partitions stands for all
 * partitions. The answer then omits those that need no election.
 *
 * @module
 */
import { ErrorCode } from "../../protocol/errors.ts";
import { electLeaders } from "../../protocol/messages/elect_leaders.ts";
import { defineHandler, type Handler } from "../../network/server/handler.ts";
import type { Controller } from "../controller.ts";

interface Needs {
  readonly controller: Pick<Controller, "electLeaders">;
}

/** Serves ElectLeaders. */
export const electLeadersHandler: Handler<Needs> = defineHandler(electLeaders, {
  async handle({ electionType, topicPartitions }, { services }) {
    const results = await services.controller.electLeaders(electionType, topicPartitions);
    return {
      errorCode: ErrorCode.NONE,
      replicaElectionResults: results.map(({ topic, partitions }) => ({
        topic,
        partitionResult: partitions.map(({ partition, errorCode, errorMessage }) => ({
          partitionId: partition,
          errorCode,
          errorMessage,
        })),
      })),
    };
  },
  onError: ({ topicPartitions }, errorCode, errorMessage) => ({
    errorCode,
    replicaElectionResults: (topicPartitions ?? []).map(({ topic, partitions }) => ({
      topic,
      partitionResult: partitions.map((partitionId) => ({ partitionId, errorCode, errorMessage })),
    })),
  }),
});
