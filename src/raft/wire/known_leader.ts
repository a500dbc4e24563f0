/**
 * The leader that a replica knows, as answers have it: its id and epoch in one place, and where it can be
 * reached in another, from the versions of KIP-853 on.
 *
 * @module
 */
import type { KnownLeader } from "../core/messages.ts";
import type { VoterEndpoint } from "../core/voter_set.ts";
import { MAX_EPOCH } from "./ends.ts";

/** The id and the epoch of a leader. */
export interface WireLeader {
  readonly leaderId: number;
  readonly leaderEpoch: number;
}

/** The address of a node. */
export interface NodeEndpoint {
  readonly nodeId: number;
  readonly host: string;
  readonly port: number;
}

/** The leader in an answer that names none: it is of no epoch, so that it changes nothing. */
export const NO_LEADER: KnownLeader = { epoch: -1, leaderId: -1, endpoints: [] };

/** Returns the id and the epoch of `leader`. */
export function encodeLeader({ leaderId, epoch }: KnownLeader): WireLeader {
  return { leaderId, leaderEpoch: epoch };
}

/** Returns the endpoint on the listener of that name, or else the first one, or null. */
export function endpointOn(
  endpoints: readonly VoterEndpoint[],
  listener: string,
): VoterEndpoint | null {
  return endpoints.find(({ name }) => name === listener) ?? endpoints[0] ?? null;
}

/** Returns where `leader` can be reached by a peer that has sent its request to `listener`. */
export function encodeNodeEndpoints(leader: KnownLeader, listener: string): NodeEndpoint[] {
  const endpoint = endpointOn(leader.endpoints, listener);
  if (endpoint === null) return [];
  return [{ nodeId: leader.leaderId, host: endpoint.host, port: endpoint.port }];
}

/** Returns the leader in an answer to a request that was sent to `listener` of a peer. */
export function decodeLeader(
  { leaderId, leaderEpoch }: WireLeader,
  nodeEndpoints: readonly NodeEndpoint[],
  listener: string,
): KnownLeader {
  if (leaderEpoch > MAX_EPOCH) return NO_LEADER;
  const endpoints = nodeEndpoints
    .filter(({ nodeId, host, port }) => nodeId === leaderId && isAddress(host, port))
    .map(({ host, port }) => ({ name: listener, host, port }));
  return { epoch: leaderEpoch, leaderId: Math.max(-1, leaderId), endpoints };
}

/** Returns whether a connection to this address can be attempted. */
export function isAddress(host: string, port: number): boolean {
  return host !== "" && port > 0 && port <= 65_535;
}
