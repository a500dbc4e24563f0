/**
 * Requests of commands that the active controller answers.
 *
 * @module
 */
import { ErrorCode, KafkaError } from "../src/client/mod.ts";

/**
 * Resolves as `request` does. If a broker had no answer for it in time, the error also says what a quorum
 * needs: the broker is reachable, and forwards requests to a controller that is not.
 */
export async function inQuorum<T>(request: Promise<T>): Promise<T> {
  try {
    return await request;
  } catch (error) {
    if (!(error instanceof KafkaError) || error.code !== ErrorCode.REQUEST_TIMED_OUT) throw error;
    throw new KafkaError(
      error.code,
      `${error.message}; if no controller is active, start the controllers: a majority of them must run and ` +
        "reach each other",
      { cause: error },
    );
  }
}
