/**
 * The errors of single records in a batch that a broker rejected because of some of them (KIP-467).
 *
 * @module
 */
import { ErrorCode, type KafkaError } from "../../protocol/errors.ts";
import type { ProduceResponse } from "../../protocol/messages/produce.ts";
import { responseError } from "../errors.ts";

/** A response for one partition that lists at least one record. */
type Rejection = Pick<
  ProduceResponse["responses"][number]["partitionResponses"][number],
  "errorCode" | "errorMessage" | "recordErrors"
>;

/**
 * Returns the error of each record of the rejected batch by index, like Apache Kafka's producer: a
 * listed record gets its own message. Its code is that of the batch if it is the only listed
 * record, otherwise INVALID_RECORD, since a single code cannot describe several reasons. All other
 * records get OPERATION_NOT_ATTEMPTED.
 */
export function recordErrorsOf(
  partition: string,
  { errorCode, errorMessage, recordErrors }: Rejection,
): (batchIndex: number) => KafkaError {
  const code = recordErrors.length === 1 ? errorCode : ErrorCode.INVALID_RECORD;
  const errors = new Map(recordErrors.map(({ batchIndex, batchIndexErrorMessage }) => {
    const message = batchIndexErrorMessage ?? errorMessage;
    return [batchIndex, responseError(code, `Cannot send to ${partition}`, message)];
  }));
  let other: KafkaError | null = null;
  return (batchIndex) =>
    errors.get(batchIndex) ?? (other ??= responseError(
      ErrorCode.OPERATION_NOT_ATTEMPTED,
      `Cannot send to ${partition}`,
      "other records of its batch were rejected",
    ));
}
