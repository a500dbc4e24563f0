/**
 * The cryptographic functions of the host, from `node:crypto` on all of them: synchronous, unlike
 * `crypto.subtle`, so that they behave the same in a simulation.
 *
 * @module
 */

import type { Cryptography, HashName, RandomSource } from "./runtime.ts";

/** The parts of `node:crypto` that are used. */
interface CryptoModule {
  createHash(name: HashName): Digest;
  createHmac(name: HashName, key: Uint8Array): Digest;
  pbkdf2Sync(
    password: Uint8Array,
    salt: Uint8Array,
    iterations: number,
    length: number,
    name: HashName,
  ): Uint8Array;
}

interface Digest {
  update(data: Uint8Array): Digest;
  digest(): Uint8Array;
}

/** Creates the functions of {@linkcode Runtime.crypto}. Random bytes come from `random`. */
export function hostCryptography(random: RandomSource): Cryptography {
  return {
    hash: (name, data) => bytesOf(nodeCrypto().createHash(name).update(data).digest()),
    hmac: (name, key, data) => bytesOf(nodeCrypto().createHmac(name, key).update(data).digest()),
    pbkdf2: (name, { password, salt, iterations, length }) =>
      bytesOf(nodeCrypto().pbkdf2Sync(password, salt, iterations, length, name)),
    randomBytes: (length) => random.fill(new Uint8Array(length)),
  };
}

let loaded: CryptoModule | undefined;

/** Loads the module on first use: it takes milliseconds, and most processes never need it. */
function nodeCrypto(): CryptoModule {
  // deno-lint-ignore no-process-global
  return loaded ??= process.getBuiltinModule("node:crypto") as unknown as CryptoModule;
}

/** Copies a `Buffer`, which may share its memory with others. */
function bytesOf(buffer: Uint8Array): Uint8Array {
  return new Uint8Array(buffer);
}
