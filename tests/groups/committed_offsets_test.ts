import { assertEquals } from "@std/assert";
import { CommittedOffsets } from "../../src/groups/committed_offsets.ts";
import { test } from "../harness.ts";

function committed(offset: number) {
  return { offset, leaderEpoch: -1, metadata: "", commitTimestampMs: 0 };
}

test("CommittedOffsets.set() replaces the offset of a partition", () => {
  const offsets = new CommittedOffsets();
  offsets.set("a", 1, committed(5));
  offsets.set("a", 1, committed(3));
  assertEquals(offsets.get("a", 1)?.offset, 3);
  assertEquals(offsets.get("a", 0), undefined);
  assertEquals(offsets.get("b", 1), undefined);
});

test("CommittedOffsets.delete() removes a topic with its last partition", () => {
  const offsets = new CommittedOffsets();
  offsets.set("a", 0, committed(1));
  offsets.set("a", 1, committed(2));
  offsets.delete("a", 0);
  offsets.delete("a", 7);
  offsets.delete("b", 0);
  assertEquals([...offsets.topics()].map(([name, { size }]) => [name, size]), [["a", 1]]);
  offsets.delete("a", 1);
  assertEquals(offsets.isEmpty, true);
});

test("CommittedOffsets.deleteTopic() deletes all partitions of one topic", () => {
  const offsets = new CommittedOffsets();
  offsets.set("a", 0, committed(1));
  offsets.set("b", 0, committed(1));
  offsets.deleteTopic("a");
  offsets.deleteTopic("a");
  assertEquals([...offsets.topics()].map(([name]) => name), ["b"]);
});
