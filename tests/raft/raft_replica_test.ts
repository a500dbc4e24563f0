import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { ErrorCode, errorName, KafkaError } from "../../src/protocol/errors.ts";
import { ZERO_UUID } from "../../src/protocol/uuid.ts";
import type { SnapshotId } from "../../src/raft/core/epoch_log.ts";
import type { FetchAnswer } from "../../src/raft/core/messages.ts";
import { FileError } from "../../src/runtime/runtime.ts";
import { test } from "../harness.ts";
import {
  batchOf,
  endpointsOf,
  fetched,
  fetchedBatch,
  NOBODY,
  ReplicaMachine,
  settled,
  stateOf,
  votersOf,
} from "./replica_fixture.ts";
import { readFile, STATIC_HEADER } from "./storage/fixture.ts";

const LOG = /\.log$/;
const QUORUM_STATE = /quorum-state/;

test("records are committed once they are durable, and in order", async () => {
  const machine = await new ReplicaMachine().startAlone();
  const { replica, files } = machine;
  files.heldAt = LOG;
  const offset = replica.status.logEndOffset;
  const { epoch } = replica.status;
  assertEquals(replica.propose(batchOf(2), 2), { offset, epoch });
  await files.untilPending(1);
  assertEquals(replica.propose(batchOf(1), 1), { offset: offset + 2, epoch });
  await settled();
  assertEquals(machine.take(), []);
  files.release();
  await files.untilPending(1);
  assertEquals(machine.take(), [`committed ${offset + 2}`]);
  files.release();
  await settled();
  assertEquals(machine.take(), [`committed ${offset + 3}`]);
  assertEquals(replica.readCommitted(offset + 2, 1_000).length > 0, true);
  assertEquals(replica.readCommitted(offset + 3, 1_000).length, 0);
  await machine.close();
});

test("appends of one turn share a flush, and those during a flush the next one", async () => {
  const machine = await new ReplicaMachine().startAlone();
  const { replica, files } = machine;
  files.heldAt = LOG;
  for (let count = 0; count < 5; count++) replica.propose(batchOf(1), 1);
  await files.untilPending(1);
  files.release();
  await settled();
  assertEquals([files.begun, replica.status.durableOffset], [1, replica.status.logEndOffset]);
  replica.propose(batchOf(1), 1);
  await files.untilPending(1);
  for (let count = 0; count < 5; count++) replica.propose(batchOf(1), 1);
  await settled();
  assertEquals([files.begun, files.pending], [2, 1]);
  files.release();
  await files.untilPending(1);
  await settled();
  assertEquals(files.begun, 3);
  files.release();
  await settled();
  assertEquals(files.begun, 3);
  const { durableOffset, logEndOffset } = replica.status;
  assertEquals(durableOffset, logEndOffset);
  await machine.close();
});

test("a proposal in the observer's call comes after the effects before it", async () => {
  const machine = await new ReplicaMachine().startAlone();
  const { replica } = machine;
  const end = replica.status.logEndOffset;
  machine.onCommitted = (offset) => {
    if (offset < end + 3) replica.propose(batchOf(1), 1);
  };
  replica.propose(batchOf(1), 1);
  await settled();
  assertEquals(machine.take(), [
    `committed ${end + 1}`,
    `committed ${end + 2}`,
    `committed ${end + 3}`,
  ]);
  await machine.close();
});

test("a vote is answered only when it is durable", async () => {
  const machine = new ReplicaMachine();
  await machine.startFollower(5);
  machine.files.heldAt = QUORUM_STATE;
  const vote = machine.replica.request(voteRequest(9));
  for (let step = 0; step < 2; step++) {
    await machine.files.untilPending(1);
    assertEquals(await stateOf(vote), "pending");
    machine.files.release();
    await settled();
    if (machine.files.pending === 0) break;
  }
  const { answer } = await vote;
  assert(answer.type === "vote" && answer.isGranted);
  await machine.close();
});

