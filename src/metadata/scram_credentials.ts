/**
 * SCRAM credentials as set by UserScramCredentialRecords (KIP-554).
 *
 * @module
 */
import { equalValues } from "./equal_values.ts";
import type {
  RemoveUserScramCredentialRecord,
  UserScramCredentialRecord,
} from "./records/security.ts";

/** The credential of a user for one mechanism. Immutable. */
export class ScramCredential {
  readonly iterations: number;
  /** Salt, stored key and server key in one array: each array alone would need more memory than its bytes. */
  readonly #secrets: Uint8Array;
  readonly #saltEnd: number;
  readonly #storedKeyEnd: number;

  /** Copies the secrets of `record`. */
  constructor({ iterations, salt, storedKey, serverKey }: UserScramCredentialRecord) {
    this.iterations = iterations;
    this.#saltEnd = salt.length;
    this.#storedKeyEnd = salt.length + storedKey.length;
    this.#secrets = new Uint8Array(this.#storedKeyEnd + serverKey.length);
    this.#secrets.set(salt);
    this.#secrets.set(storedKey, this.#saltEnd);
    this.#secrets.set(serverKey, this.#storedKeyEnd);
  }

  /** The salt, a view that must not be changed, as must the keys. */
  get salt(): Uint8Array {
    return this.#secrets.subarray(0, this.#saltEnd);
  }
  get storedKey(): Uint8Array {
    return this.#secrets.subarray(this.#saltEnd, this.#storedKeyEnd);
  }
  get serverKey(): Uint8Array {
    return this.#secrets.subarray(this.#storedKeyEnd);
  }

  /** Returns whether the credentials are the same. */
  equals(other: ScramCredential): boolean {
    return this.iterations === other.iterations && this.#saltEnd === other.#saltEnd &&
      this.#storedKeyEnd === other.#storedKeyEnd && equalValues(this.#secrets, other.#secrets);
  }
}

/** Credentials by mechanism number. Immutable. */
export type ScramCredentialsOfUser = ReadonlyMap<number, ScramCredential>;

const NO_CREDENTIALS: ScramCredentialsOfUser = new Map();

/** All SCRAM credentials of a cluster. */
export class ScramCredentials {
  readonly #byUser = new Map<string, ScramCredentialsOfUser>();

  /** Sets a credential. */
  set(record: UserScramCredentialRecord): void {
    const { name, mechanism } = record;
    const changed = new Map(this.#byUser.get(name)).set(mechanism, new ScramCredential(record));
    this.#byUser.set(name, changed);
  }

  /** Removes a credential, if it exists. */
  remove({ name, mechanism }: RemoveUserScramCredentialRecord): void {
    const left = new Map(this.#byUser.get(name));
    left.delete(mechanism);
    if (left.size === 0) this.#byUser.delete(name);
    else this.#byUser.set(name, left);
  }

  /** Returns the users that have a credential. */
  users(): IterableIterator<string> {
    return this.#byUser.keys();
  }

  /** Returns the credentials of a user. */
  of(user: string): ScramCredentialsOfUser {
    return this.#byUser.get(user) ?? NO_CREDENTIALS;
  }
}
