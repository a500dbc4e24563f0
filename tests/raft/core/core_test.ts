import { assert, assertEquals, assertThrows } from "@std/assert";
import { AssertionFailure } from "../../../src/assert.ts";
import { ErrorCode } from "../../../src/protocol/errors.ts";
import { RaftCore, type RaftStart } from "../../../src/raft/core/core.ts";
import type { Effect } from "../../../src/raft/core/effects.ts";
import type { FetchAnswer, FetchRequest } from "../../../src/raft/core/messages.ts";
import { DEFAULT_RAFT_TIMING, FIRST_ELECTION_WAIT_MS } from "../../../src/raft/core/timing.ts";
import { test } from "../../harness.ts";
import { voter, voterSet } from "./voters.ts";

const LEADER = { epoch: 7, leaderId: 2, endpoints: voter(2).endpoints };

/** Returns replica 1 of three, which follows replica 2 in epoch 7. */
/** A voter that follows node 2 and has no records. */
const START: RaftStart = {
  self: { ...voter(1), canVote: true },
  environment: { timing: DEFAULT_RAFT_TIMING, below: () => 0, bootstrapServers: [] },
  log: { startOffset: 0, endOffset: 0, epochs: [], snapshots: [] },
  durable: { epoch: 7, leaderId: 2, voted: null },
  voters: voterSet(1, 2, 3),
  kraftVersion: 1,
  voterRecords: [],
};

function follower(log: Partial<RaftStart["log"]> = {}, timing = DEFAULT_RAFT_TIMING): RaftCore {
  const environment = { ...START.environment, timing };
  return new RaftCore({ ...START, environment, log: { ...START.log, ...log } });
}

/** Returns the fetch among `effects`. */
function fetchOf(effects: readonly Effect[]): { correlationId: number; request: FetchRequest } {
  for (const effect of effects) {
    if (effect.type !== "send" || effect.request.type !== "fetch") continue;
    return { correlationId: effect.correlationId, request: effect.request };
  }
  throw new Error("There is no fetch");
}

function answer(outcome: Partial<FetchAnswer>): FetchAnswer {
  return {
    type: "fetch",
    errorCode: ErrorCode.NONE,
    leader: LEADER,
    highWatermark: -1,
    logStartOffset: 0,
    diverging: null,
    snapshotId: null,
    batches: [],
    ...outcome,
  };
}

function batch(baseOffset: number, lastOffset: number, epoch: number): FetchAnswer["batches"][0] {
  return { baseOffset, lastOffset, epoch, control: [], bytes: new Uint8Array() };
}

test("a log that differs in two epochs is truncated in two steps", () => {
  // The leader has 0-2 of epoch 1, 3-4 of epoch 2, and later ones.
  const epochs = [{ epoch: 1, startOffset: 0 }, { epoch: 3, startOffset: 6 }];
  const core = follower({ endOffset: 8, epochs });
  const first = fetchOf(core.start(0));
  assertEquals([first.request.offset, first.request.lastEpoch], [8, 3]);
  const effects = core.answered(
    first.correlationId,
    answer({ diverging: { epoch: 2, endOffset: 5 } }),
    1,
  );
  assert(effects.some((effect) => effect.type === "truncate" && effect.endOffset === 6));
  const second = fetchOf(effects);
  assertEquals([second.request.offset, second.request.lastEpoch], [6, 1]);
  const last = core.answered(
    second.correlationId,
    answer({ diverging: { epoch: 1, endOffset: 3 } }),
    2,
  );
  const third = fetchOf(last);
  assertEquals([third.request.offset, third.request.lastEpoch], [3, 1]);
});

test("a truncation below the high watermark stops the replica", () => {
  const core = follower({ endOffset: 8, epochs: [{ epoch: 1, startOffset: 0 }] });
  const first = fetchOf(core.start(0));
  const effects = core.answered(first.correlationId, answer({ highWatermark: 8 }), 1);
  const diverging = answer({ diverging: { epoch: 1, endOffset: 7 } });
  assertThrows(
    () => core.answered(fetchOf(effects).correlationId, diverging, 2),
    AssertionFailure,
    "Cannot truncate the metadata log to 7",
  );
});

