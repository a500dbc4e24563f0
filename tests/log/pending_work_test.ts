import { assertEquals, assertRejects } from "@std/assert";
import { PendingWork } from "../../src/log/pending_work.ts";
import { test } from "../harness.ts";

/** Work that ends under the control of the test. */
function held(): { readonly done: Promise<void>; end(error?: Error): void } {
  let end!: (error?: Error) => void;
  const done = new Promise<void>((resolve, reject) => {
    end = (error) => error === undefined ? resolve() : reject(error);
  });
  return { done, end };
}

test("PendingWork.queue() starts a bounded number at once and the others in order, even after failures", async () => {
  const pending = new PendingWork();
  const works = Array.from({ length: 40 }, held);
  const begun: number[] = [];
  const ends = works.map(({ done }, i) =>
    pending.queue(() => {
      begun.push(i);
      return done;
    })
  );
  const most = begun.length;
  assertEquals(begun, [...Array(most).keys()]);
  assertEquals(most < 40 && most > 0, true);
  works[2]!.end(new Error("torn"));
  await assertRejects(() => ends[2]!, Error, "torn");
  assertEquals(begun.length, most + 1);
  let isSettled = false;
  const settled = pending.settled().then(() => void (isSettled = true));
  for (const [i, work] of works.entries()) {
    if (i === 2) continue;
    assertEquals(isSettled, false);
    work.end();
    await ends[i];
  }
  await settled;
  assertEquals(begun, [...Array(40).keys()]);
  // The slots are free again.
  const again = Array.from({ length: most }, held);
  const later = again.map(({ done }) => pending.queue(() => (begun.push(0), done)));
  assertEquals(begun.length, 40 + most);
  for (const work of again) work.end();
  await Promise.all(later);
});

test("settled() waits for work started while other work ends, and for work that fails", async () => {
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
  // Work that only waited for the first task continues before the loop checks again.
  await new Promise((resolve) => setTimeout(resolve));
  assertEquals(ended, ["first"]);
  failSecond();
  await settled;
  assertEquals(ended, ["first", "second", "settled"]);
});
