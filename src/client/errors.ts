/**
 * The errors of the client. Whatever goes wrong between the client and the cluster is a
 * {@linkcode KafkaError}, with Kafka's `code` and whether the same call may succeed later
 * (`retriable`): a broken connection has the code `NETWORK_EXCEPTION`, a request without an answer
 * `REQUEST_TIMED_OUT`. Options that make no sense and calls on something closed are `TypeError`s.
 *
 * @module
 */
import { ErrorCode, errorName, KafkaError } from "../protocol/errors.ts";

/** What to say where the broker itself says no more than a code. */
const EXPLANATIONS: Readonly<Record<number, string>> = {
  [ErrorCode.UNKNOWN_TOPIC_OR_PARTITION]: "create it first",
  [ErrorCode.LEADER_NOT_AVAILABLE]: "no broker leads it now",
  [ErrorCode.OFFSET_OUT_OF_RANGE]: "the log does not hold that offset",
  [ErrorCode.ILLEGAL_GENERATION]: "the group has gone on without this member",
  [ErrorCode.UNKNOWN_MEMBER_ID]: "the group has gone on without this member",
  [ErrorCode.REBALANCE_IN_PROGRESS]: "the group is sharing out its partitions anew",
};

/** The error a broker answered with. `what` begins with "Cannot". */
export function answered(code: number, what: string, message?: string | null): KafkaError {
  const text = message ?? EXPLANATIONS[code] ?? "";
  const detail = text === "" ? "" : `, ${text}`;
  return new KafkaError(code as ErrorCode, `${what}: ${errorName(code)}${detail}`);
}

/** The error for a call on something closed. */
export function closedError(what: string): TypeError {
  return new TypeError(`Cannot ${what}: it is closed`);
}
