/**
 * Bugs planted in what is between the core of the quorum and the wire.
 *
 * @module
 */
import type { Mutant } from "../mutant.ts";

const HANDLERS = "tests/raft/handlers";
const PEERS_TEST = "tests/raft/peers_test.ts";
const BATCHES_TEST = "tests/raft/wire/fetched_batches_test.ts";

/** By the letters RW. */
export const RAFT_WIRE_MUTANTS: readonly Mutant[] = [
  {
    id: "RW1",
    file: "src/raft/wire/ends.ts",
    bug: "requests of other clusters are served",
    text: "clusterId === null || clusterId === receiver.clusterId",
    replacement: "clusterId === null || receiver.clusterId !== null",
    test: `${HANDLERS}/vote_test.ts`,
  },
  {
    id: "RW2",
    file: "src/raft/wire/vote.ts",
    bug: "a request that names no voter is for none",
    text: "return id < 0 ? { id: nodeId, directoryId: ZERO_UUID } : { id, directoryId };",
    replacement:
      "return id < 0 ? { id, directoryId: ZERO_UUID } : { id, directoryId: directoryId + nodeId };",
    test: `${HANDLERS}/vote_test.ts`,
  },
  {
    id: "RW3",
    file: "src/raft/wire/exchange.ts",
    bug: "a pre-vote is sent as a vote to a peer that knows no pre-votes",
    text: "request.isPreVote ? FIRST_PRE_VOTE_VERSION : vote.minVersion",
    replacement: "request.isPreVote ? FIRST_PRE_VOTE_VERSION - 1 : vote.minVersion",
    test: PEERS_TEST,
  },
  {
    id: "RW4",
    file: "src/raft/wire/exchange.ts",
    bug: "a replica fetches without the epoch of its last record",
    text: "minVersion: FIRST_FOLLOWER_VERSION,",
    replacement: "minVersion: FIRST_FOLLOWER_VERSION - 1,",
    test: PEERS_TEST,
  },
  {
    id: "RW5",
    file: "src/raft/peers.ts",
    bug: "votes wait behind fetches",
    text: 'isFetch ? "fetch" : "other"',
    replacement: 'isFetch ? "other" : "other"',
    test: PEERS_TEST,
  },
  {
    id: "RW6",
    file: "src/raft/peers.ts",
    bug: "a refused connection is like any other that fails",
    text: 'if (at instanceof ConnectionError && at.reason === "refused") return "refused";',
    replacement:
      'if (at instanceof ConnectionError && at.reason === "refused") return "disconnected";',
    test: PEERS_TEST,
  },
  {
    id: "RW7",
    file: "src/raft/peers.ts",
    bug: "the end of a killed leader is not looked into",
    text: "      await kept.get();\n      return outcome;",
    replacement: "      return outcome;",
    test: PEERS_TEST,
  },
  {
    id: "RW8",
    file: "src/raft/peers.ts",
    bug: "a request on a connection that is dead already fails",
    text: "if (!isFetch) return await this.#attempt(kept, request);",
    replacement: "if (!isFetch) return outcome;",
    test: PEERS_TEST,
  },
  {
    id: "RW9",
    file: "src/raft/peers.ts",
    bug: "the connection of a request in flight is closed for another one",
    text: "if (kept.users > 0 || kept === except) continue;",
    replacement: "if (kept === except) continue;",
    test: PEERS_TEST,
  },
  {
    id: "RW10",
    file: "src/raft/wire/fetched_batches.ts",
    bug: "damaged records are appended",
    text: "if (stored !== computed)",
    replacement: "if (stored === computed + 1)",
    test: BATCHES_TEST,
  },
  {
    id: "RW11",
    file: "src/raft/wire/fetched_batches.ts",
    bug: "an answer that is cut at its maximum size is unreadable",
    text: "{ allowPartial: true }",
    replacement: "{ allowPartial: false }",
    test: BATCHES_TEST,
  },
  {
    id: "RW12",
    file: "src/raft/wire/fetch.ts",
    bug: "an unknown high watermark of a follower is a very large one that it sends on",
    text: "? Number(highWatermark) : Infinity",
    replacement: "? Number(highWatermark) : Number(highWatermark)",
    test: `${HANDLERS}/fetch_test.ts`,
  },
  {
    id: "RW13",
    file: "src/raft/wire/fetch_snapshot.ts",
    bug: "the position at the end of a snapshot is answered with an empty part",
    text: "if (read.position >= part.size) {",
    replacement: "if (read.position > part.size) {",
    test: `${HANDLERS}/fetch_snapshot_test.ts`,
  },
  {
    id: "RW14",
    file: "src/raft/wire/voter_changes.ts",
    bug: "a voter without a directory id is added or removed",
    text: "if (voterId >= 0 && voterDirectoryId !== ZERO_UUID) {",
    replacement: 'if (voterId >= 0 && voterDirectoryId !== "") {',
    test: `${HANDLERS}/remove_raft_voter_test.ts`,
  },
  {
    id: "RW15",
    file: "src/raft/wire/known_leader.ts",
    bug: "the endpoint of another node is taken for the leader's",
    text: "nodeId === leaderId && isAddress(host, port)",
    replacement: "nodeId >= 0 && isAddress(host, port)",
    test: `${HANDLERS}/vote_test.ts`,
  },
  {
    id: "RW16",
    file: "src/raft/handlers/describe_quorum.ts",
    bug: "the times of the core are shown as those of the wall clock",
    text: "Math.round(wallMs - (nowMs - time))",
    replacement: "Math.round(wallMs - (wallMs - time) + nowMs - nowMs)",
    test: `${HANDLERS}/describe_quorum_test.ts`,
  },
  {
    id: "RW17",
    file: "src/raft/core/elections.ts",
    bug: "a candidate waits for the vote of a leader whose process has ended",
    text: "role.tally.recordEnded(voter.id);",
    replacement: "void voter;",
    test: "tests/raft/wire_quorum_test.ts",
  },
];
