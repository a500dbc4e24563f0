/**
 * RemoveRaftVoter removes a voter from the quorum (KIP-853). Only the leader serves it, and answers when the
 * new set of voters is committed. A leader that removes itself resigns then.
 *
 * Serves version 0, which is flexible.
 *
 * @module
 */
import { defineHandler, type Handler } from "../../network/server/handler.ts";
import { removeRaftVoter } from "../../protocol/messages/remove_raft_voter.ts";
import { answerOf, type RaftNeeds } from "../requests.ts";
import { decodeRemoveVoter } from "../wire/voter_changes.ts";

/** Serves RemoveRaftVoter. */
export const removeRaftVoterHandler: Handler<RaftNeeds> = defineHandler(removeRaftVoter, {
  async handle(request, { services: { raft } }) {
    const reply = await raft.request(decodeRemoveVoter(request, raft));
    const { errorCode, errorMessage } = answerOf(reply, "remove-voter");
    return { errorCode, errorMessage: errorMessage ?? null };
  },
  onError: (_request, errorCode, errorMessage) => ({ errorCode, errorMessage }),
});
