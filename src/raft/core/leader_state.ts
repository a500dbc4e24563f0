/**
 * What a leader knows about the other replicas: how far their logs reach, and when they last fetched.
 *
 * @module
 */
import { CHECK_QUORUM_FETCH_TIMEOUTS, OBSERVER_TIMEOUT_MS, type RaftTiming } from "./timing.ts";
import type { FetchRequest } from "./messages.ts";
import { isSameReplica, type ReplicaKey, type Voter, type VoterSet } from "./voter_set.ts";

/** Maximum number of replicas that a leader remembers: many more than a cluster has. */
const MAX_REPLICAS = 4_096;

/** The log of another replica, as its fetches show it. Times are in milliseconds, -1 for never. */
export interface ReplicaProgress {
  readonly key: ReplicaKey;
  /** The end of its log, which is durable for a voter; -1 before its first fetch. */
  endOffset: number;
  lastFetchAt: number;
  lastCaughtUpAt: number;
}

/** A fetch that waits for news. */
export interface ParkedFetch {
  readonly token: number;
  readonly request: FetchRequest;
  readonly deadline: number;
}

/** A change of the voters that is not committed yet. */
export interface PendingVoterChange {
  /** The offset of the record that has the new set. */
  readonly offset: number;
  /** The request to answer when it is committed, or null if it has been answered. */
  readonly answer: { readonly token: number; readonly type: "add-voter" | "remove-voter" } | null;
}

/** A voter that is being probed before it is added. */
export interface PendingProbe {
  readonly token: number;
  readonly voter: Omit<Voter, "kraftVersions">;
  readonly waitsForCommit: boolean;
}

/** The state of a leader. */
export class LeaderState {
  readonly name = "leader";
  readonly epoch: number;
  /** The offset of the first record of its epoch. */
  readonly startOffset: number;
  readonly electedAt: number;
  /** The voters that elected it. */
  readonly grantingVoters: readonly number[];
  /** The fetches that wait. */
  readonly parked: ParkedFetch[] = [];
  /** Whether everything before its epoch is known to be committed. */
  isActive = false;
  pendingChange: PendingVoterChange | null = null;
  pendingProbe: PendingProbe | null = null;
  /** What voters have reported about themselves under `kraft.version` 0, by id. */
  readonly reported = new Map<number, Voter>();
  readonly #self: ReplicaKey;
  readonly #timing: RaftTiming;
  readonly #replicas = new Map<string, ReplicaProgress>();
  /** When BeginQuorumEpoch was last sent, by voter. */
  readonly #announcedAt = new Map<number, number>();
  #lastEndOffset: number;
  #lastEndOffsetAt: number;

  constructor(
    self: ReplicaKey,
    timing: RaftTiming,
    start: {
      readonly epoch: number;
      readonly offset: number;
      readonly now: number;
      readonly granting: readonly number[];
    },
  ) {
    this.epoch = start.epoch;
    this.#self = self;
    this.#timing = timing;
    this.startOffset = start.offset;
    this.electedAt = start.now;
    this.grantingVoters = start.granting;
    this.#lastEndOffset = start.offset;
    this.#lastEndOffsetAt = start.now;
  }

  /**
   * Returns the progress of `key`, or undefined before its first fetch. A key without a directory names the
   * replica of that id that has fetched last: what it had on an earlier disk does not count.
   */
  progress(key: ReplicaKey): ReplicaProgress | undefined {
    let latest: ReplicaProgress | undefined;
    for (const one of this.#replicas.values()) {
      if (!isSameReplica(one.key, key)) continue;
      if (latest === undefined || one.lastFetchAt >= latest.lastFetchAt) latest = one;
    }
    return latest;
  }

  /** The replicas that have fetched. */
  get replicas(): IterableIterator<ReplicaProgress> {
    return this.#replicas.values();
  }

