/**
 * The cryptographic functions that every {@linkcode Runtime} must have, against published vectors.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import type { HashName } from "../../src/runtime/runtime.ts";
import type { Check } from "./contract.ts";

/** Digests of short texts (FIPS 180-4). */
const DIGESTS: readonly (readonly [HashName, text: string, digest: string])[] = [
  ["sha256", "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"],
  ["sha256", "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"],
  [
    "sha512",
    "abc",
    "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a" +
    "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
  ],
];

/** Test cases 1 and 6 of RFC 4231: the second has a key longer than a block. */
const HMACS: readonly (readonly [HashName, key: Uint8Array, text: string, code: string])[] = [
  [
    "sha256",
    new Uint8Array(20).fill(0x0b),
    "Hi There",
    "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
  ],
  [
    "sha512",
    new Uint8Array(20).fill(0x0b),
    "Hi There",
    "87aa7cdea5ef619d4ff0b4241a1d6cb02379f4e2ce4ec2787ad0b30545e17cde" +
    "daa833b7d6b8a702038b274eaea3f4e4be9d914eeb61f1702e696c203a126854",
  ],
  [
    "sha256",
    new Uint8Array(131).fill(0xaa),
    "Test Using Larger Than Block-Size Key - Hash Key First",
    "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
  ],
  [
    "sha512",
    new Uint8Array(131).fill(0xaa),
    "Test Using Larger Than Block-Size Key - Hash Key First",
    "80b24263c7c1a3ebb71493c1dd7be8b49b46d1f41b4aeec1121b013783f8f352" +
    "6b56d037e05f2598bd0fd2215d6a1e5295e64f73f63f0aec8b915a985d786598",
  ],
];

/** RFC 7914, section 11; a longer password and salt; and the usual case for SHA-512. */
const DERIVED_KEYS: readonly (readonly [
  HashName,
  password: string,
  salt: string,
  iterations: number,
  key: string,
])[] = [
  [
    "sha256",
    "passwd",
    "salt",
    1,
    "55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc" +
    "49ca9cccf179b645991664b39d77ef317c71b845b1e30bd509112041d3a19783",
  ],
  [
    "sha256",
    "passwordPASSWORDpassword",
    "saltSALTsaltSALTsaltSALTsaltSALTsalt",
    4096,
    "348c89dbcbd32b2f32d814b8116e84cf2b17347ebc1800181c4e2a1fb8dd53e1c635518c7dac47e9",
  ],
  [
    "sha512",
    "password",
    "salt",
    1,
    "867f70cf1ade02cff3752599a3a53dc4af34c7a669815ae5d513554e1c8cf252" +
    "c02d470a285a0501bad999bfe943c08f050235d7d68b1da55e63f73b60a57fce",
  ],
];

function hexOf(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Registers the part of the contract that is about cryptography. */
export function testCryptography(check: Check): void {
  const encoder = new TextEncoder();

  check("crypto hashes to the published digests", ({ runtime: { crypto } }) => {
    for (const [name, text, digest] of DIGESTS) {
      assertEquals(hexOf(crypto.hash(name, encoder.encode(text))), digest);
    }
    return Promise.resolve();
  });

  check("crypto computes the published HMACs", ({ runtime: { crypto } }) => {
    for (const [name, key, text, code] of HMACS) {
      assertEquals(hexOf(crypto.hmac(name, key, encoder.encode(text))), code);
    }
    return Promise.resolve();
  });

  check("crypto derives the published keys", ({ runtime: { crypto } }) => {
    for (const [name, password, salt, iterations, key] of DERIVED_KEYS) {
      const derived = crypto.pbkdf2(name, {
        password: encoder.encode(password),
        salt: encoder.encode(salt),
        iterations,
        length: key.length / 2,
      });
      assertEquals(hexOf(derived), key);
    }
    return Promise.resolve();
  });

  check("crypto returns bytes of its own, as many random ones as wanted", ({ runtime }) => {
    const { crypto } = runtime;
    const one = crypto.hash("sha256", new Uint8Array(3));
    assertEquals([one.byteOffset, one.buffer.byteLength], [0, 32]);
    one.fill(0);
    assert(crypto.hash("sha256", new Uint8Array(3)).some((byte) => byte !== 0));
    assertEquals(crypto.randomBytes(0).length, 0);
    const random = crypto.randomBytes(32);
    assertEquals(random.length, 32);
    assert(hexOf(random) !== hexOf(crypto.randomBytes(32)));
    return Promise.resolve();
  });
}
