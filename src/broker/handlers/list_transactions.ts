/**
 * ListTransactions returns the transactions that this broker coordinates (KIP-664): none, since
 * this version has no transaction coordinator. The filters are checked nevertheless.
 *
 * Serves versions 0 to 2, all flexible. Version 1 adds a filter by duration (KIP-994), 2 one by a
 * pattern of the transactional id (KIP-1152).
 *
 * @module
 */
import { ErrorCode, KafkaError } from "../../protocol/errors.ts";
import { listTransactions } from "../../protocol/messages/list_transactions.ts";
import { TRANSACTION_STATES } from "../../transactions/transaction_state.ts";
import { defineHandler, type Handler } from "../../network/server/handler.ts";
import { re2SyntaxError } from "../re2_syntax.ts";

/** Serves ListTransactions. */
export const listTransactionsHandler: Handler<unknown> = defineHandler(listTransactions, {
  handle({ stateFilters, transactionalIdPattern }) {
    const reason = transactionalIdPattern === null ? null : re2SyntaxError(transactionalIdPattern);
    if (reason !== null) {
      throw new KafkaError(
        ErrorCode.INVALID_REGULAR_EXPRESSION,
        `Cannot list transactions: "${transactionalIdPattern}" is no regular expression, ${reason}`,
      );
    }
    return {
      errorCode: ErrorCode.NONE,
      unknownStateFilters: [...new Set(stateFilters)].filter((state) =>
        !TRANSACTION_STATES.includes(state)
      ),
      transactionStates: [],
    };
  },
  onError: (_request, errorCode) => ({
    errorCode,
    unknownStateFilters: [],
    transactionStates: [],
  }),
});