  /** Records a fetch of records, which shows the end of the replica's log. */
  recordFetch(key: ReplicaKey, offset: number, logEndOffset: number, now: number): void {
    const progress = this.#touch(key, now, (one) => {
      // Caught up is a replica that has all records of the moment of its fetch, or of its fetch before.
      if (offset >= logEndOffset) one.lastCaughtUpAt = now;
      else if (offset >= this.#lastEndOffset) {
        one.lastCaughtUpAt = Math.max(one.lastCaughtUpAt, this.#lastEndOffsetAt);
      }
    });
    progress.endOffset = offset;
    if (logEndOffset !== this.#lastEndOffset) {
      this.#lastEndOffset = logEndOffset;
      this.#lastEndOffsetAt = now;
    }
  }

  /** Records a fetch of a part of a snapshot, which shows that the replica is alive. */
  recordContact(key: ReplicaKey, now: number): void {
    this.#touch(key, now, () => {});
  }

  /**
   * Returns the offset below which a majority of `voters` has all records durably: the entry in the middle
   * of their log ends. A leader that is no voter itself does not count.
   */
  replicatedOffset(voters: VoterSet, ownOffset: number): number {
    const offsets: number[] = [];
    for (const voter of voters) {
      const isOwn = isSameReplica(voter, this.#self);
      offsets.push(isOwn ? ownOffset : this.progress(voter)?.endOffset ?? -1);
    }
    offsets.sort((a, b) => b - a);
    return offsets[voters.majority - 1] ?? -1;
  }

  /**
   * When the leader must resign unless voters fetch, since it cannot know whether there is another leader by
   * then; infinite for a sole voter.
   */
  checkQuorumAt(voters: VoterSet): number {
    const needed = voters.majority - (voters.has(this.#self) ? 1 : 0);
    if (needed === 0) return Infinity;
    const contacts: number[] = [];
    for (const voter of voters) {
      if (isSameReplica(voter, this.#self)) continue;
      contacts.push(this.progress(voter)?.lastFetchAt ?? this.electedAt);
    }
    contacts.sort((a, b) => b - a);
    const last = Math.max(this.electedAt, contacts[needed - 1] ?? this.electedAt);
    return last + this.#timing.fetchTimeoutMs * CHECK_QUORUM_FETCH_TIMEOUTS;
  }

  /** When the leader must announce itself to a voter, which has not fetched for a while. */
  announceAt(voter: ReplicaKey): number {
    const announced = this.#announcedAt.get(voter.id);
    if (announced === undefined) return 0;
    const contact = this.progress(voter)?.lastFetchAt ?? -1;
    return Math.max(announced, contact) + this.#timing.fetchTimeoutMs / 2;
  }

  /** Records that the leader has announced itself to a voter. */
  recordAnnouncement(voter: ReplicaKey, now: number): void {
    this.#announcedAt.set(voter.id, now);
  }

  /** Announces the leader again to a voter, since the last attempt failed. */
  repeatAnnouncement(voterId: number): void {
    this.#announcedAt.delete(voterId);
  }

  /** Forgets replicas that are no voters and have not fetched for long, and the oldest ones of very many. */
  forgetSilentObservers(voters: VoterSet, now: number): void {
    for (const [name, { key, lastFetchAt }] of this.#replicas) {
      if (!voters.has(key) && now - lastFetchAt > OBSERVER_TIMEOUT_MS) this.#replicas.delete(name);
    }
    if (this.#replicas.size > MAX_REPLICAS) this.#forgetOldest(voters);
  }

  /** Requests are not authenticated: each may have a directory id of its own. */
  #forgetOldest(voters: VoterSet): void {
    const counted = new Set([...voters].map((voter) => this.progress(voter)));
    const names = [...this.#replicas].filter(([, progress]) => !counted.has(progress))
      .sort(([, a], [, b]) => a.lastFetchAt - b.lastFetchAt)
      .map(([name]) => name);
    for (const name of names.slice(0, names.length - MAX_REPLICAS / 2)) this.#replicas.delete(name);
  }

  #touch(
    key: ReplicaKey,
    now: number,
    update: (progress: ReplicaProgress) => void,
  ): ReplicaProgress {
    const name = nameOf(key);
    let progress = this.#replicas.get(name);
    if (progress === undefined) {
      progress = { key, endOffset: -1, lastFetchAt: -1, lastCaughtUpAt: -1 };
      this.#replicas.set(name, progress);
    }
    update(progress);
    progress.lastFetchAt = now;
    return progress;
  }
}

function nameOf({ id, directoryId }: ReplicaKey): string {
  return `${id} ${directoryId}`;
}
