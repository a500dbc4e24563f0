/**
 * Vote asks this replica for its vote in an epoch, or, as a pre-vote, whether it would give it (KIP-595).
 *
 * Serves versions 0 to 2, all flexible. Version 1 adds the id of the voter that is asked, the directory ids
 * of both, and the endpoint of the leader in the response (KIP-853); 2 pre-votes (KIP-996).
 *
 * @module
 */
import { defineHandler, type Handler } from "../../network/server/handler.ts";
import { vote } from "../../protocol/messages/vote.ts";
import { answerOf, type RaftNeeds } from "../requests.ts";
import { decodeVote, encodeVoteAnswer } from "../wire/vote.ts";

/** Serves Vote. */
export const voteHandler: Handler<RaftNeeds> = defineHandler(vote, {
  async handle(request, { services: { raft }, connection }) {
    const reply = await raft.request(decodeVote(request, raft));
    return encodeVoteAnswer(answerOf(reply, "vote"), connection.listener);
  },
  onError: (_request, errorCode) => ({ errorCode, topics: [] }),
});
