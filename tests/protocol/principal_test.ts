import { assertEquals, assertThrows } from "@std/assert";
import {
  ANONYMOUS_PRINCIPAL,
  decodePrincipal,
  encodePrincipal,
  formatPrincipal,
  type KafkaPrincipal,
} from "../../src/protocol/principal.ts";
import { ProtocolError } from "../../src/protocol/wire.ts";
import { test } from "../harness.ts";

/** Written by the default principal builder of Apache Kafka 4.4.0. */
const ENCODED_BY_KAFKA: readonly (readonly [KafkaPrincipal, string])[] = [
  [ANONYMOUS_PRINCIPAL, "00 00 05 55 73 65 72 0a 41 4e 4f 4e 59 4d 4f 55 53 00 00"],
  [
    { type: "Group", name: "a:b", tokenAuthenticated: true },
    "00 00 06 47 72 6f 75 70 04 61 3a 62 01 00",
  ],
];

test("a principal is encoded and decoded as in Apache Kafka", () => {
  for (const [principal, hex] of ENCODED_BY_KAFKA) {
    const bytes = Uint8Array.from(hex.split(" "), (byte) => Number.parseInt(byte, 16));
    assertEquals(encodePrincipal(principal), bytes);
    assertEquals(decodePrincipal(bytes), principal);
  }
});

test("formatPrincipal() returns type and name", () => {
  const formatted = ENCODED_BY_KAFKA.map(([principal]) => formatPrincipal(principal));
  assertEquals(formatted, ["User:ANONYMOUS", "Group:a:b"]);
});

test("decodePrincipal() rejects unknown versions and truncated bytes", () => {
  const good = [...encodePrincipal(ANONYMOUS_PRINCIPAL)];
  for (const version of [[0, 1], [1, 0], [255, 255]]) {
    assertThrows(
      () => decodePrincipal(Uint8Array.from([...version, ...good.slice(2)])),
      ProtocolError,
      "Cannot decode DefaultPrincipalData: version is ",
    );
  }
  for (let length = 0; length < good.length; length++) {
    assertThrows(() => decodePrincipal(Uint8Array.from(good.slice(0, length))), ProtocolError);
  }
});
