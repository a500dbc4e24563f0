import { assertEquals, assertRejects } from "@std/assert";
import {
  type DecisionLog,
  type DecisionOptions,
  DecisionQueue,
} from "../../../src/controller/active/decision_queue.ts";
import type { DecisionState } from "../../../src/controller/active/decision_state.ts";
import { MAX_RECORDS_PER_BATCH } from "../../../src/metadata/record_batches.ts";
import type { MetadataRecordInput } from "../../../src/metadata/records/metadata_record.ts";
import { ErrorCode, KafkaError } from "../../../src/protocol/errors.ts";
import { readBaseOffset, readRecordCount } from "../../../src/protocol/records/batch.ts";
import type { Pause } from "../../../src/protocol/records/compression/steps.ts";
import { test } from "../../harness.ts";
import { settled, stateOf } from "../fake_quorum.ts";
import { imageOf } from "../fixture.ts";

const NO_OP: MetadataRecordInput = { name: "NoOpRecord", value: {} };
const ENDED = new KafkaError(ErrorCode.NOT_CONTROLLER, "ended");

/** A queue whose log and state note what they are given. */
class Fixture implements DecisionLog {
  readonly events: string[] = [];
  readonly faults: string[] = [];
  readonly queue: DecisionQueue;
  endOffset = 5;
  isLeading = true;
  isSoleVoter = true;
  /** Called before a batch is appended. */
  onPropose = () => {};
  /** Called when a batch is to be applied. */
  onApply: (pause: Pause) => Promise<void> = () => Promise.resolve();
  /** What each pause waits for. */
  onPause: () => Promise<void> = () => Promise.resolve();

  constructor() {
    const state: DecisionState = {
      image: imageOf(),
      apply: async (batch, pause) => {
        await this.onApply(pause);
        this.events.push(`applied ${readBaseOffset(batch, 0)}+${readRecordCount(batch, 0)}`);
      },
    };
    this.queue = new DecisionQueue({
      epoch: 3,
      log: this,
      state,
      now: () => 7,
      newPause: () => () => this.onPause(),
      onFault: (error) => this.faults.push((error as Error).message),
    });
  }

  propose(batch: Uint8Array, recordCount: number): { offset: number; epoch: number } | null {
    this.onPropose();
    if (!this.isLeading) return null;
    const offset = this.endOffset;
    this.endOffset += recordCount;
    this.events.push(`appended ${readBaseOffset(batch, 0)}+${recordCount}`);
    return { offset, epoch: 3 };
  }

  /** Decides to append `count` records, and notes the decision and the answer. */
  decide(
    name: string,
    count: number,
    { isReadOfUncommitted = false, ...options }: DecisionOptions & {
      readonly isReadOfUncommitted?: boolean;
    } = {},
  ): Promise<string> {
    const answer = this.queue.run(() => {
      this.events.push(`decided ${name}`);
      const records = Array.from({ length: count }, () => NO_OP);
      return { records, result: name, isReadOfUncommitted };
    }, options);
    answer.then(() => this.events.push(`answered ${name}`), () => {});
    return answer;
  }

  take(): string[] {
    return this.events.splice(0);
  }
}

test("run() decides, appends, applies at once, and answers when the records are committed", async () => {
  const fixture = new Fixture();
  const first = fixture.decide("a", 2);
  const second = fixture.decide("b", 1);
  await settled();
  assertEquals(fixture.take(), [
    "decided a",
    "appended 5+2",
    "applied 5+2",
    "decided b",
    "appended 7+1",
    "applied 7+1",
  ]);
  assertEquals(fixture.queue.lastOffset, 7);
  fixture.queue.onCommitted(6);
  await settled();
  assertEquals(fixture.take(), []);
  fixture.queue.onCommitted(7);
  assertEquals(await first, "a");
  assertEquals(fixture.take(), ["answered a"]);
  fixture.queue.onCommitted(8);
  assertEquals(await second, "b");
});

