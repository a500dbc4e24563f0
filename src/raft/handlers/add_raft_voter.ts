/**
 * AddRaftVoter adds a voter to the quorum (KIP-853). Only the leader serves it. The new voter must have
 * fetched the metadata log up to its end as an observer.
 *
 * Serves versions 0 and 1, both flexible. Version 1 adds the choice of an answer before the new set of voters
 * is committed (KIP-1186). An answer that is not complete within `timeoutMs` is REQUEST_TIMED_OUT; the change
 * may still be made then.
 *
 * @module
 */
import { defineHandler, type Handler } from "../../network/server/handler.ts";
import { addRaftVoter } from "../../protocol/messages/add_raft_voter.ts";
import type { Clock } from "../../runtime/runtime.ts";
import { answerOf, type RaftNeeds } from "../requests.ts";
import { decodeAddVoter } from "../wire/voter_changes.ts";
import { withinTime } from "../within_time.ts";

interface Needs extends RaftNeeds {
  readonly clock: Pick<Clock, "setTimer">;
}

/** Serves AddRaftVoter. */
export const addRaftVoterHandler: Handler<Needs> = defineHandler(addRaftVoter, {
  async handle(request, { services: { raft, clock } }) {
    const reply = await withinTime(raft.request(decodeAddVoter(request, raft)), {
      clock,
      timeoutMs: request.timeoutMs,
      what: `add voter ${request.voterId}`,
    });
    const { errorCode, errorMessage } = answerOf(reply, "add-voter");
    return { errorCode, errorMessage: errorMessage ?? null };
  },
  onError: (_request, errorCode, errorMessage) => ({ errorCode, errorMessage }),
});