test("a request of a new epoch is sent only when the epoch is durable", async () => {
  const machine = new ReplicaMachine();
  const first = await machine.startFollower(5);
  assertEquals(first.to.id, 2);
  machine.files.heldAt = QUORUM_STATE;
  const followed = machine.replica.request({
    type: "begin-quorum-epoch",
    epoch: 7,
    leaderId: 3,
    voter: { id: 1, directoryId: ZERO_UUID },
    endpoints: [{ name: "CONTROLLER", host: "h3", port: 9093 }],
  });
  assertEquals(await stateOf(followed), "pending");
  assertEquals(machine.pending, []);
  machine.files.release();
  // The write has several steps.
  for (let step = 0; step < 5; step++) {
    await settled();
    machine.files.release();
  }
  await followed;
  assertEquals(machine.pending, ["fetch to 3"]);
  await machine.close();
});

test("a failed write of the vote stops the replica, and no promise of it leaves", async () => {
  const machine = new ReplicaMachine();
  await machine.startFollower(5);
  machine.files.heldAt = QUORUM_STATE;
  const vote = machine.replica.request(voteRequest(9));
  await machine.files.untilPending(1);
  machine.files.release("failed");
  const error = await assertRejects(() => vote, KafkaError);
  assertEquals(error.code, ErrorCode.KAFKA_STORAGE_ERROR);
  assertEquals(machine.failures, [error]);
  assertEquals([machine.isTransportClosed, machine.clock.pending], [true, 0]);
  await machine.close();
});

test("a storage failure stops the replica and rejects the requests that wait", async () => {
  const machine = await new ReplicaMachine().startLeader();
  const { replica, files, clock } = machine;
  files.heldAt = LOG;
  const parked = replica.request({
    type: "fetch",
    epoch: replica.status.epoch,
    replica: { id: 3, directoryId: ZERO_UUID },
    offset: replica.status.logEndOffset,
    lastEpoch: replica.status.epoch,
    highWatermark: replica.status.highWatermark,
    maxWaitMs: 10_000,
    maxBytes: 1_000,
  });
  machine.take();
  assert(replica.propose(batchOf(1), 1) !== null);
  await parked;
  const waiting = replica.request({
    type: "fetch",
    epoch: replica.status.epoch,
    replica: { id: 3, directoryId: ZERO_UUID },
    offset: replica.status.logEndOffset,
    lastEpoch: replica.status.epoch,
    highWatermark: replica.status.highWatermark,
    maxWaitMs: 10_000,
    maxBytes: 1_000,
  });
  assertEquals(await stateOf(waiting), "pending");
  await files.untilPending(1);
  files.release("failed");
  const error = await assertRejects(() => waiting, KafkaError);
  assertEquals(errorName(error.code), "KAFKA_STORAGE_ERROR");
  assertEquals(machine.failures, [error]);
  await assertRejects(() => replica.request(voteRequest(50)), KafkaError, error.message);
  assertEquals(replica.propose(batchOf(1), 1), null);
  replica.resign();
  assertEquals([machine.isTransportClosed, clock.pending], [true, 0]);
  assertEquals(machine.take(), []);
  await machine.close();
  assertEquals(machine.failures.length, 1);
});

test("what follows a truncation waits for it", async () => {
  const machine = new ReplicaMachine();
  const fetch = await machine.startFollower(5);
  const batches = [fetchedBatch(0, 3, 2), fetchedBatch(2, 4, 2)];
  await fetch.answer(fetched(5, { batches }));
  const { replica, files, raft } = machine;
  assertEquals([raft.log.endOffset, replica.status.durableOffset], [4, 4]);
  files.heldAt = /./;
  await machine.takeFetch().answer(fetched(5, { diverging: { epoch: 3, endOffset: 2 } }));
  assert(files.pending > 0, "the truncation is durable at once");
  assertEquals(replica.status.logEndOffset, 2);
  // A question in between is answered after it.
  const vote = replica.request(voteRequest(5));
  assertEquals(await stateOf(vote), "pending");
  assertEquals(machine.pending, []);
  while (files.pending > 0) {
    files.release();
    await settled();
  }
  await vote;
  const next = machine.takeFetch();
  assert(next.request.type === "fetch");
  assertEquals([next.request.offset, next.request.lastEpoch], [2, 3]);
  files.heldAt = null;
  await next.answer(fetched(5, { batches: [fetchedBatch(2, 5, 3)], highWatermark: 5 }));
  assertEquals([raft.log.endOffset, raft.log.lastEpoch], [5, 5]);
  await machine.close();
});

