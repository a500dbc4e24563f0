import { assertEquals } from "@std/assert";
import { PendingWork } from "../../src/log/pending_work.ts";
import { test } from "../harness.ts";

test("settled() waits for work that is begun while other work ends, and for work that fails", async () => {
  const work = new PendingWork();
  const ended: string[] = [];
  let endFirst = () => {};
  const first = work.track(new Promise<void>((resolve) => endFirst = resolve));
  let failSecond = () => {};
  first.then(() => {
    ended.push("first");
    const second = work.track(
      new Promise<void>((_, reject) => failSecond = () => reject(new Error("no room"))),
    );
    second.catch(() => ended.push("second"));
  });
  const settled = work.settled().then(() => ended.push("settled"));
  endFirst();
  await first;
  // Whatever waited for the first alone goes on before the loop comes around.
  await new Promise((resolve) => setTimeout(resolve));
  assertEquals(ended, ["first"]);
  failSecond();
  await settled;
  assertEquals(ended, ["first", "second", "settled"]);
});
