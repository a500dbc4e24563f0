/**
 * The replicas of the quorum and its voters.
 *
 * A replica is named by its node id and the id of its metadata directory, so that a node that lost its
 * disk is not mistaken for the voter it was (KIP-853). Under `kraft.version` 0 the directories of voters
 * are not known: {@linkcode ZERO_UUID} stands for any.
 *
 * @module
 */
import { assert } from "../../assert.ts";
import { ZERO_UUID } from "../../protocol/uuid.ts";
import type { Address } from "../../runtime/runtime.ts";

/** A node with one of its metadata directories. */
export interface ReplicaKey {
  readonly id: number;
  /** {@linkcode ZERO_UUID} if unknown. */
  readonly directoryId: string;
}

/** A named address at which a voter can be reached. */
export interface VoterEndpoint extends Address {
  /** The name of the listener. */
  readonly name: string;
}

/** A member of the quorum that elects leaders and commits records. */
export interface Voter extends ReplicaKey {
  readonly endpoints: readonly VoterEndpoint[];
  /** The levels of `kraft.version` that it supports. */
  readonly kraftVersions: { readonly min: number; readonly max: number };
}

/** Returns whether two keys can name the same replica: an unknown directory equals any. */
export function isSameReplica(one: ReplicaKey, other: ReplicaKey): boolean {
  return one.id === other.id &&
    (one.directoryId === other.directoryId || one.directoryId === ZERO_UUID ||
      other.directoryId === ZERO_UUID);
}

/** Returns the text of `key` for messages: `1` or `1 (directory id)`. */
export function replicaName({ id, directoryId }: ReplicaKey): string {
  return directoryId === ZERO_UUID ? String(id) : `${id} (${directoryId})`;
}

/** The voters at one point of the log. Immutable. */
export class VoterSet implements Iterable<Voter> {
  readonly #voters: ReadonlyMap<number, Voter>;

  /** Throws an AssertionFailure for an id that occurs twice. */
  constructor(voters: Iterable<Voter>) {
    const byId = new Map<number, Voter>();
    for (const voter of voters) {
      assert(!byId.has(voter.id), `The voter set has ${voter.id} twice`);
      byId.set(voter.id, voter);
    }
    this.#voters = byId;
  }

  /** Number of voters. */
  get size(): number {
    return this.#voters.size;
  }

  /** Number of voters that are a majority. */
  get majority(): number {
    return Math.floor(this.#voters.size / 2) + 1;
  }

  /** Iterates in ascending order of registration. */
  [Symbol.iterator](): IterableIterator<Voter> {
    return this.#voters.values();
  }

  /** Returns the voter with this node id, whatever its directory. */
  byId(id: number): Voter | undefined {
    return this.#voters.get(id);
  }

  /** Returns whether `key` is a voter. */
  has(key: ReplicaKey): boolean {
    const voter = this.#voters.get(key.id);
    return voter !== undefined &&
      (voter.directoryId === key.directoryId || voter.directoryId === ZERO_UUID);
  }

  /** Returns whether `key` is the only voter. */
  isOnly(key: ReplicaKey): boolean {
    return this.size === 1 && this.has(key);
  }

  /** Returns a set in which `voter` was added, or replaced the voter with its id. */
  with(voter: Voter): VoterSet {
    return new VoterSet(new Map(this.#voters).set(voter.id, voter).values());
  }

  /** Returns a set without the voter with node id `id`. */
  without(id: number): VoterSet {
    return new VoterSet([...this.#voters.values()].filter((voter) => voter.id !== id));
  }

  /** Returns whether both sets have the same voters with the same endpoints and versions. */
  equals(other: VoterSet): boolean {
    if (this.size !== other.size) return false;
    for (const voter of this) {
      const same = other.byId(voter.id);
      if (same === undefined || JSON.stringify(same) !== JSON.stringify(voter)) return false;
    }
    return true;
  }
}
