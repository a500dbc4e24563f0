/**
 * The errors of single records of a batch that a broker rejected because of some of them (KIP-467).
 *
 * @module
 */
import { ErrorCode, type KafkaError } from "../protocol/errors.ts";
import type { ProduceResponse } from "../protocol/messages/produce.ts";
import { answered } from "./errors.ts";

/** The answer for one partition that names at least one record. */
type Rejection = Pick<
  ProduceResponse["responses"][number]["partitionResponses"][number],
  "errorCode" | "errorMessage" | "recordErrors"
>;

/**
 * Returns the error of the record at each index of the rejected batch, as Apache Kafka's producer
 * assigns them: a named record gets the message for it, with the batch's code if it is the only one
 * and INVALID_RECORD otherwise, since one code cannot tell which of several reasons applies to which
 * record. The other records, which were not at fault, get OPERATION_NOT_ATTEMPTED.
 */
export function recordErrorsOf(
  partition: string,
  { errorCode, errorMessage, recordErrors }: Rejection,
): (batchIndex: number) => KafkaError {
  const code = recordErrors.length === 1 ? errorCode : ErrorCode.INVALID_RECORD;
  const errors = new Map(recordErrors.map(({ batchIndex, batchIndexErrorMessage }) => {
    const message = batchIndexErrorMessage ?? errorMessage;
    return [batchIndex, answered(code, `Cannot send to ${partition}`, message)];
  }));
  let other: KafkaError | null = null;
  return (batchIndex) =>
    errors.get(batchIndex) ?? (other ??= answered(
      ErrorCode.OPERATION_NOT_ATTEMPTED,
      `Cannot send to ${partition}`,
      "other records of its batch were rejected",
    ));
}
