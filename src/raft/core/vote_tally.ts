/**
 * The votes of one election.
 *
 * @module
 */
import type { VoterSet } from "./voter_set.ts";

/** Counts the votes of one election or pre-vote. */
export class VoteTally {
  readonly #voters: VoterSet;
  readonly #granted = new Set<number>();
  readonly #rejected = new Set<number>();
  readonly #ended = new Set<number>();

  /** The voters of the election do not change while it lasts. */
  constructor(voters: VoterSet) {
    this.#voters = voters;
  }

  /** Records the vote of a voter. The votes of other replicas, and second votes, do not count. */
  record(voterId: number, isGranted: boolean): void {
    if (this.#voters.byId(voterId) === undefined || this.hasVoted(voterId)) return;
    (isGranted ? this.#granted : this.#rejected).add(voterId);
  }

  /** Records that the process of a voter has ended. It may come back and vote. */
  recordEnded(voterId: number): void {
    if (this.#voters.byId(voterId) !== undefined) this.#ended.add(voterId);
  }

  /** Returns whether the vote of a voter is known. */
  hasVoted(voterId: number): boolean {
    return this.#granted.has(voterId) || this.#rejected.has(voterId);
  }

  /** The voters that granted their vote. */
  get granted(): ReadonlySet<number> {
    return this.#granted;
  }

  /** Whether a majority granted its vote. */
  get isWon(): boolean {
    return this.#granted.size >= this.#voters.majority;
  }

  /** Whether no majority is left unless a voter whose process has ended comes back. */
  get isStuck(): boolean {
    let left = 0;
    for (const { id } of this.#voters) {
      if (this.#granted.has(id) || !this.#rejected.has(id) && !this.#ended.has(id)) left++;
    }
    return left < this.#voters.majority;
  }

  /** Whether a majority cannot be reached any more. */
  get isLost(): boolean {
    return this.#voters.size - this.#rejected.size < this.#voters.majority;
  }
}
