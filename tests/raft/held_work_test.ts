import { assertEquals } from "@std/assert";
import { HeldWork } from "../../src/raft/held_work.ts";
import { test } from "../harness.ts";

test("work waits for the state that it requires, in order", () => {
  const held = new HeldWork();
  const done: string[] = [];
  const hold = (requires: number, name: string) => held.hold(requires, () => done.push(name));
  hold(0, "a");
  hold(1, "b");
  hold(2, "c");
  hold(2, "d");
  assertEquals(done, ["a"]);
  held.release(1);
  hold(1, "e");
  assertEquals(done, ["a", "b", "e"]);
  held.release(3);
  // A later state may become durable first.
  held.release(2);
  hold(3, "f");
  assertEquals(done, ["a", "b", "e", "c", "d", "f"]);
  hold(4, "g");
  held.clear();
  held.release(4);
  assertEquals(done.length, 6);
});
