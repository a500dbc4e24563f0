import { assertEquals } from "@std/assert";
import { ErrorCode, errorName, KafkaError } from "../../src/protocol/errors.ts";
import { OffsetWaiters } from "../../src/replication/offset_waiters.ts";
import { settle } from "../broker/direct_broker.ts";
import { test } from "../harness.ts";

/** Waits for each of `offsets` and notes how and in which order the waits end. */
function waitFor(waiters: OffsetWaiters, offsets: readonly number[]) {
  const ends: string[] = [];
  const waits = offsets.map((offset) => waiters.add(offset));
  waits.forEach(({ done }, i) =>
    done.then(
      () => ends.push(String(offsets[i])),
      (error: KafkaError) => ends.push(`${offsets[i]} ${errorName(error.code)}`),
    )
  );
  return { ends, waits };
}

const timedOut = () => new KafkaError(ErrorCode.REQUEST_TIMED_OUT, "late");
const notLeader = () => new KafkaError(ErrorCode.NOT_LEADER_OR_FOLLOWER, "moved");

test("resolveUpTo() ends the waits for smaller offsets in the order of their offsets", async () => {
  const waiters = new OffsetWaiters();
  const { ends } = waitFor(waiters, [5, 9, 2, 7, 5]);
  waiters.resolveUpTo(1);
  await settle();
  assertEquals([ends, waiters.size], [[], 5]);
  waiters.resolveUpTo(7);
  await settle();
  assertEquals([ends, waiters.size], [["2", "5", "5", "7"], 1]);
});

test("failAll() rejects every wait, and later waits begin afresh", async () => {
  const waiters = new OffsetWaiters();
  const { ends } = waitFor(waiters, [3, 1]);
  waiters.failAll(notLeader());
  const later = waitFor(waiters, [2]);
  await settle();
  assertEquals(ends, ["1 NOT_LEADER_OR_FOLLOWER", "3 NOT_LEADER_OR_FOLLOWER"]);
  assertEquals([later.ends, waiters.size], [[], 1]);
});

test("fail() rejects its own wait and no other, once", async () => {
  const waiters = new OffsetWaiters();
  const { ends, waits } = waitFor(waiters, [4, 4, 6]);
  waits[1]!.fail(timedOut());
  waits[1]!.fail(notLeader());
  await settle();
  assertEquals([ends, waiters.size], [["4 REQUEST_TIMED_OUT"], 2]);
  waiters.resolveUpTo(6);
  waits[0]!.fail(timedOut());
  await settle();
  assertEquals([ends, waiters.size], [["4 REQUEST_TIMED_OUT", "4", "6"], 0]);
});
