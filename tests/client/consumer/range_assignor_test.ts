import { assertEquals } from "@std/assert";
import { assignRanges, type Subscriber } from "../../../src/client/consumer/range_assignor.ts";
import { test } from "../../harness.ts";

const member = (memberId: string, topics: string[], groupInstanceId: string | null = null) => ({
  memberId,
  topics,
  groupInstanceId,
});

function assigned(members: readonly Subscriber[], counts: Record<string, number>) {
  const assignments = assignRanges(members, new Map(Object.entries(counts)));
  return Object.fromEntries(
    [...assignments].map(([id, topics]) => [id, Object.fromEntries(topics)]),
  );
}

test("assignRanges() assigns ranges in the order of member ids", () => {
  assertEquals(assigned([member("b", ["t"]), member("a", ["t"])], { t: 5 }), {
    b: { t: [3, 4] },
    a: { t: [0, 1, 2] },
  });
});

test("assignRanges() assigns each topic independently", () => {
  assertEquals(
    assigned([member("a", ["t", "u"]), member("b", ["u"]), member("c", ["t"])], { t: 2, u: 3 }),
    { a: { t: [0], u: [0, 1] }, b: { u: [2] }, c: { t: [1] } },
  );
});

test("assignRanges() leaves members without partitions if there are too few", () => {
  assertEquals(assigned([member("a", ["t"]), member("b", ["t"])], { t: 1 }), {
    a: { t: [0] },
    b: {},
  });
});

test("assignRanges() sorts static members first, by their static ids", () => {
  const members = [member("a", ["t"]), member("z", ["t"], "one"), member("y", ["t"], "two")];
  assertEquals(assigned(members, { t: 3 }), { a: { t: [2] }, z: { t: [0] }, y: { t: [1] } });
});

test("assignRanges() does not assign missing topics", () => {
  assertEquals(assigned([member("a", ["gone"])], {}), { a: {} });
});
