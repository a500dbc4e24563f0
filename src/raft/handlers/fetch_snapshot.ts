/**
 * FetchSnapshot reads a part of a snapshot of the metadata log, for a follower whose log ends before the
 * leader's begins (KIP-630). The parts are cut at any byte.
 *
 * Serves versions 0 and 1, both flexible. Version 1 adds the follower's directory id, and the endpoint of
 * the leader in the response (KIP-853).
 *
 * @module
 */
import { defineHandler, type Handler } from "../../network/server/handler.ts";
import { ErrorCode } from "../../protocol/errors.ts";
import { fetchSnapshot } from "../../protocol/messages/fetch_snapshot.ts";
import { answerOf, type RaftNeeds } from "../requests.ts";
import {
  decodeFetchSnapshot,
  encodeFetchSnapshotAnswer,
  failedFetchSnapshot,
  isSnapshotPosition,
} from "../wire/fetch_snapshot.ts";

/** Serves FetchSnapshot. */
export const fetchSnapshotHandler: Handler<RaftNeeds> = defineHandler(fetchSnapshot, {
  async handle(request, { services: { raft }, connection: { listener } }) {
    const asked = decodeFetchSnapshot(request, raft);
    const isPosition = isSnapshotPosition(asked.position);
    const reply = await raft.request(isPosition ? asked : { ...asked, position: 0 });
    const answer = answerOf(reply, "fetch-snapshot");
    if (!isPosition && answer.errorCode === ErrorCode.NONE) {
      return failedFetchSnapshot(
        { ...answer, errorCode: ErrorCode.POSITION_OUT_OF_RANGE },
        listener,
      );
    }
    return encodeFetchSnapshotAnswer(answer, reply.snapshotPart, listener);
  },
  onError: (_request, errorCode) => ({ errorCode, topics: [] }),
});
