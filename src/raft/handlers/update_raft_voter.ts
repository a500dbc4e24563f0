/**
 * UpdateRaftVoter reports changed endpoints and `kraft.version` levels of a voter to the leader (KIP-853),
 * which answers when it has appended the new set of voters.
 *
 * Serves version 0, which is flexible.
 *
 * @module
 */
import { defineHandler, type Handler } from "../../network/server/handler.ts";
import { updateRaftVoter } from "../../protocol/messages/update_raft_voter.ts";
import { answerOf, type RaftNeeds } from "../requests.ts";
import { decodeUpdateVoter, encodeUpdateVoterAnswer } from "../wire/voter_changes.ts";

/** Serves UpdateRaftVoter. */
export const updateRaftVoterHandler: Handler<RaftNeeds> = defineHandler(updateRaftVoter, {
  async handle(request, { services: { raft }, connection }) {
    const reply = await raft.request(decodeUpdateVoter(request, raft));
    return encodeUpdateVoterAnswer(answerOf(reply, "update-voter"), connection.listener);
  },
  onError: (_request, errorCode) => ({ errorCode }),
});
