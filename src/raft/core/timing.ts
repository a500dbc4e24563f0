/**
 * The times of the quorum, `controller.quorum.*` in Kafka.
 *
 * @module
 */

/** The times of the quorum, in milliseconds. */
export interface RaftTiming {
  /** A voter without a leader starts an election after this time and up to as much again. */
  readonly electionTimeoutMs: number;
  /** A follower without a successful fetch gives its leader up after this time. */
  readonly fetchTimeoutMs: number;
  /** Maximum wait between two attempts to become leader. */
  readonly electionBackoffMaxMs: number;
  /** A request without an answer counts as failed after this time. */
  readonly requestTimeoutMs: number;
  /** The first wait before a failed request is sent again; it doubles up to a bound. */
  readonly retryBackoffMs: number;
  /** A leader answers a fetch without news after this time. */
  readonly fetchMaxWaitMs: number;
  /** Maximum number of bytes in the answer of a fetch. */
  readonly fetchMaxBytes: number;
  /** Maximum number of bytes in one part of a snapshot. */
  readonly fetchSnapshotMaxBytes: number;
}

/** Kafka's defaults. */
export const DEFAULT_RAFT_TIMING: RaftTiming = {
  electionTimeoutMs: 1_000,
  fetchTimeoutMs: 2_000,
  electionBackoffMaxMs: 1_000,
  requestTimeoutMs: 2_000,
  retryBackoffMs: 20,
  fetchMaxWaitMs: 500,
  fetchMaxBytes: 1 << 20,
  fetchSnapshotMaxBytes: 1 << 20,
};

/** The wait before the first attempt of a replica that has just started, which doubles with each attempt. */
export const FIRST_ELECTION_WAIT_MS = 25;
/**
 * After a leader whose port refuses connections, followers wait up to this time for an election. The random
 * part keeps them from dividing their votes.
 */
export const REFUSED_LEADER_WAIT_MS = 50;
/**
 * A server that is asked for the leader answers at once. One that has not after this time may be suspended, and
 * another one is asked; it gets twice as long the next time.
 */
export const SEARCH_TIMEOUT_MS = 250;
/** A leader resigns if no majority has fetched for this many fetch timeouts. */
export const CHECK_QUORUM_FETCH_TIMEOUTS = 1.5;
/** A leader forgets an observer that has not fetched for this time. */
export const OBSERVER_TIMEOUT_MS = 300_000;
/** A voter to be added must have fetched within this time. */
export const NEW_VOTER_FETCH_MS = 3_600_000;
