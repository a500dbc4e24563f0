/**
 * EndQuorumEpoch announces that a leader gives up, so that the voters elect another one at once (KIP-595).
 *
 * Serves versions 0 and 1. Version 1 is flexible, names the preferred successors with their directory ids,
 * and adds the endpoints of the leader to the request and the response (KIP-853).
 *
 * @module
 */
import { defineHandler, type Handler } from "../../network/server/handler.ts";
import { endQuorumEpoch } from "../../protocol/messages/end_quorum_epoch.ts";
import { answerOf, type RaftNeeds } from "../requests.ts";
import { decodeEndQuorumEpoch, encodeEndQuorumEpochAnswer } from "../wire/quorum_epochs.ts";

/** Serves EndQuorumEpoch. */
export const endQuorumEpochHandler: Handler<RaftNeeds> = defineHandler(endQuorumEpoch, {
  async handle(request, { services: { raft }, connection }) {
    const reply = await raft.request(decodeEndQuorumEpoch(request, raft));
    const answer = answerOf(reply, "end-quorum-epoch");
    return encodeEndQuorumEpochAnswer(answer, connection.listener);
  },
  onError: (_request, errorCode) => ({ errorCode, topics: [] }),
});
