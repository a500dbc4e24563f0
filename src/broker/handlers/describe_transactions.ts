/**
 * DescribeTransactions returns the state of transactional ids (KIP-664). This version has no
 * transaction coordinator, so no transactional id has a state: TRANSACTIONAL_ID_NOT_FOUND.
 *
 * Serves version 0, which is flexible.
 *
 * @module
 */
import { ErrorCode } from "../../protocol/errors.ts";
import { describeTransactions } from "../../protocol/messages/describe_transactions.ts";
import { defineHandler, type Handler } from "../../network/server/handler.ts";

/** Serves DescribeTransactions. */
export const describeTransactionsHandler: Handler<unknown> = defineHandler(
  describeTransactions,
  {
    handle: ({ transactionalIds }) => ({
      transactionStates: transactionalIds.map((id) =>
        failed(id, id === "" ? ErrorCode.INVALID_REQUEST : ErrorCode.TRANSACTIONAL_ID_NOT_FOUND)
      ),
    }),
    onError: ({ transactionalIds }, errorCode) => ({
      transactionStates: transactionalIds.map((id) => failed(id, errorCode)),
    }),
  },
);

function failed(transactionalId: string, errorCode: number) {
  return {
    errorCode,
    transactionalId,
    transactionState: "",
    transactionTimeoutMs: 0,
    transactionStartTimeMs: 0,
    producerId: 0,
    producerEpoch: 0,
    topics: [],
  };
}
