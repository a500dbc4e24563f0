/**
 * The voter sets and levels of `kraft.version` along the log. A set acts from the moment its record is
 * appended, committed or not, and truncation undoes it (KIP-853).
 *
 * @module
 */
import { assert } from "../../assert.ts";
import type { ReplicaKey, VoterSet } from "./voter_set.ts";

/** The offset of the set that is not from the log: static, or of a bootstrap checkpoint. */
const BEFORE_LOG = -1;

interface Entry<T> {
  /** The offset of the record, or that before which a snapshot ends. */
  readonly offset: number;
  readonly value: T;
}

/** Values by the offset of the record that set them, in ascending order. */
class History<T> {
  #entries: Entry<T>[];

  constructor(initial: T) {
    this.#entries = [{ offset: BEFORE_LOG, value: initial }];
  }

  get latest(): Entry<T> {
    return this.#entries.at(-1)!;
  }

  get previous(): Entry<T> | undefined {
    return this.#entries.at(-2);
  }

  at(offset: number): T {
    return this.#entries.findLast((entry) => entry.offset <= offset)!.value;
  }

  add(offset: number, value: T): void {
    assert(offset > this.latest.offset, `A voter set at ${offset} after ${this.latest.offset}`);
    this.#entries.push({ offset, value });
  }

  truncateTo(endOffset: number): void {
    while (this.latest.offset >= endOffset && this.#entries.length > 1) this.#entries.pop();
  }

  /** Forgets all but the value at `offset`, which a snapshot that ends there has. */
  startAt(offset: number): void {
    const index = this.#entries.findLastIndex((entry) => entry.offset < offset);
    this.#entries = this.#entries.slice(Math.max(0, index));
  }

  replaceAll(offset: number, value: T): void {
    this.#entries = [{ offset, value }];
  }
}

/** The voter sets and levels of `kraft.version` along the log of one replica. */
export class VoterHistory {
  readonly #voters: History<VoterSet>;
  readonly #kraftVersions: History<number>;

  /** `initial`: the static voters under `kraft.version` 0, or those of the bootstrap checkpoint. */
  constructor(initial: VoterSet, kraftVersion: number) {
    this.#voters = new History(initial);
    this.#kraftVersions = new History(kraftVersion);
  }

  /** The set in force. */
  get voters(): VoterSet {
    return this.#voters.latest.value;
  }

  /** The offset of the record of the set in force, or -1 if it is not from the log. */
  get votersOffset(): number {
    return this.#voters.latest.offset;
  }

  /** Returns whether `key` was a voter before a set that is not committed: not below `committedEnd`. */
  wasVoterBefore(key: ReplicaKey, committedEnd: number): boolean {
    if (this.votersOffset < committedEnd) return false;
    return this.#voters.previous?.value.has(key) ?? false;
  }

  /** The level in force: 0 for static voters, 1 for voters in the log. */
  get kraftVersion(): number {
    return this.#kraftVersions.latest.value;
  }

  /** Returns the set and level as of all records before `endOffset`, as a snapshot that ends there has them. */
  before(endOffset: number): { readonly voters: VoterSet; readonly kraftVersion: number } {
    return {
      voters: this.#voters.at(endOffset - 1),
      kraftVersion: this.#kraftVersions.at(endOffset - 1),
    };
  }

  /** Sets the voters by a record at `offset`. */
  addVoters(offset: number, voters: VoterSet): void {
    this.#voters.add(offset, voters);
  }

  /** Sets the level by a record at `offset`. */
  addKRaftVersion(offset: number, level: number): void {
    this.#kraftVersions.add(offset, level);
  }

  /** Undoes the records at `endOffset` and after. */
  truncateTo(endOffset: number): void {
    this.#voters.truncateTo(endOffset);
    this.#kraftVersions.truncateTo(endOffset);
  }

  /** Forgets values that the records from `startOffset` on do not need. */
  startAt(startOffset: number): void {
    this.#voters.startAt(startOffset);
    this.#kraftVersions.startAt(startOffset);
  }

  /** Replaces everything by the content of a snapshot that ends at `endOffset`. */
  loadSnapshot(endOffset: number, voters: VoterSet | null, kraftVersion: number): void {
    this.#kraftVersions.replaceAll(endOffset - 1, kraftVersion);
    // A snapshot of kraft.version 0 has no voters: the static ones stay.
    if (voters !== null) this.#voters.replaceAll(endOffset - 1, voters);
    else this.#voters.replaceAll(BEFORE_LOG, this.#voters.at(BEFORE_LOG));
  }
}
