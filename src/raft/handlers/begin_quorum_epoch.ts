/**
 * BeginQuorumEpoch announces the leader of an epoch to a voter that has not fetched from it (KIP-595).
 *
 * Serves versions 0 and 1. Version 1 is flexible and adds the id and the directory id of the voter, and the
 * endpoints of the leader in the request and the response (KIP-853).
 *
 * @module
 */
import { defineHandler, type Handler } from "../../network/server/handler.ts";
import { beginQuorumEpoch } from "../../protocol/messages/begin_quorum_epoch.ts";
import { answerOf, type RaftNeeds } from "../requests.ts";
import { decodeBeginQuorumEpoch, encodeBeginQuorumEpochAnswer } from "../wire/quorum_epochs.ts";

/** Serves BeginQuorumEpoch. */
export const beginQuorumEpochHandler: Handler<RaftNeeds> = defineHandler(beginQuorumEpoch, {
  async handle(request, { services: { raft }, connection }) {
    const reply = await raft.request(decodeBeginQuorumEpoch(request, raft));
    const answer = answerOf(reply, "begin-quorum-epoch");
    return encodeBeginQuorumEpochAnswer(answer, connection.listener);
  },
  onError: (_request, errorCode) => ({ errorCode, topics: [] }),
});