test("a voter fetches on only when what it has is durable", () => {
  const core = follower();
  const first = fetchOf(core.start(0));
  const fetched = answer({ batches: [batch(0, 3, 7)], highWatermark: 2 });
  const effects = core.answered(first.correlationId, fetched, 1);
  assertEquals(effects.map(({ type }) => type), ["append-fetched", "committed"]);
  assertEquals(core.persisted(3, 2), []);
  assertEquals(fetchOf(core.persisted(4, 3)).request.offset, 4);
});

test("the high watermark of a follower ends with its log", () => {
  const core = follower();
  const first = fetchOf(core.start(0));
  const fetched = answer({ batches: [batch(0, 3, 7)], highWatermark: 9 });
  core.answered(first.correlationId, fetched, 1);
  assertEquals(core.status.highWatermark, 4);
});

test("batches with a gap, of an earlier epoch or a later one are not appended", () => {
  for (const wrong of [batch(5, 5, 7), batch(4, 4, 6), batch(4, 4, 8)]) {
    const core = follower();
    const first = fetchOf(core.start(0));
    core.answered(first.correlationId, answer({ batches: [batch(0, 3, 7), wrong] }), 1);
    assertEquals(core.status.logEndOffset, 4);
  }
});

test("the answer of a request that has expired does not count", () => {
  const core = follower();
  const first = fetchOf(core.start(0));
  core.tick(DEFAULT_RAFT_TIMING.requestTimeoutMs);
  core.answered(first.correlationId, answer({ batches: [batch(0, 3, 7)] }), 2_001);
  assertEquals(core.status.logEndOffset, 0);
});

test("a message that names a second leader of the same epoch is ignored with a warning", () => {
  const core = follower();
  const first = fetchOf(core.start(0));
  const leader = { ...LEADER, leaderId: 3 };
  const effects = core.answered(first.correlationId, answer({ leader }), 1);
  assert(effects.some((effect) => effect.type === "notice" && effect.level === "warn"));
  assertEquals([core.status.role, core.status.leaderId], ["follower", 2]);
});

test("a log with a later epoch than the saved state moves the replica to that epoch", () => {
  const core = follower({ endOffset: 3, epochs: [{ epoch: 9, startOffset: 0 }] });
  const effects = core.start(0);
  assert(effects.some((effect) => effect.type === "save" && effect.state.epoch === 9));
  assertEquals([core.status.role, core.status.epoch], ["unattached", 9]);
});

test("a snapshot of uncommitted records is rejected", () => {
  const core = follower({ endOffset: 3, epochs: [{ epoch: 7, startOffset: 0 }] });
  core.start(0);
  assertThrows(
    () => core.snapshotWritten({ endOffset: 3, epoch: 7 }, 1),
    AssertionFailure,
    "Snapshot 3 is not committed",
  );
});

test("propose() returns null unless the replica leads and is active", () => {
  const core = follower();
  core.start(0);
  const { position, effects } = core.propose(new Uint8Array(1), 1, 1);
  assertEquals([position, effects], [null, []]);
});

test("a refused leader is given up within 51 ms, a silent one after the fetch timeout", () => {
  const { fetchTimeoutMs } = DEFAULT_RAFT_TIMING;
  const refused = follower();
  const first = fetchOf(refused.start(0));
  const second = fetchOf(refused.answered(first.correlationId, answer({}), 1));
  refused.answered(second.correlationId, { type: "failure", reason: "refused" }, 2);
  refused.tick(3);
  assertEquals(refused.status.role, "prospective");
  const silent = follower();
  silent.answered(fetchOf(silent.start(0)).correlationId, answer({}), 1);
  silent.tick(fetchTimeoutMs);
  assertEquals(silent.status.role, "follower");
  silent.tick(1 + fetchTimeoutMs);
  assertEquals(silent.status.role, "prospective");
});

