/**
 * The endpoints of a voter, by listener.
 *
 * @module
 */
import { ErrorCode, KafkaError } from "../../protocol/errors.ts";
import type { VoterEndpoint } from "../core/voter_set.ts";
import { isAddress } from "./known_leader.ts";

/** Returns the endpoints on the wire. */
export function encodeEndpoints(endpoints: readonly VoterEndpoint[]): VoterEndpoint[] {
  return endpoints.map(({ name, host, port }) => ({ name, host, port }));
}

/** Returns the endpoints in a request. Throws INVALID_REQUEST for one that cannot be of a voter. */
export function decodeEndpoints(endpoints: readonly VoterEndpoint[]): VoterEndpoint[] {
  const names = new Set<string>();
  for (const { name, host, port } of endpoints) {
    if (!isAddress(host, port)) {
      throw invalid(`listener "${name}" has the address "${host}:${port}"`);
    }
    if (names.has(name)) throw invalid(`listener "${name}" occurs twice`);
    names.add(name);
  }
  return encodeEndpoints(endpoints);
}

function invalid(why: string): KafkaError {
  return new KafkaError(ErrorCode.INVALID_REQUEST, `Cannot accept the endpoints: ${why}`);
}
