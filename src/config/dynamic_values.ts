/**
 * Values of broker keys that are set while the broker runs: checks of a new value, and selection of the
 * stored values that can be in force.
 *
 * @module
 */
import { ErrorCode, KafkaError } from "../protocol/errors.ts";
import { brokerKey } from "./broker_checks.ts";
import { BROKER_KEYS } from "./broker_keys.ts";
import { normalizeConfig, parseConfig, requireSupported } from "./definition.ts";
import { UNUSED_KEYS } from "./unused_keys.ts";

/**
 * Checks a value that is to be set while the broker runs. Throws a {@linkcode KafkaError}:
 * INVALID_REQUEST for a read-only key, a key without effect and an invalid value, as Apache Kafka does;
 * INVALID_CONFIG for an unknown key (Kafka accepts and ignores those) or a value that needs an
 * unsupported feature.
 */
export function checkDynamicBrokerConfig(name: string, text: string): void {
  const idle = UNUSED_KEYS.get(name);
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

/** Converts the error of an invalid value to INVALID_REQUEST. */
export function invalidRequest(error: unknown): KafkaError {
  return new KafkaError(ErrorCode.INVALID_REQUEST, (error as Error).message, { cause: error });
}

/**
 * Returns the values among `values` that can be in force, and adds a message to `rejected` for each that
 * cannot. A value that only needs an unsupported feature is returned too: another version set it
 * deliberately.
 */
export function acceptedDynamicValues(
  values: ReadonlyMap<string, string>,
  rejected: string[],
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
      rejected.push(error.message);
    }
  }
  return out;
}