test("a replica that has just started does not wait for what may have ended with its process", () => {
  const started = (durable: NonNullable<RaftStart["durable"]>): RaftCore => {
    const core = new RaftCore({ ...START, durable });
    core.start(0);
    return core;
  };
  const self = { id: 1, directoryId: "d1" };
  for (
    const [durable, role, next] of [
      [{ epoch: 7, leaderId: 2, voted: null }, "follower", "prospective"],
      [
        { epoch: 7, leaderId: -1, voted: { id: 2, directoryId: "d2" } },
        "unattached",
        "prospective",
      ],
      [{ epoch: 7, leaderId: -1, voted: self }, "candidate", "prospective"],
      [{ epoch: 7, leaderId: 1, voted: self }, "resigned", "unattached"],
    ] as const
  ) {
    const core = started(durable);
    core.tick(FIRST_ELECTION_WAIT_MS - 1);
    assertEquals(core.status.role, role);
    core.tick(FIRST_ELECTION_WAIT_MS);
    assertEquals(core.status.role, next);
  }
});

const SNAPSHOT = { endOffset: 20, epoch: 6 };
const CONTENT = { voters: voterSet(1, 2, 4), kraftVersion: 1 };

const FOLLOW_3 = {
  type: "begin-quorum-epoch",
  epoch: 8,
  leaderId: 3,
  voter: voter(1),
} as const;

/** Starts a follower with two records, which has been sent {@linkcode SNAPSHOT} whole. */
function withSnapshot(): RaftCore {
  const core = follower({ endOffset: 2, epochs: [{ epoch: 3, startOffset: 0 }] });
  const first = fetchOf(core.start(0));
  const effects = core.answered(first.correlationId, answer({ snapshotId: SNAPSHOT }), 1);
  const sent = effects.find((effect) => effect.type === "send");
  assert(sent?.type === "send" && sent.request.type === "fetch-snapshot");
  const part = {
    type: "fetch-snapshot",
    errorCode: ErrorCode.NONE,
    leader: LEADER,
    id: SNAPSHOT,
    size: 3,
    position: 0,
    bytes: new Uint8Array(3),
  } as const;
  const complete = core.answered(sent.correlationId, part, 2);
  assert(complete.some(({ type }) => type === "publish-snapshot"));
  return core;
}

test("a snapshot replaces the log in an election too, which begins anew with its voters", () => {
  const core = withSnapshot();
  core.tick(2 + DEFAULT_RAFT_TIMING.fetchTimeoutMs);
  assertEquals(core.status.role, "prospective");
  const effects = core.snapshotFetched(SNAPSHOT, CONTENT, 2_100);
  assert(effects.some((effect) => effect.type === "truncate-fully"));
  const { role, epoch, logStartOffset, logEndOffset, highWatermark, voters } = core.status;
  assertEquals([role, epoch], ["unattached", 7]);
  assertEquals([logStartOffset, logEndOffset, highWatermark], [20, 20, 20]);
  assertEquals([...voters].map(({ id }) => id), [1, 2, 4]);
});

test("the answer to a fetch does not count after a snapshot has replaced the log", () => {
  const core = withSnapshot();
  const leader = { epoch: 8, leaderId: 3, endpoints: voter(3).endpoints };
  const fetch = fetchOf(core.request({ ...FOLLOW_3, endpoints: leader.endpoints }, 0, 3));
  core.snapshotFetched(SNAPSHOT, CONTENT, 4);
  const diverging = { epoch: 2, endOffset: 1 };
  assertEquals(core.answered(fetch.correlationId, answer({ leader, diverging }), 5), []);
  assertEquals([core.status.logStartOffset, core.status.logEndOffset], [20, 20]);
});

test("a snapshot whose records the log has by now does not replace it", () => {
  const core = withSnapshot();
  const leader = { epoch: 8, leaderId: 3, endpoints: voter(3).endpoints };
  const fetch = fetchOf(core.request({ ...FOLLOW_3, endpoints: leader.endpoints }, 0, 3));
  const batches = [batch(2, 19, 6), batch(20, 29, 8)];
  core.answered(fetch.correlationId, answer({ leader, batches }), 4);
  assertEquals(core.snapshotFetched(SNAPSHOT, CONTENT, 5), []);
  assertEquals([core.status.logStartOffset, core.status.logEndOffset], [0, 30]);
});