test("run() answers at once what was committed while it was applied", async () => {
  const fixture = new Fixture();
  fixture.onApply = () => {
    fixture.queue.onCommitted(fixture.endOffset);
    return Promise.resolve();
  };
  assertEquals(await fixture.decide("a", 1), "a");
});

test("onApplied is called before the next decision, with the offset of the last record", async () => {
  const fixture = new Fixture();
  const onApplied = (offset: number) => void fixture.events.push(`noted ${offset}`);
  const answers = [fixture.decide("a", 2, { onApplied }), fixture.decide("b", 0, { onApplied })];
  fixture.onApply = () => {
    // A control batch of the quorum.
    fixture.endOffset++;
    return Promise.resolve();
  };
  await settled();
  assertEquals(fixture.take(), [
    "decided a",
    "appended 5+2",
    "applied 5+2",
    "noted 7",
    "decided b",
    "noted 7",
  ]);
  fixture.queue.onCommitted(8);
  await Promise.all(answers);
});

test("a decision in steps pauses between them, and ends with the leadership", async () => {
  const fixture = new Fixture();
  const steps = (name: string) =>
    fixture.queue.run(function* () {
      fixture.events.push(`${name} 1`);
      yield;
      fixture.events.push(`${name} 2`);
      return { records: [], result: name };
    });
  fixture.onPause = () => Promise.resolve(void fixture.events.push("paused"));
  fixture.queue.onCommitted(5);
  assertEquals(await steps("a"), "a");
  assertEquals(fixture.take(), ["a 1", "paused", "a 2", "paused"]);
  fixture.onPause = () => Promise.resolve(fixture.queue.end(ENDED));
  assertEquals(await stateOf(steps("b")), "ended");
  assertEquals(fixture.take(), ["b 1"]);
});

test("validateOnly changes nothing, and answers when what it depends on is committed", async () => {
  const fixture = new Fixture();
  const change = fixture.decide("change", 1);
  const validated = fixture.decide("validated", 1, { validateOnly: true });
  assertEquals(await stateOf(validated), "pending");
  fixture.queue.onCommitted(6);
  await Promise.all([change, validated]);
  fixture.take();
  const onApplied = () => void fixture.events.push("noted");
  const validateOnly = { validateOnly: true, onApplied };
  assertEquals(await fixture.decide("a", 3, validateOnly), "a");
  assertEquals(fixture.take(), ["decided a", "answered a"]);
  await assertRejects(
    () => fixture.decide("b", MAX_RECORDS_PER_BATCH + 1, validateOnly),
    KafkaError,
    "the maximum is 10000",
  );
});

test("more records than fit into a batch are rejected, or divided if that is allowed", async () => {
  const fixture = new Fixture();
  const error = await assertRejects(() => fixture.decide("a", 10_001), KafkaError);
  assertEquals(error.code, ErrorCode.POLICY_VIOLATION);
  assertEquals(fixture.take(), ["decided a"]);
  fixture.queue.onCommitted(100_000);
  assertEquals(await fixture.decide("b", 10_000), "b");
  assertEquals(await fixture.decide("c", 20_001, { isDivisible: true }), "c");
  assertEquals(fixture.take(), [
    "decided b",
    "appended 5+10000",
    "applied 5+10000",
    "answered b",
    "decided c",
    "appended 10005+10000",
    "applied 10005+10000",
    "appended 20005+10000",
    "applied 20005+10000",
    "appended 30005+1",
    "applied 30005+1",
    "answered c",
  ]);
});

test("a read waits until earlier changes are committed, unless it may be ahead", async () => {
  const fixture = new Fixture();
  const change = fixture.decide("change", 1);
  const read = fixture.decide("read", 0);
  const ahead = fixture.decide("ahead", 0, { isReadOfUncommitted: true });
  const write = fixture.decide("write", 1, { isReadOfUncommitted: true });
  assertEquals(await ahead, "ahead");
  assertEquals([await stateOf(read), await stateOf(write)], ["pending", "pending"]);
  fixture.queue.onCommitted(6);
  assertEquals([await change, await read], ["change", "read"]);
  assertEquals(await stateOf(write), "pending");
  fixture.queue.onCommitted(7);
  assertEquals(await write, "write");
});

