import { assertEquals, assertRejects } from "@std/assert";
import { type Flushable, GroupCommit } from "../../src/replication/group_commit.ts";
import { test } from "../harness.ts";

/** A log whose flushes end when the test says so. */
class ManualLog implements Flushable {
  flushes = 0;
  #ends: ((failure?: Error) => void)[] = [];

  flush(): Promise<void> {
    this.flushes++;
    return new Promise((resolve, reject) => {
      this.#ends.push((failure) => failure === undefined ? resolve() : reject(failure));
    });
  }

  /** How many flushes are under way. */
  get running(): number {
    return this.#ends.length;
  }

  end(failure?: Error): void {
    this.#ends.shift()!(failure);
  }
}

/** Runs the microtasks until every promise that can settle has settled. */
async function settle(): Promise<void> {
  for (let i = 0; i < 20; i++) await Promise.resolve();
}

/** Appends to `heard` when `promise` settles. */
function hear(heard: string[], name: string, promise: Promise<void>): void {
  promise.then(() => heard.push(name), (error) => heard.push(`${name}: ${error.message}`));
}

test("commit() shares one flush among all requests that come before it begins", async () => {
  const log = new ManualLog();
  const commits = new GroupCommit<ManualLog>();
  const heard: string[] = [];
  for (const name of ["a", "b", "c"]) hear(heard, name, commits.commit(log));
  await settle();
  assertEquals([log.flushes, heard, commits.size], [1, [], 1]);
  log.end();
  await settle();
  assertEquals([log.flushes, heard, commits.size], [1, ["a", "b", "c"], 0]);
});

test("commit() during a flush waits for the next one, which is shared too", async () => {
  const log = new ManualLog();
  const commits = new GroupCommit<ManualLog>();
  const heard: string[] = [];
  hear(heard, "first", commits.commit(log));
  await settle();
  for (const name of ["second", "third"]) hear(heard, name, commits.commit(log));
  await settle();
  assertEquals(log.running, 1);
  log.end();
  await settle();
  // The first flush may have begun before their records were written.
  assertEquals([heard, log.flushes, log.running], [["first"], 2, 1]);
  log.end();
  await settle();
  assertEquals([heard, log.flushes], [["first", "second", "third"], 2]);
});

test("commit() joins a flush that is still being gathered", async () => {
  const log = new ManualLog();
  let begin = () => {};
  const gather = () => new Promise<void>((resolve) => void (begin = resolve));
  const commits = new GroupCommit<ManualLog>(gather);
  const heard: string[] = [];
  hear(heard, "early", commits.commit(log));
  await settle();
  hear(heard, "late", commits.commit(log));
  await settle();
  assertEquals(log.flushes, 0);
  begin();
  await settle();
  log.end();
  await settle();
  assertEquals([log.flushes, heard], [1, ["early", "late"]]);
});

test("commit() flushes logs side by side", async () => {
  const [slow, fast] = [new ManualLog(), new ManualLog()];
  const commits = new GroupCommit<ManualLog>();
  const heard: string[] = [];
  hear(heard, "slow", commits.commit(slow));
  hear(heard, "fast", commits.commit(fast));
  await settle();
  assertEquals([slow.running, fast.running], [1, 1]);
  fast.end();
  await settle();
  hear(heard, "fast again", commits.commit(fast));
  await settle();
  fast.end();
  await settle();
  assertEquals(heard, ["fast", "fast again"]);
  slow.end();
  await settle();
  assertEquals(heard, ["fast", "fast again", "slow"]);
});

test("commit() flushes at most maxConcurrent logs at a time, and each in the end", async () => {
  const logs = Array.from({ length: 7 }, () => new ManualLog());
  const commits = new GroupCommit<ManualLog>(undefined, 3);
  const heard: string[] = [];
  logs.forEach((log, i) => hear(heard, String(i), commits.commit(log)));
  await settle();
  const running = () => logs.filter((log) => log.running > 0).length;
  assertEquals([running(), commits.size], [3, 7]);
  while (heard.length < 7) {
    logs.find((log) => log.running > 0)!.end();
    await settle();
    assertEquals(running() <= 3, true);
  }
  assertEquals([heard, commits.size], [["0", "1", "2", "3", "4", "5", "6"], 0]);
});

test("a failed flush fails the requests that wait for it and no others", async () => {
  const [bad, good] = [new ManualLog(), new ManualLog()];
  const commits = new GroupCommit<ManualLog>();
  const waiting = [commits.commit(bad), commits.commit(bad), commits.commit(good)] as const;
  await settle();
  bad.end(new Error("broken"));
  good.end();
  await assertRejects(() => waiting[0], Error, "broken");
  await assertRejects(() => waiting[1], Error, "broken");
  await waiting[2];
  // A later request flushes again: it is the log that remembers its failure.
  const later = commits.commit(bad);
  await settle();
  assertEquals(bad.flushes, 2);
  bad.end(new Error("still broken"));
  await assertRejects(() => later, Error, "still broken");
});

test("a log whose next flush is pending does not delay the logs behind it", async () => {
  const [slow, fast] = [new ManualLog(), new ManualLog()];
  const commits = new GroupCommit<ManualLog>();
  const heard: string[] = [];
  hear(heard, "slow", commits.commit(slow));
  await settle();
  hear(heard, "slow again", commits.commit(slow));
  hear(heard, "fast", commits.commit(fast));
  await settle();
  assertEquals([slow.running, fast.running], [1, 1]);
  fast.end();
  await settle();
  assertEquals(heard, ["fast"]);
  slow.end();
  await settle();
  slow.end();
  await settle();
  assertEquals(heard, ["fast", "slow", "slow again"]);
});
