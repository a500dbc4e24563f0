/**
 * ListPartitionReassignments: returns the partitions with an ongoing reassignment.
 *
 * @module
 */
import { defineApi, type RequestOf, type ResponseOf } from "../api.ts";
import { array, int16, int32, string, struct } from "../schema.ts";

/** The ListPartitionReassignments API (KIP-455). */
export const listPartitionReassignments = defineApi({
  key: 46,
  name: "ListPartitionReassignments",
  versions: "0",
  flexible: "0+",
  request: struct({
    timeoutMs: int32({ default: 60000 }),
    topics: array(
      struct({
        name: string(),
        partitionIndexes: array(int32()),
      }),
      { nullable: "0+", default: null },
    ),
  }),
  response: struct({
    throttleTimeMs: int32({ default: 0 }),
    errorCode: int16(),
    errorMessage: string({ nullable: "0+" }),
    topics: array(struct({
      name: string(),
      partitions: array(struct({
        partitionIndex: int32(),
        replicas: array(int32()),
        addingReplicas: array(int32()),
        removingReplicas: array(int32()),
      })),
    })),
  }),
});

/** A decoded ListPartitionReassignments request. */
export type ListPartitionReassignmentsRequest = RequestOf<typeof listPartitionReassignments>;
/** A decoded ListPartitionReassignments response. */
export type ListPartitionReassignmentsResponse = ResponseOf<typeof listPartitionReassignments>;
