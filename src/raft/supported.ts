/**
 * The requests of the quorum, which a controller listener serves.
 *
 * @module
 */
import type { Handler, NeedsOf } from "../network/server/handler.ts";
import { addRaftVoterHandler } from "./handlers/add_raft_voter.ts";
import { beginQuorumEpochHandler } from "./handlers/begin_quorum_epoch.ts";
import { raftDescribeQuorumHandler } from "./handlers/describe_quorum.ts";
import { endQuorumEpochHandler } from "./handlers/end_quorum_epoch.ts";
import { raftFetchHandler } from "./handlers/fetch.ts";
import { fetchSnapshotHandler } from "./handlers/fetch_snapshot.ts";
import { removeRaftVoterHandler } from "./handlers/remove_raft_voter.ts";
import { updateRaftVoterHandler } from "./handlers/update_raft_voter.ts";
import { voteHandler } from "./handlers/vote.ts";

const HANDLERS = [
  addRaftVoterHandler,
  beginQuorumEpochHandler,
  endQuorumEpochHandler,
  fetchSnapshotHandler,
  raftDescribeQuorumHandler,
  raftFetchHandler,
  removeRaftVoterHandler,
  updateRaftVoterHandler,
  voteHandler,
];

/** The dependencies of all handlers of the quorum together. */
export type RaftHandlerNeeds = NeedsOf<typeof HANDLERS[number]>;

/** The handlers of the quorum, in the order of their keys. */
export const RAFT_HANDLERS: readonly Handler<RaftHandlerNeeds>[] = [...HANDLERS]
  .sort((a, b) => a.api.key - b.api.key);