test("a failing decision changes nothing and does not block the next", async () => {
  const fixture = new Fixture();
  fixture.queue.onCommitted(100);
  const failed = [
    fixture.queue.run<string>(() => {
      throw new KafkaError(ErrorCode.UNKNOWN_TOPIC_ID, "no such topic");
    }),
    fixture.queue.run(() => ({ records: throwing(), result: "" })),
  ];
  const next = fixture.decide("a", 1);
  for (const one of failed) await assertRejects(() => one, KafkaError, "no such topic");
  assertEquals(await next, "a");
  assertEquals(fixture.take(), ["decided a", "appended 5+1", "applied 5+1", "answered a"]);
  assertEquals(fixture.faults, []);
});

test("when the state cannot be applied, the queue reports the fault", async () => {
  const fixture = new Fixture();
  fixture.onApply = () => Promise.reject(new Error("broken"));
  const error = await assertRejects(() => fixture.decide("a", 1), KafkaError);
  assertEquals(error.code, ErrorCode.NOT_CONTROLLER);
  assertEquals(fixture.faults, ["broken"]);
});

test("a batch that the quorum does not take fails with NOT_CONTROLLER and is not applied", async () => {
  const fixture = new Fixture();
  fixture.isLeading = false;
  const error = await assertRejects(() => fixture.decide("a", 1), KafkaError);
  assertEquals(error.code, ErrorCode.NOT_CONTROLLER);
  assertEquals(fixture.take(), ["decided a"]);
  assertEquals(fixture.faults, []);
});

test("end() rejects a decision that waits for its turn", async () => {
  const fixture = new Fixture();
  const { promise, resolve } = Promise.withResolvers<void>();
  fixture.onApply = () => promise;
  const first = fixture.decide("a", 1);
  const second = fixture.decide("b", 1);
  await settled();
  fixture.queue.end(ENDED);
  for (const one of [first, second]) await assertRejects(() => one, KafkaError, "ended");
  await fixture.queue.settled();
  resolve();
  assertEquals(fixture.take().filter((event) => event !== "applied 5+1"), [
    "decided a",
    "appended 5+1",
  ]);
  assertEquals(fixture.faults, []);
  await assertRejects(() => fixture.decide("c", 1), KafkaError, "ended");
});

test("end() rejects a decision that is being collected or encoded, and nothing is appended", async () => {
  for (const after of [1, 2, 3]) {
    const fixture = new Fixture();
    let pauses = 0;
    fixture.onPause = () => {
      if (++pauses === after) fixture.queue.end(ENDED);
      return Promise.resolve();
    };
    // 64 records to a step.
    const answer = fixture.decide("a", 300);
    await assertRejects(() => answer, KafkaError, "ended");
    await fixture.queue.settled();
    assertEquals(fixture.take(), ["decided a"], `after ${after} pauses`);
  }
});

test("end() by the append itself leaves the batch unapplied", async () => {
  const fixture = new Fixture();
  fixture.onPropose = () => fixture.queue.end(ENDED);
  const answer = fixture.decide("a", 1);
  await assertRejects(() => answer, KafkaError, "ended");
  await fixture.queue.settled();
  assertEquals(fixture.take(), ["decided a", "appended 5+1"]);
});

test("end() interrupts the application of a batch at its next pause", async () => {
  const fixture = new Fixture();
  fixture.onApply = async (pause) => {
    fixture.queue.end(ENDED);
    await pause();
    fixture.events.push("not interrupted");
  };
  const answer = fixture.decide("a", 1);
  await assertRejects(() => answer, KafkaError, "ended");
  await fixture.queue.settled();
  await settled();
  assertEquals(fixture.take(), ["decided a", "appended 5+1"]);
  assertEquals(fixture.faults, []);
});

