/**
 * DescribeQuorum is forwarded to the active controller, whose handler of the same name has its meaning and its
 * versions. Where the only controller has no listener of its own, since its node is alone, the answer names the
 * address at which the client reaches this node, where requests to the controller are forwarded.
 *
 * @module
 */
import { EncodedAnswer } from "../../network/server/encoded_answer.ts";
import type { Handler } from "../../network/server/handler.ts";
import type { ResponseInputOf } from "../../protocol/api.ts";
import type { describeQuorum } from "../../protocol/messages/describe_quorum.ts";
import { raftDescribeQuorumHandler as decides } from "../../raft/handlers/describe_quorum.ts";
import { forwarded, type ForwardingNeeds } from "../forwarding.ts";
import type { BrokersNeeds } from "../metadata_response.ts";

type Needs = ForwardingNeeds & Pick<BrokersNeeds, "nodeId" | "advertisedAddress">;

const forwards = forwarded(decides);

/** Forwards DescribeQuorum. */
export const describeQuorumHandler: Handler<Needs> = {
  ...forwards,
  async handle(request, context) {
    const answer = await forwards.handle(request, context);
    // Controllers of other processes have listeners.
    if (answer instanceof EncodedAnswer) return answer;
    const { services: { nodeId, advertisedAddress }, connection } = context;
    const response = answer as ResponseInputOf<typeof describeQuorum>;
    return {
      ...response,
      nodes: (response.nodes ?? []).map((node) =>
        node.nodeId === nodeId && node.listeners.length === 0
          ? { nodeId, listeners: [{ name: connection.listener, ...advertisedAddress(connection) }] }
          : node
      ),
    };
  },
};
