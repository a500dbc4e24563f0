import { assertEquals } from "@std/assert";
import { hostAndPort, unmappedHost } from "../../src/runtime/ip_address.ts";
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
