import { assertEquals } from "@std/assert";
import { equalValues } from "../../src/metadata/equal_values.ts";
import { test } from "../harness.ts";

test("equalValues() compares values by their contents", () => {
  const values: readonly unknown[] = [
    0,
    -0,
    NaN,
    null,
    undefined,
    "",
    "0",
    false,
    10n,
    [],
    [1, 2],
    [2, 1],
    [[1], 2],
    new Uint8Array([1, 2]),
    new Uint8Array([1, 3]),
    {},
    { a: 1 },
    { a: 2 },
    { b: 1 },
    { a: 1, b: undefined },
    { a: [1], b: new Map([["x", { y: 1 }]]) },
    { a: [1], b: new Map([["x", { y: 2 }]]) },
    new Map(),
    new Map([["a", 1]]),
    new Map([["a", undefined]]),
    new Map([["b", undefined]]),
    new Map<string, unknown>([["a", 1], ["b", null]]),
  ];
  const copies = structuredClone(values);
  for (const [at, one] of values.entries()) {
    for (const [index, other] of copies.entries()) {
      // Arrays and byte arrays with the same items do not occur in the same place.
      if (one instanceof Uint8Array !== other instanceof Uint8Array) continue;
      assertEquals(equalValues(one, other), at === index, `${at} and ${index}`);
    }
  }
});

test("equalValues() ignores the order of entries", () => {
  assertEquals(equalValues(new Map([["a", 1], ["b", 2]]), new Map([["b", 2], ["a", 1]])), true);
  assertEquals(equalValues({ a: 1, b: 2 }, { b: 2, a: 1 }), true);
});
