/**
 * The errors of a refused or failed append.
 *
 * @module
 */
import { KafkaError } from "../../protocol/errors.ts";
import { RejectedRecordsError } from "./record_rules.ts";
import { asKafkaError } from "../storage_error.ts";

/** Returns the error to throw when an append to the log `name` has met `error`. */
export function appendError(name: string, error: unknown): unknown {
  const where = `Cannot append to ${name}`;
  if (error instanceof RejectedRecordsError) {
    const { code, message, records } = error;
    return new RejectedRecordsError(code, `${where}: ${message}`, records, { cause: error });
  }
  if (error instanceof KafkaError) {
    return error.message.startsWith("Cannot")
      ? error
      : new KafkaError(error.code, `${where}: ${error.message}`, { cause: error });
  }
  return asKafkaError(where, error);
}
