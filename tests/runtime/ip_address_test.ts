import { assertEquals } from "@std/assert";
import {
  hostAndPort,
  ipAddressBytes,
  ipAddressText,
  unmappedHost,
} from "../../src/runtime/ip_address.ts";
import { test } from "../harness.ts";

test("unmappedHost() returns the IPv4 address of an IPv4-mapped one", () => {
  assertEquals(unmappedHost("::ffff:127.0.0.1"), "127.0.0.1");
  assertEquals(unmappedHost("::FFFF:10.1.2.3"), "10.1.2.3");
  assertEquals(unmappedHost("::ffff:7f00:1"), "127.0.0.1");
  assertEquals(unmappedHost("::ffff:c0a8:10fe"), "192.168.16.254");
});

test("unmappedHost() returns any other host unchanged", () => {
  for (
    const host of [
      "",
      "::",
      "::1",
      "127.0.0.1",
      "fe80::1%eth0",
      "2001:db8::ffff:1",
      "broker.example",
    ]
  ) assertEquals(unmappedHost(host), host);
});

test("hostAndPort() puts an IPv6 address in brackets", () => {
  assertEquals(hostAndPort("127.0.0.1", 9092), "127.0.0.1:9092");
  assertEquals(hostAndPort("::1", 9092), "[::1]:9092");
});

test("ipAddressBytes() and ipAddressText() convert addresses both ways", () => {
  for (
    const [host, bytes, text = host] of [
      ["127.0.0.1", [127, 0, 0, 1]],
      ["255.0.255.10", [255, 0, 255, 10]],
      ["::", Array(16).fill(0)],
      ["::1", [...Array(15).fill(0), 1]],
      ["2001:db8::", [0x20, 1, 0x0d, 0xb8, ...Array(12).fill(0)]],
      ["1:2:3:4:5:6:7:8", [0, 1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 0, 7, 0, 8]],
      ["1:0:0:2::3", [0, 1, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 3], "1:0:0:2::3"],
      ["1:0:2:3:4:5:6:7", [0, 1, 0, 0, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 0, 7]],
      ["fe80::AB%eth0", [0xfe, 0x80, ...Array(13).fill(0), 0xab], "fe80::ab"],
      [
        "64:ff9b::10.1.2.3",
        [0, 0x64, 0xff, 0x9b, ...Array(8).fill(0), 10, 1, 2, 3],
        "64:ff9b::a01:203",
      ],
      ["::ffff:10.1.2.3", [...Array(10).fill(0), 255, 255, 10, 1, 2, 3], "10.1.2.3"],
    ] as [string, number[], string?][]
  ) {
    assertEquals([...ipAddressBytes(host)!], bytes, host);
    assertEquals(ipAddressText(Uint8Array.from(bytes)), text, host);
  }
});

test("ipAddressBytes() returns null for what is no address", () => {
  for (
    const host of [
      "",
      "broker",
      "1.2.3",
      "1.2.3.256",
      "1.2.3.4.5",
      ":",
      ":::",
      "1::2::3",
      "1:2:3:4:5:6:7",
      "1:2:3:4:5:6:7:8:9",
      "1:2:3:4::5:6:7:8",
      "12345::",
      "g::",
      "::1.2.3",
    ]
  ) assertEquals(ipAddressBytes(host), null, host);
});

test("ipAddressText() returns null for other numbers of bytes", () => {
  for (const length of [0, 3, 5, 15, 17]) assertEquals(ipAddressText(new Uint8Array(length)), null);
});
