/**
 * The types of endpoints that DescribeCluster returns (KIP-919).
 *
 * @module
 */
import { ErrorCode, KafkaError } from "./errors.ts";

/** What a client asks for: the addresses of brokers or of controllers. */
export const EndpointType = { BROKERS: 1, CONTROLLERS: 2 } as const;
/** One of the values in {@linkcode EndpointType}. */
export type EndpointType = typeof EndpointType[keyof typeof EndpointType];

/** The name of a listener that returns endpoints of a type. */
const LISTENERS: Readonly<Record<EndpointType, string>> = {
  [EndpointType.BROKERS]: "broker",
  [EndpointType.CONTROLLERS]: "controller",
};

/**
 * Throws a `KafkaError` unless the endpoints that a client asks for in this version of DescribeCluster are of the
 * type that its listener `serves`: UNSUPPORTED_ENDPOINT_TYPE for an unknown type, MISMATCHED_ENDPOINT_TYPE for
 * the other one, and INVALID_REQUEST in version 0, which has no types.
 */
export function requireEndpointType(
  serves: EndpointType,
  { endpointType }: { readonly endpointType: number },
  apiVersion: number,
): void {
  if (endpointType === serves) return;
  const isKnown = Object.values<number>(EndpointType).includes(endpointType);
  const code = isKnown ? ErrorCode.MISMATCHED_ENDPOINT_TYPE : ErrorCode.UNSUPPORTED_ENDPOINT_TYPE;
  throw new KafkaError(
    apiVersion === 0 ? ErrorCode.INVALID_REQUEST : code,
    isKnown
      ? `Cannot return the addresses of ${LISTENERS[endpointType as EndpointType]}s: this is a ` +
        `${LISTENERS[serves]}'s listener, ask a ${LISTENERS[endpointType as EndpointType]}`
      : `Cannot return endpoints of type ${endpointType}: 1 is for brokers, 2 for controllers`,
  );
}
