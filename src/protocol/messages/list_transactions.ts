/**
 * ListTransactions: returns the transactions that a broker coordinates.
 *
 * @module
 */
import { defineApi, type RequestOf, type ResponseOf } from "../api.ts";
import { array, int16, int32, int64, string, struct } from "../schema.ts";

/**
 * The ListTransactions API (KIP-664). Version 1 adds a filter by duration (KIP-994), 2 a filter by
 * transactional id pattern (KIP-1152).
 */
export const listTransactions = defineApi({
  key: 66,
  name: "ListTransactions",
  versions: "0-2",
  flexible: "0+",
  request: struct({
    stateFilters: array(string()),
    producerIdFilters: array(int64()),
    durationFilter: int64({ versions: "1+", default: -1 }),
    transactionalIdPattern: string({ versions: "2+", nullable: "2+", default: null }),
  }),
  response: struct({
    throttleTimeMs: int32({ default: 0 }),
    errorCode: int16(),
    unknownStateFilters: array(string()),
    transactionStates: array(struct({
      transactionalId: string(),
      producerId: int64(),
      transactionState: string(),
    })),
  }),
});

/** A decoded ListTransactions request. */
export type ListTransactionsRequest = RequestOf<typeof listTransactions>;
/** A decoded ListTransactions response. */
export type ListTransactionsResponse = ResponseOf<typeof listTransactions>;
