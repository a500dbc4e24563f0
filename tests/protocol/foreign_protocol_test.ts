import { assertEquals } from "@std/assert";
import { recognizeForeignOpening } from "../../src/protocol/foreign_protocol.ts";
import { test } from "../harness.ts";

/** Returns the first four bytes of `bytes`, or of a text, as a frame length. */
function prefix(bytes: string | readonly number[]): number {
  const first = typeof bytes === "string"
    ? new TextEncoder().encode(bytes)
    : Uint8Array.from(bytes);
  return new DataView(first.buffer).getInt32(0);
}

const RECOGNIZED: readonly (readonly [number, string, string])[] = [
  [369_295_618, "TLS", "a TLS handshake"],
  [1_195_725_856, "HTTP", "an HTTP GET request"],
  [1_347_375_956, "HTTP", "an HTTP POST request"],
  [1_347_571_544, "PROXY", "a PROXY protocol header"],
  [prefix([0x16, 3, 0, 0]), "TLS", "a TLS handshake"],
  [prefix([0x16, 3, 3, 255]), "TLS", "a TLS handshake"],
  [prefix([0x16, 3, 4, 2]), "TLS", "a TLS handshake"],
  [prefix([0x15, 3, 3, 0]), "TLS", "a TLS alert"],
  [prefix("HEAD / HTTP/1.1"), "HTTP", "an HTTP HEAD request"],
  [prefix("PUT / HTTP/1.1"), "HTTP", "an HTTP PUT request"],
  [prefix("DELETE / HTTP/1.1"), "HTTP", "an HTTP DELETE request"],
  [prefix("CONNECT a:1 HTTP/1.1"), "HTTP", "an HTTP CONNECT request"],
  [prefix("OPTIONS * HTTP/1.1"), "HTTP", "an HTTP OPTIONS request"],
  [prefix("TRACE / HTTP/1.1"), "HTTP", "an HTTP TRACE request"],
  [prefix("PATCH / HTTP/1.1"), "HTTP", "an HTTP PATCH request"],
  [prefix("PRI * HTTP/2.0"), "HTTP", "an HTTP/2 connection preface"],
  [prefix("HTTP/1.1 400 Bad Request"), "HTTP", "an HTTP response"],
  [prefix("SSH-2.0-OpenSSH_9.9"), "SSH", "an SSH version string"],
  [prefix([0x0d, 0x0a, 0x0d, 0x0a]), "PROXY", "a PROXY protocol header"],
];

test("recognizeForeignOpening() identifies a protocol by the first four bytes", () => {
  for (const [bytes, protocol, sent] of RECOGNIZED) {
    assertEquals(recognizeForeignOpening(bytes), { protocol, sent } as unknown, sent);
  }
});

test("recognizeForeignOpening() returns null for other lengths", () => {
  const others = [
    0,
    1_024,
    104_857_601,
    -1,
    -2_147_483_648,
    2_147_483_647,
    prefix([0x16, 3, 5, 0]),
    prefix([0x16, 2, 0, 0]),
    prefix([0x17, 3, 3, 0]),
    prefix("get / HTTP/1.1"),
    prefix("220 mail.example ESMTP"),
  ];
  for (const bytes of others) assertEquals(recognizeForeignOpening(bytes), null, String(bytes));
});