test("a fetched snapshot replaces the log", async () => {
  const { machine, bytes, id } = await followerWithSnapshot();
  const { replica, raft } = machine;
  await sendSnapshot(machine, id, bytes);
  assertEquals([raft.log.startOffset, raft.log.endOffset], [20, 20]);
  assertEquals(raft.log.snapshots.ids, [id]);
  assertEquals(replica.status.highWatermark, 20);
  assertEquals(machine.take().filter((event) => event.startsWith("committed")), ["committed 20"]);
  const next = machine.takeFetch();
  assert(next.request.type === "fetch");
  assertEquals([next.request.offset, next.request.lastEpoch], [20, 5]);
  await machine.close();
});

test("a damaged snapshot is rejected, removed and fetched again", async () => {
  const { machine, bytes, id } = await followerWithSnapshot();
  const damaged = bytes.slice();
  damaged[damaged.length - 3]! ^= 1;
  await sendSnapshot(machine, id, damaged);
  const { raft } = machine;
  assertEquals([raft.log.startOffset, raft.log.endOffset, raft.log.snapshots.ids], [0, 2, []]);
  assertEquals(machine.failures, []);
  assertEquals(parts(machine), []);
  assertStringIncludes(machine.take().join(), "Cannot use the snapshot 20-5 of leader 2");
  // It asks another voter first, since the leader has sent damage.
  assertEquals(machine.pending, ["fetch to 3"]);
  await machine.takeFetch().answer({ type: "failure", reason: "timeout" });
  machine.clock.advance(100);
  await settled();
  assertEquals(machine.pending, ["fetch to 2"]);
  await machine.takeFetch().answer(fetched(5, { snapshotId: id }));
  await sendSnapshot(machine, id, bytes);
  assertEquals(raft.log.snapshots.ids, [id]);
  await machine.close();
});

test("a snapshot that finds no space stops the replica and leaves no file", async () => {
  const { machine, bytes, id } = await followerWithSnapshot();
  const open = machine.files.open.bind(machine.files);
  machine.files.open = (path, mode) => {
    const file = open(path, mode);
    if (!path.endsWith(".part")) return file;
    return Object.assign(Object.create(file), {
      ...file,
      writeAt: () => {
        throw new FileError(`Cannot write ${path}: no space`, "no-space");
      },
    });
  };
  const fetch = machine.takeFetch();
  await fetch.answer(part(id, bytes, 0));
  assertEquals(machine.failures.map(({ code }) => errorName(code)), ["KAFKA_STORAGE_ERROR"]);
  assertStringIncludes(machine.failures[0]!.message, "no space");
  assertEquals(parts(machine), []);
  await machine.close();
});

test("a snapshot of its own moves the log's start, and no answer promises deleted records", async () => {
  const machine = await new ReplicaMachine().startLeader();
  const { replica, files, raft } = machine;
  replica.propose(batchOf(5), 5);
  await settled();
  await machine.acknowledge();
  await settled();
  const endOffset = replica.status.highWatermark;
  assertEquals(endOffset, replica.status.logEndOffset);
  const publish = async (end: number) => {
    const { draft, writer } = replica.beginSnapshot(end, 7);
    writer.append(Uint8Array.of(1));
    writer.finish();
    await replica.publishSnapshot(draft, { maxBytes: 0, maxAgeMs: -1 });
  };
  files.heldAt = /checkpoint/;
  const published = publish(endOffset);
  for (let step = 0; step < 20; step++) {
    // At every step of it, a replica asks for what is being deleted.
    const { answer, records } = await machine.acknowledge(1);
    assert(answer.type === "fetch" && answer.errorCode === ErrorCode.NONE);
    assert(answer.snapshotId !== null || records !== null, `neither in step ${step}`);
    assertEquals(machine.failures, []);
    files.release();
    await settled();
  }
  await published;
  assertEquals(raft.log.startOffset, endOffset);
  assertEquals(raft.log.snapshots.ids.map((id) => id.endOffset), [endOffset]);
  assertEquals(replica.status.logStartOffset, endOffset);
  await machine.close();
});

