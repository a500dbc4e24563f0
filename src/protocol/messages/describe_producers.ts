/**
 * DescribeProducers: returns the producer states of a partition's leader, to find hanging
 * transactions.
 *
 * @module
 */
import { defineApi, type RequestOf, type ResponseOf } from "../api.ts";
import { array, exactInt64, int16, int32, int64, string, struct } from "../schema.ts";

const activeProducer = struct({
  producerId: exactInt64(),
  producerEpoch: int32(),
  lastSequence: int32({ default: -1 }),
  lastTimestamp: exactInt64({ default: -1 }),
  coordinatorEpoch: int32(),
  currentTxnStartOffset: int64({ default: -1 }),
});

/** The DescribeProducers API (KIP-664). */
export const describeProducers = defineApi({
  key: 61,
  name: "DescribeProducers",
  versions: "0",
  flexible: "0+",
  request: struct({
    topics: array(struct({
      name: string(),
      partitionIndexes: array(int32()),
    })),
  }),
  response: struct({
    throttleTimeMs: int32({ default: 0 }),
    topics: array(struct({
      name: string(),
      partitions: array(struct({
        partitionIndex: int32(),
        errorCode: int16(),
        errorMessage: string({ nullable: "0+", default: null }),
        activeProducers: array(activeProducer),
      })),
    })),
  }),
});

/** A decoded DescribeProducers request. */
export type DescribeProducersRequest = RequestOf<typeof describeProducers>;
/** A decoded DescribeProducers response. */
export type DescribeProducersResponse = ResponseOf<typeof describeProducers>;
