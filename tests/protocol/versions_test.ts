import { assertEquals, assertThrows } from "@std/assert";
import { includes, parseVersions } from "../../src/protocol/versions.ts";
import { test } from "../harness.ts";

test("parseVersions() and includes() support every notation", () => {
  assertEquals(parseVersions("3"), { first: 3, last: 3 });
  assertEquals(parseVersions("0-12"), { first: 0, last: 12 });
  assertEquals(parseVersions("9+"), { first: 9, last: Infinity });
  for (
    const [range, version, expected] of [
      ["3", 2, false],
      ["3", 3, true],
      ["3", 4, false],
      ["0-12", 12, true],
      ["0-12", 13, false],
      ["9+", 8, false],
      ["9+", 99, true],
      ["none", 0, false],
    ] as const
  ) {
    assertEquals(includes(range, version), expected, `${version} in ${range}`);
  }
});

test("parseVersions() rejects malformed ranges", () => {
  for (const text of ["", "x", "3-", "+", "-3", "1-2+", "3 "]) {
    assertThrows(() => parseVersions(text), TypeError, `"${text}" is not a version range`);
  }
});
