import { assertEquals } from "@std/assert";
import { decideNoOp, noOpDueAt } from "../../../src/controller/active/no_op.ts";
import { test } from "../../harness.ts";

test("decideNoOp() appends a record to a log that was idle for the interval", () => {
  const input = { lastAppendMs: 1_000, maxIdleIntervalMs: 500 };
  assertEquals(noOpDueAt(input), 1_500);
  assertEquals(decideNoOp(input, 1_499), []);
  assertEquals(decideNoOp(input, 1_500), [{ name: "NoOpRecord", value: {} }]);
});

test("decideNoOp() appends nothing if the interval is 0", () => {
  const input = { lastAppendMs: 1_000, maxIdleIntervalMs: 0 };
  assertEquals([noOpDueAt(input), decideNoOp(input, 1e9)], [undefined, []]);
});
