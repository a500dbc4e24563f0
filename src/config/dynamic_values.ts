/**
 * Values of broker keys that are set while the broker runs: which may be set, and which of those that
 * the metadata holds can be in force.
 *
 * @module
 */
import { ErrorCode, KafkaError } from "../protocol/errors.ts";
import { brokerKey } from "./broker_checks.ts";
import { BROKER_KEYS } from "./broker_keys.ts";
import { normalizeConfig, parseConfig, requireSupported } from "./definition.ts";
import { IDLE_KEYS } from "./idle_keys.ts";

/**
 * Checks a value that is to be set while the broker runs. Throws a {@linkcode KafkaError}:
 * INVALID_REQUEST for a key that is fixed while it runs or has no effect and for a value that does not
 * fit, as Apache Kafka does; INVALID_CONFIG for a key that does not exist (Kafka takes those and ignores them) or a
 * value that needs what is not there yet.
 */
export function checkDynamicBrokerConfig(name: string, text: string): void {
  const idle = IDLE_KEYS.get(name);
  if (idle !== undefined) {
    throw new KafkaError(
      ErrorCode.INVALID_REQUEST,
      `Cannot set "${name}": it has no effect here, ${idle.reason}`,
    );
  }
  const definition = brokerKey(name);
  if (!definition.dynamic) {
    throw new KafkaError(
      ErrorCode.INVALID_REQUEST,
      `Cannot change "${name}" while the broker runs: give it at start, as --set ${name}=${text}`,
    );
  }
  try {
    parseConfig(definition, text);
  } catch (error) {
    throw invalidRequest(error);
  }
  requireSupported(definition, text);
}

/** What is wrong with a value, as the error of a request. */
export function invalidRequest(error: unknown): KafkaError {
  return new KafkaError(ErrorCode.INVALID_REQUEST, (error as Error).message, { cause: error });
}

/**
 * The values among `values` that can be in force. One that only needs what is missing here counts,
 * since another version set it on purpose.
 */
export function acceptedDynamicValues(
  values: ReadonlyMap<string, string>,
  refused: string[],
): Map<string, string> {
  const out = new Map<string, string>();
  for (const [name, text] of values) {
    try {
      const definition = BROKER_KEYS.get(name);
      if (definition !== undefined && definition.dynamic) {
        parseConfig(definition, text);
        out.set(name, normalizeConfig(definition, text));
      }
      checkDynamicBrokerConfig(name, text);
    } catch (error) {
      if (!(error instanceof KafkaError)) throw error;
      refused.push(error.message);
    }
  }
  return out;
}