test("a leader that does not take the endpoints of a voter is fetched from all the same", () => {
  for (const reason of ["unsupported", "unreadable", "timeout"] as const) {
    const core = new RaftCore({
      self: { ...voter(1), canVote: true, endpoints: voter(9).endpoints },
      environment: { timing: DEFAULT_RAFT_TIMING, below: () => 0, bootstrapServers: [] },
      log: { startOffset: 0, endOffset: 0, epochs: [], snapshots: [] },
      durable: { epoch: 7, leaderId: 2, voted: null },
      voters: voterSet(1, 2),
      kraftVersion: 1,
      voterRecords: [],
    });
    let effects = core.start(0);
    let now = 0;
    let fetches = 0;
    let updates = 0;
    for (; now < 20_000; now += 10) {
      effects.push(...core.tick(now));
      const sent = effects.filter((effect) => effect.type === "send");
      effects = [];
      for (const { correlationId, request } of sent) {
        if (request.type === "fetch") {
          fetches++;
          effects.push(...core.answered(correlationId, answer({}), now));
        } else if (request.type === "update-voter") {
          updates++;
          effects.push(...core.answered(correlationId, { type: "failure", reason }, now));
        }
      }
      assertEquals(core.status.role, "follower", `${reason} at ${now} after ${fetches} fetches`);
    }
    assert(updates >= 1 && updates <= 10 && fetches > 1_000, `${updates} updates, ${fetches}`);
  }
});

/** Returns the only voter, which leads epoch 8. */
function leader(): RaftCore {
  const core = new RaftCore({
    self: { ...voter(1), canVote: true },
    environment: { timing: DEFAULT_RAFT_TIMING, below: () => 0, bootstrapServers: [] },
    log: { startOffset: 0, endOffset: 0, epochs: [], snapshots: [] },
    durable: { epoch: 7, leaderId: -1, voted: null },
    voters: voterSet(1),
    kraftVersion: 1,
    voterRecords: [],
  });
  core.start(0);
  core.persisted(core.status.logEndOffset, 0);
  core.saved(2, 0);
  assertEquals([core.status.role, core.status.epoch], ["leader", 8]);
  return core;
}

test("a fetch of a snapshot in another epoch does not show that its sender follows", () => {
  const core = leader();
  for (const epoch of [7, 8, 9]) {
    const replica = { id: epoch, directoryId: "d" };
    core.request(
      {
        type: "fetch-snapshot",
        epoch,
        replica,
        id: SNAPSHOT,
        position: 0,
        maxBytes: 100,
      },
      epoch,
      1,
    );
  }
  assertEquals(core.status.replicas.map(({ key }) => key.id), [8]);
});

test("the wait of a fetch ends well before the request counts as failed", () => {
  const timing = { ...DEFAULT_RAFT_TIMING, requestTimeoutMs: 300 };
  const core = follower({}, timing);
  const first = fetchOf(core.start(0));
  const next = fetchOf(core.answered(first.correlationId, answer({}), 1));
  assertEquals([first.request.maxWaitMs, next.request.maxWaitMs], [0, 150]);
});

test("an answer of which no batch can be appended is followed by a wait", () => {
  const core = follower();
  const first = fetchOf(core.start(0));
  const useless = answer({ batches: [batch(5, 5, 7)] });
  const effects = core.answered(first.correlationId, useless, 1);
  // Another replica is asked for the leader meanwhile.
  assertEquals(effects.flatMap((effect) => effect.type === "send" ? effect.to.id : []), [3]);
  assertEquals(core.wakeAt, 1 + DEFAULT_RAFT_TIMING.retryBackoffMs);
});

test("a voter is reached at its endpoint on the listener that this replica has too", () => {
  const ssl = { name: "CONTROLLER_SSL", host: "host", port: 99 };
  const core = new RaftCore({
    self: { ...voter(1), canVote: true },
    environment: { timing: DEFAULT_RAFT_TIMING, below: () => 0, bootstrapServers: [] },
    log: { startOffset: 0, endOffset: 0, epochs: [], snapshots: [] },
    durable: { epoch: 7, leaderId: 2, voted: null },
    voters: voterSet(1).with({ ...voter(2), endpoints: [ssl, ...voter(2).endpoints] }),
    kraftVersion: 1,
    voterRecords: [],
  });
  const ports = core.start(0).flatMap((effect) =>
    effect.type === "send" ? effect.to.address.port : []
  );
  assertEquals(ports, [2]);
});