for (const isPublishing of [false, true]) {
  test(`a snapshot of its own is dropped if a fetched one replaces the log, publishing: ${isPublishing}`, async () => {
    const { machine, bytes, id } = await followerWithSnapshot();
    const { replica, files, raft } = machine;
    const { draft, writer } = replica.beginSnapshot(2, 7);
    writer.append(Uint8Array.of(1));
    writer.finish();
    const publish = () => replica.publishSnapshot(draft, { maxBytes: -1, maxAgeMs: -1 });
    files.heldAt = /0{19}2-.*part$/;
    const published = isPublishing ? publish() : null;
    assertEquals(files.pending, isPublishing ? 1 : 0);
    await sendSnapshot(machine, id, bytes);
    files.heldAt = null;
    files.release();
    await (published ?? publish());
    assertEquals(raft.log.snapshots.ids, [id]);
    assertEquals(parts(machine), []);
    assertEquals(machine.failures, []);
    await machine.close();
  });
}

for (const isSlow of [true, false]) {
  const what = isSlow ? "is checked while" : "was published before";
  test(`a snapshot that ${what} the leader changes replaces the log`, async () => {
    const { machine, bytes, id } = await followerWithSnapshot();
    const { replica, files, raft } = machine;
    files.heldAt = /checkpoint/;
    await sendSnapshot(machine, id, bytes);
    assertEquals([files.pending, raft.log.endOffset], [1, 2]);
    await machine.follow(3, 6);
    if (!isSlow) {
      files.heldAt = null;
      files.release();
      await settled();
    }
    const { request, answer } = machine.takeFetch();
    assertEquals(request.epoch, 6);
    await answer(fetchedFrom3({ snapshotId: id }));
    if (isSlow) {
      // The new leader sends the same snapshot.
      await machine.takeFetch().answer({ ...part(id, bytes, 0), leader: fetchedFrom3().leader });
      files.heldAt = null;
      files.release();
      await settled();
    }
    assertEquals(machine.failures, []);
    assertEquals([raft.log.startOffset, raft.log.endOffset], [20, 20]);
    assertEquals([raft.log.snapshots.ids, replica.status.highWatermark], [[id], 20]);
    assertEquals(parts(machine), []);
    await machine.close();
  });
}

test("a divergence below the high watermark stops the replica, and nothing else", async () => {
  const machine = new ReplicaMachine();
  const fetch = await machine.startFollower(5);
  const batches = [fetchedBatch(0, 3, 2), fetchedBatch(2, 4, 2)];
  await fetch.answer(fetched(5, { batches, highWatermark: 4 }));
  await machine.takeFetch().answer(fetched(5, { diverging: { epoch: 3, endOffset: 2 } }));
  assertEquals(machine.failures.map(({ message }) => message.includes("Cannot truncate")), [true]);
  assertEquals([machine.isTransportClosed, machine.clock.pending], [true, 0]);
  await assertRejects(() => machine.replica.request(voteRequest(9)), KafkaError, "Cannot truncate");
  await machine.close();
});

test("the only voter waits before it leads again if its decisions fail each time", async () => {
  const machine = new ReplicaMachine();
  machine.onActive = () => machine.replica.resign();
  await machine.startAlone();
  assertEquals([machine.replica.status.epoch, machine.replica.status.role], [1, "resigned"]);
  machine.clock.advance(1_000);
  await settled();
  assertEquals([machine.replica.status.epoch, machine.replica.status.role], [2, "resigned"]);
  await machine.close();
});

test("shutdown() waits until the other voters have heard that the leader gives up", async () => {
  const machine = await new ReplicaMachine().startLeader();
  const { replica } = machine;
  machine.take();
  const { epoch } = replica.status;
  const ended = replica.shutdown();
  assert(ended === replica.shutdown(), "a second call waits for the same end");
  await settled();
  assertEquals(machine.take()[0], `inactive ${epoch}`);
  assertEquals(machine.pending.sort(), ["end-quorum-epoch to 2", "end-quorum-epoch to 3"]);
  for (const { answer } of machine.sent.splice(0)) {
    assertEquals(await stateOf(ended), "pending");
    await answer({
      type: "end-quorum-epoch",
      errorCode: ErrorCode.NONE,
      leader: { ...NOBODY, epoch },
    });
  }
  await ended;
  assertEquals([machine.isTransportClosed, machine.clock.pending], [true, 0]);
  await assertRejects(() => replica.request(voteRequest(50)), KafkaError, "shutting down");
  await machine.close();
});

