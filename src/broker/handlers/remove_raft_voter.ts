/**
 * RemoveRaftVoter is forwarded to the active controller, whose handler of the same name has its meaning and its
 * versions.
 *
 * @module
 */
import { removeRaftVoterHandler as decides } from "../../raft/handlers/remove_raft_voter.ts";
import type { Handler } from "../../network/server/handler.ts";
import { forwarded, type ForwardingNeeds } from "../forwarding.ts";

/** Forwards RemoveRaftVoter. */
export const removeRaftVoterHandler: Handler<ForwardingNeeds> = forwarded(decides);
