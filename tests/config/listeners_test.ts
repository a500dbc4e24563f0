import { assertEquals } from "@std/assert";
import {
  formatListener,
  noticeOfExposedListeners,
  parseListener,
  parseListeners,
  rejectAdvertisedListeners,
  rejectListeners,
} from "../../src/config/listeners.ts";
import { test } from "../harness.ts";

test("parseListener() reads names, addresses and ports", () => {
  assertEquals(parseListener("PLAINTEXT://127.0.0.1:9092"), {
    name: "PLAINTEXT",
    host: "127.0.0.1",
    port: 9092,
  });
  assertEquals(parseListener("plaintext://:0"), { name: "PLAINTEXT", host: "", port: 0 });
  assertEquals(parseListener("PLAINTEXT://[::1]:9092")?.host, "::1");
});

test("parseListener() returns null for anything else", () => {
  for (
    const text of ["", "127.0.0.1:9092", "PLAINTEXT://host", "PLAINTEXT://h:65536", "A://a b:1"]
  ) {
    assertEquals(parseListener(text), null, text);
  }
});

test("formatListener() writes what parseListener() reads", () => {
  for (const text of ["PLAINTEXT://127.0.0.1:9092", "PLAINTEXT://[::1]:0", "PLAINTEXT://:9092"]) {
    assertEquals(formatListener(parseListener(text)!), text);
  }
});

test("rejectListeners() accepts NAME://host:port only", () => {
  assertEquals(rejectListeners("PLAINTEXT://:9092"), null);
  assertEquals(rejectListeners(":9092")?.includes("PLAINTEXT://host:port"), true);
});

test("rejectAdvertisedListeners() rejects wildcard addresses", () => {
  assertEquals(rejectAdvertisedListeners("PLAINTEXT://broker.example:9092"), null);
  assertEquals(rejectAdvertisedListeners("PLAINTEXT://0.0.0.0:9092") === null, false);
  assertEquals(rejectAdvertisedListeners("PLAINTEXT://[::]:9092") === null, false);
  assertEquals(rejectAdvertisedListeners("PLAINTEXT://:9092") === null, false);
});

test("noticeOfExposedListeners() names the listeners that other machines can reach", () => {
  const notice = (text: string) => noticeOfExposedListeners(parseListeners(text));
  assertEquals(notice("A://127.0.0.1:1,B://localhost:2,C://[::1]:3,D://127.1.2.3:4"), null);
  assertEquals(
    notice("A://127.0.0.1:1,B://:2,C://[::]:3,D://10.0.0.1:4,E://localhost.example:5"),
    "Other machines can reach B://:2, C://[::]:3, D://10.0.0.1:4, E://localhost.example:5 without " +
      "encryption or authentication: restrict access with a firewall, or listen on 127.0.0.1",
  );
});