test("end() between the turn of a decision and its wait for the commit rejects it", async () => {
  // Some microtask after the call of onApplied is the first one in which the decision waits.
  for (let microtasks = 0; microtasks < 12; microtasks++) {
    const fixture = new Fixture();
    const onApplied = async () => {
      for (let passed = 0; passed < microtasks; passed++) await undefined;
      fixture.queue.end(ENDED);
    };
    const answer = fixture.decide("a", 1, { onApplied: () => void onApplied() });
    assertEquals(await stateOf(answer), "ended", `after ${microtasks} microtasks`);
  }
});

test("end() rejects decisions that wait for the commit; commits no longer count", async () => {
  const fixture = new Fixture();
  const answer = fixture.decide("a", 1);
  await settled();
  fixture.queue.end(ENDED);
  fixture.queue.onCommitted(100);
  fixture.queue.end(new KafkaError(ErrorCode.NOT_CONTROLLER, "twice"));
  await assertRejects(() => answer, KafkaError, "ended");
});

function* throwing(): Generator<MetadataRecordInput> {
  yield NO_OP;
  throw new KafkaError(ErrorCode.UNKNOWN_TOPIC_ID, "no such topic");
}

test("an epilogue is decided for the offset at which its records are appended", async () => {
  const fixture = new Fixture();
  fixture.queue.onCommitted(100);
  fixture.onApply = () => {
    // A control batch of the quorum comes after the first batch.
    if (fixture.endOffset === 6) fixture.endOffset++;
    return Promise.resolve();
  };
  fixture.onPause = async () => {
    await undefined;
    if (fixture.endOffset === 7) fixture.endOffset++;
  };
  const offsets: number[] = [];
  await fixture.queue.run(() => ({
    records: [NO_OP],
    epilogue: (offset) => {
      offsets.push(offset);
      return [NO_OP, NO_OP];
    },
    result: null,
  }));
  const [, appended] = fixture.take().filter((event) => event.startsWith("appended"));
  assertEquals(appended, `appended ${offsets[0]}+2`);
});

test("a client's answer without records waits until the leadership is confirmed, an error too", async () => {
  for (const isSoleVoter of [true, false]) {
    const fixture = new Fixture();
    fixture.isSoleVoter = isSoleVoter;
    const { queue, events } = fixture;
    queue.onCommitted(fixture.endOffset);
    const refuse = () => {
      throw new KafkaError(ErrorCode.TOPIC_ALREADY_EXISTS, "it exists");
    };
    const answers = [
      fixture.decide("a read", 0, { isForClient: true }),
      fixture.decide("a dry run", 2, { validateOnly: true, isForClient: true }),
      queue.run(refuse, { isForClient: true }),
    ].map((answer) => answer.then(() => "answered", (error: KafkaError) => error.message));
    await fixture.decide("a read of uncommitted", 0, { isReadOfUncommitted: true });
    const confirmed = events.filter((event) => event.startsWith("applied"));
    assertEquals(confirmed, isSoleVoter ? [] : ["applied 5+1", "applied 6+1", "applied 7+1"]);
    const outcomes = ["answered", "answered", "it exists"];
    if (isSoleVoter) assertEquals(await Promise.all(answers), outcomes);
    else {
      const early = await Promise.race([...answers, Promise.resolve("none")]);
      assertEquals(early, "none");
      queue.onCommitted(fixture.endOffset);
      assertEquals(await Promise.all(answers), outcomes);
    }
  }
});

test("an old leader does not answer from its state, not even with an error", async () => {
  const fixture = new Fixture();
  fixture.isSoleVoter = false;
  const { queue } = fixture;
  queue.onCommitted(fixture.endOffset);
  const answer = queue.run(() => {
    throw new KafkaError(ErrorCode.TOPIC_ALREADY_EXISTS, "it exists");
  }, { isForClient: true });
  await fixture.decide("a read of uncommitted", 0, { isReadOfUncommitted: true });
  queue.end(new KafkaError(ErrorCode.NOT_CONTROLLER, "another one leads"));
  const error = await assertRejects(() => answer, KafkaError);
  assertEquals(error.code, ErrorCode.NOT_CONTROLLER);
});
