/**
 * DescribeQuorum is forwarded to the active controller, whose handler of the same name has its meaning and its
 * versions.
 *
 * @module
 */
import { raftDescribeQuorumHandler as decides } from "../../raft/handlers/describe_quorum.ts";
import type { Handler } from "../../network/server/handler.ts";
import { forwarded, type ForwardingNeeds } from "../forwarding.ts";

/** Forwards DescribeQuorum. */
export const describeQuorumHandler: Handler<ForwardingNeeds> = forwarded(decides);
