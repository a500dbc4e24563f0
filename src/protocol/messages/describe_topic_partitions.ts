/**
 * DescribeTopicPartitions: returns the partitions of topics page by page. A response that reaches
 * the limit has a cursor to the next page.
 *
 * @module
 */
import { defineApi, type RequestOf, type ResponseOf } from "../api.ts";
import { array, bool, int16, int32, nested, string, struct, uuid } from "../schema.ts";

/** The partition to start from: the first one that did not fit into the previous response. */
const cursor = struct({
  topicName: string(),
  partitionIndex: int32(),
});

const partition = struct({
  errorCode: int16(),
  partitionIndex: int32(),
  leaderId: int32(),
  leaderEpoch: int32({ default: -1 }),
  replicaNodes: array(int32()),
  isrNodes: array(int32()),
  eligibleLeaderReplicas: array(int32(), { nullable: "0+", default: null }),
  lastKnownElr: array(int32(), { nullable: "0+", default: null }),
  offlineReplicas: array(int32()),
});

/** The DescribeTopicPartitions API (KIP-966). */
export const describeTopicPartitions = defineApi({
  key: 75,
  name: "DescribeTopicPartitions",
  versions: "0",
  flexible: "0+",
  request: struct({
    topics: array(struct({
      name: string(),
    })),
    responsePartitionLimit: int32({ default: 2000 }),
    cursor: nested(cursor, { nullable: "0+", default: null }),
  }),
  response: struct({
    throttleTimeMs: int32({ default: 0 }),
    topics: array(struct({
      errorCode: int16(),
      name: string({ nullable: "0+" }),
      topicId: uuid(),
      isInternal: bool({ default: false }),
      partitions: array(partition),
      topicAuthorizedOperations: int32({ default: -2147483648 }),
    })),
    nextCursor: nested(cursor, { nullable: "0+", default: null }),
  }),
});

/** A decoded DescribeTopicPartitions request. */
export type DescribeTopicPartitionsRequest = RequestOf<typeof describeTopicPartitions>;
/** A decoded DescribeTopicPartitions response. */
export type DescribeTopicPartitionsResponse = ResponseOf<typeof describeTopicPartitions>;