test("shutdown() does not wait for long for voters that do not answer", async () => {
  const machine = await new ReplicaMachine().startLeader();
  const ended = machine.replica.shutdown();
  assertEquals(await stateOf(ended), "pending");
  machine.clock.advance(500);
  await ended;
  await machine.close();
});

test("shutdown() waits for a flush that is under way", async () => {
  const machine = await new ReplicaMachine().startAlone();
  const { replica, files } = machine;
  files.heldAt = LOG;
  replica.propose(batchOf(1), 1);
  await files.untilPending(1);
  const ended = replica.shutdown();
  assertEquals(await stateOf(ended), "pending");
  files.release();
  await ended;
  assertEquals(machine.failures, []);
  await machine.close();
});

test("a replica that starts again has its log, its epoch and its vote", async () => {
  const machine = new ReplicaMachine();
  const fetch = await machine.startFollower(5);
  await fetch.answer(fetched(5, { batches: [fetchedBatch(0, 5, 3)], highWatermark: 3 }));
  await machine.replica.request(voteRequest(8, { lastEpoch: 5, endOffset: 3 }));
  await machine.close();
  const again = await new ReplicaMachine(machine.disk).open(votersOf(1, 2, 3));
  again.replica.start();
  await settled();
  const { epoch, logEndOffset, durableOffset } = again.replica.status;
  assertEquals([epoch, logEndOffset, durableOffset], [8, 3, 3]);
  // The vote of this epoch is given.
  const { answer } = await again.replica.request(
    voteRequest(8, { candidate: 3, lastEpoch: 5, endOffset: 3 }),
  );
  assert(answer.type === "vote" && !answer.isGranted);
  await again.close();
});

function voteRequest(
  epoch: number,
  { candidate = 2, lastEpoch = 4, endOffset = 100 } = {},
) {
  return {
    type: "vote",
    epoch,
    candidate: { id: candidate, directoryId: ZERO_UUID },
    voter: { id: 1, directoryId: ZERO_UUID },
    lastEpoch,
    endOffset,
    isPreVote: false,
  } as const;
}

/** A follower that has two records and is sent a snapshot of twenty. */
async function followerWithSnapshot() {
  const id = { endOffset: 20, epoch: 5 };
  const source = await new ReplicaMachine().open(votersOf(1, 2, 3));
  const draft = source.raft.log.snapshots.create(id);
  const writer = draft.writer(STATIC_HEADER, () => 1);
  for (let count = 0; count < 20; count++) writer.append(new Uint8Array(10));
  writer.finish();
  const bytes = readFile(source.files, draft.path);
  draft.abandon();
  await source.close();
  const machine = new ReplicaMachine();
  const first = await machine.startFollower(5);
  await first.answer(fetched(5, { batches: [fetchedBatch(0, 3, 2)] }));
  machine.take();
  await machine.takeFetch().answer(fetched(5, { snapshotId: id }));
  return { machine, bytes, id };
}

function part(id: SnapshotId, bytes: Uint8Array, position: number) {
  return {
    type: "fetch-snapshot",
    errorCode: ErrorCode.NONE,
    leader: fetched(5).leader,
    id,
    size: bytes.length,
    position,
    bytes: bytes.slice(position, position + 100),
  } as const;
}

/** The answer to a fetch by node 3, the leader of epoch 6. */
function fetchedFrom3(answer: Partial<FetchAnswer> = {}): FetchAnswer {
  return fetched(6, {
    leader: { epoch: 6, leaderId: 3, endpoints: endpointsOf(3) },
    ...answer,
  });
}

/** Answers the fetches of a snapshot until it is complete. */
async function sendSnapshot(
  machine: ReplicaMachine,
  id: SnapshotId,
  bytes: Uint8Array,
): Promise<void> {
  for (let position = 0; position < bytes.length; position += 100) {
    const { request, answer } = machine.takeFetch();
    assert(request.type === "fetch-snapshot");
    assertEquals(request.position, position);
    await answer(part(id, bytes, position));
  }
  await settled();
}

/** The unfinished snapshots on the disk. */
function parts({ memory }: ReplicaMachine): string[] {
  return memory.list("/data/__cluster_metadata-0").map(({ name }) => name)
    .filter((name) => name.endsWith(".part"));
}
