/**
 * AddRaftVoter is forwarded to the active controller, whose handler of the same name has its meaning and its
 * versions.
 *
 * @module
 */
import { addRaftVoterHandler as decides } from "../../raft/handlers/add_raft_voter.ts";
import type { Handler } from "../../network/server/handler.ts";
import { forwarded, type ForwardingNeeds } from "../forwarding.ts";

/** Forwards AddRaftVoter. */
export const addRaftVoterHandler: Handler<ForwardingNeeds> = forwarded(decides);
