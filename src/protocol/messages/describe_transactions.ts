/**
 * DescribeTransactions: returns the state of transactional ids from their coordinator.
 *
 * @module
 */
import { defineApi, type RequestOf, type ResponseOf } from "../api.ts";
import { array, int16, int32, int64, string, struct } from "../schema.ts";

/** The DescribeTransactions API (KIP-664). */
export const describeTransactions = defineApi({
  key: 65,
  name: "DescribeTransactions",
  versions: "0",
  flexible: "0+",
  request: struct({
    transactionalIds: array(string()),
  }),
  response: struct({
    throttleTimeMs: int32({ default: 0 }),
    transactionStates: array(struct({
      errorCode: int16(),
      transactionalId: string(),
      transactionState: string(),
      transactionTimeoutMs: int32(),
      transactionStartTimeMs: int64(),
      producerId: int64(),
      producerEpoch: int16(),
      topics: array(struct({
        topic: string(),
        partitions: array(int32()),
      })),
    })),
  }),
});

/** A decoded DescribeTransactions request. */
export type DescribeTransactionsRequest = RequestOf<typeof describeTransactions>;
/** A decoded DescribeTransactions response. */
export type DescribeTransactionsResponse = ResponseOf<typeof describeTransactions>;
