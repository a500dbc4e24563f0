/**
 * Sends requests to other replicas, if they are not busy or failing.
 *
 * @module
 */
import type { Address } from "../../runtime/runtime.ts";
import type { Destination } from "./effects.ts";
import type { PeerRequest } from "./messages.ts";
import type { SendOptions } from "./peers.ts";
import type { RaftState } from "./state.ts";
import type { ReplicaKey, VoterEndpoint } from "./voter_set.ts";

/**
 * Sends `request` unless one is in flight to that node or the last one failed a moment ago. Returns whether
 * it was sent; if not, the core comes back to it in time.
 */
export function sendTo(
  raft: RaftState,
  to: Destination,
  request: PeerRequest,
  options: SendOptions = {},
): boolean {
  const { peers, now } = raft;
  if (!raft.isDue(peers.readyAt(to.id))) return false;
  const { correlationId } = peers.begin(to, request, now, options);
  raft.emit({ type: "send", requires: raft.sequence, correlationId, to, request });
  return true;
}

/** As {@linkcode sendTo}, to a voter. False if it has none, or is this replica. */
export function sendToVoter(raft: RaftState, voter: ReplicaKey, request: PeerRequest): boolean {
  if (raft.isSelf(voter)) return false;
  const to = destinationOf(raft, voter.id);
  return to !== null && sendTo(raft, to, request);
}

/** Returns the address of node `id`, or null if it is not known. */
export function destinationOf(raft: RaftState, id: number): Destination | null {
  const address = addressOf(raft, raft.endpointsOf(id));
  return address && { id, address };
}

/**
 * Returns where to reach a node with these endpoints, or null if it has none: on the first listener for
 * controllers that this node has, whose security protocol it speaks, if the other one has it too.
 */
export function addressOf(raft: RaftState, endpoints: readonly VoterEndpoint[]): Address | null {
  const listener = raft.self.endpoints[0]?.name;
  const endpoint = endpoints.find(({ name }) => name === listener) ?? endpoints[0];
  return endpoint === undefined ? null : { host: endpoint.host, port: endpoint.port };
}

/**
 * Returns a random node to ask for the leader, or null if there is none: a bootstrap server, or a voter whose
 * address is known, but not the node with id `except`.
 */
export function randomServer(raft: RaftState, except: number): Destination | null {
  const { self, voters, bootstrapServers } = raft;
  const own = self.endpoints;
  const servers: Destination[] = [];
  for (const [index, address] of bootstrapServers.entries()) {
    const isOwn = own.some(({ host, port }) => host === address.host && port === address.port);
    if (!isOwn) servers.push({ id: -2 - index, address });
  }
  for (const { id } of voters) {
    if (id === self.id || id === except) continue;
    const to = destinationOf(raft, id);
    if (to !== null) servers.push(to);
  }
  const { peers } = raft;
  const ready = servers.filter(({ id }) => peers.readyAt(id) <= raft.now);
  // One that has not answered is asked again once the others have had their turn.
  const least = Math.min(...ready.map(({ id }) => peers.silencesOf(id)));
  const preferred = ready.filter(({ id }) => peers.silencesOf(id) === least);
  if (preferred.length > 0) return preferred[raft.below(preferred.length)]!;
  for (const { id } of servers) raft.isDue(raft.peers.readyAt(id));
  return null;
}
