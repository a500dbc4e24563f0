/**
 * The errors of clients. Every failure of the communication with the cluster is a {@linkcode
 * KafkaError} with Kafka's `code`; `retriable` tells whether the same call may succeed later. A
 * broken connection has the code `NETWORK_EXCEPTION`, a request without a response
 * `REQUEST_TIMED_OUT`. Invalid options and calls on closed objects are `TypeError`s.
 *
 * @module
 */
import { ErrorCode, errorName, KafkaError } from "../protocol/errors.ts";

/** Explanations of error codes without a message of the broker. */
const EXPLANATIONS: Readonly<Record<number, string>> = {
  [ErrorCode.UNKNOWN_TOPIC_OR_PARTITION]: "create it first",
  [ErrorCode.LEADER_NOT_AVAILABLE]: "no broker leads it now",
  [ErrorCode.OFFSET_OUT_OF_RANGE]: "the log does not hold that offset",
  [ErrorCode.ILLEGAL_GENERATION]: "the group has continued without this member",
  [ErrorCode.UNKNOWN_MEMBER_ID]: "the group has continued without this member",
  [ErrorCode.REBALANCE_IN_PROGRESS]: "the group is rebalancing",
};

/** Creates the error for an error code in a response. `what` begins with "Cannot". */
export function responseError(code: number, what: string, message?: string | null): KafkaError {
  const text = message ?? EXPLANATIONS[code] ?? "";
  const detail = text === "" ? "" : `, ${text}`;
  return new KafkaError(code as ErrorCode, `${what}: ${errorName(code)}${detail}`);
}

/** Creates the error for a call on a closed object. */
export function closedError(what: string): TypeError {
  return new TypeError(`Cannot ${what}: it is closed`);
}
