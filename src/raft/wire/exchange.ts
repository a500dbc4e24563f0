/**
 * Exchanges a request of the core and its answer with another replica over a connection, in the newest
 * version that both sides support.
 *
 * @module
 */
import type { PeerConnection } from "../../network/peer_connection.ts";
import { beginQuorumEpoch } from "../../protocol/messages/begin_quorum_epoch.ts";
import { endQuorumEpoch } from "../../protocol/messages/end_quorum_epoch.ts";
import { fetch } from "../../protocol/messages/fetch.ts";
import { fetchSnapshot } from "../../protocol/messages/fetch_snapshot.ts";
import { updateRaftVoter } from "../../protocol/messages/update_raft_voter.ts";
import { vote } from "../../protocol/messages/vote.ts";
import { type Pause, withPauses } from "../../protocol/records/compression/steps.ts";
import type { PeerAnswer, PeerRequest } from "../core/messages.ts";
import type { Sender } from "./ends.ts";
import { decodeFetchAnswer, encodeFetch, FIRST_FOLLOWER_VERSION } from "./fetch.ts";
import { decodeFetchSnapshotAnswer, encodeFetchSnapshot } from "./fetch_snapshot.ts";
import {
  decodeBeginQuorumEpochAnswer,
  decodeEndQuorumEpochAnswer,
  encodeBeginQuorumEpoch,
  encodeEndQuorumEpoch,
} from "./quorum_epochs.ts";
import { decodeVoteAnswer, encodeVote, FIRST_PRE_VOTE_VERSION } from "./vote.ts";
import { decodeUpdateVoterAnswer, encodeUpdateVoter } from "./voter_changes.ts";

/**
 * Sends `request` and returns the answer. Awaits `pause` between the steps of checking fetched records.
 * Rejects with a `KafkaError` if the connection fails or the peer does not support the request, and with a
 * `ProtocolError` or a `RecordError` for an answer that is not one.
 */
export async function exchange(
  connection: PeerConnection,
  request: PeerRequest,
  sender: Sender,
  pause: Pause,
): Promise<PeerAnswer> {
  switch (request.type) {
    case "vote": {
      const minVersion = request.isPreVote ? FIRST_PRE_VOTE_VERSION : vote.minVersion;
      const response = await connection.request(vote, encodeVote(request, sender), { minVersion });
      return decodeVoteAnswer(response, sender);
    }
    case "begin-quorum-epoch": {
      const query = encodeBeginQuorumEpoch(request, sender);
      return decodeBeginQuorumEpochAnswer(
        await connection.request(beginQuorumEpoch, query),
        sender,
      );
    }
    case "end-quorum-epoch": {
      const query = encodeEndQuorumEpoch(request, sender);
      return decodeEndQuorumEpochAnswer(await connection.request(endQuorumEpoch, query), sender);
    }
    case "fetch": {
      const response = await connection.request(fetch, encodeFetch(request, sender), {
        minVersion: FIRST_FOLLOWER_VERSION,
        keepsBytes: true,
      });
      return await withPauses(decodeFetchAnswer(response, sender), pause);
    }
    case "fetch-snapshot": {
      const query = encodeFetchSnapshot(request, sender);
      const response = await connection.request(fetchSnapshot, query, { keepsBytes: true });
      return decodeFetchSnapshotAnswer(response, sender);
    }
    case "update-voter": {
      const query = encodeUpdateVoter(request, sender);
      return decodeUpdateVoterAnswer(await connection.request(updateRaftVoter, query), sender);
    }
  }
}
