import { assertEquals } from "@std/assert";
import { ErrorCode } from "../../src/protocol/errors.ts";
import type { OwnAnswer } from "../../src/raft/core/messages.ts";
import { readReply } from "../../src/raft/reply.ts";
import { test } from "../harness.ts";
import { batchOf, fetched, NOBODY, ReplicaMachine, votersOf } from "./replica_fixture.ts";
import { STATIC_HEADER } from "./storage/fixture.ts";

const ID = { endOffset: 3, epoch: 2 };

function fetchAnswer(offset: number): OwnAnswer {
  const { batches: _, ...outcome } = fetched(2);
  return { ...outcome, read: { offset, maxBytes: 1_000 } };
}

function partAnswer(position: number, id = ID): OwnAnswer {
  return {
    type: "fetch-snapshot",
    errorCode: ErrorCode.NONE,
    leader: NOBODY,
    id,
    read: { position, maxBytes: 10 },
  };
}

test("readReply() reads records and parts of snapshots, and leaves out what is gone", async () => {
  const machine = await new ReplicaMachine().open(votersOf(1, 2));
  const { log } = machine.raft;
  log.append(batchOf(3), 2);
  log.append(batchOf(2), 2);
  const draft = log.snapshots.create(ID);
  const writer = draft.writer(STATIC_HEADER, () => 1);
  writer.append(new Uint8Array(50));
  writer.finish();
  const { size } = draft;
  await draft.publish();
  const recordsAt = (offset: number) => {
    const { records } = readReply(log, fetchAnswer(offset));
    return records === null ? null : (records as Uint8Array).length;
  };
  const all = recordsAt(0)!;
  assertEquals(all > recordsAt(3)! && recordsAt(3)! > 0, true);
  assertEquals(readReply(log, partAnswer(5)).snapshotPart, {
    size,
    bytes: log.snapshots.readRange(ID, 5, 10),
  });
  const errorOf = (answer: OwnAnswer) => readReply(log, answer).answer.errorCode;
  assertEquals(errorOf(partAnswer(size)), ErrorCode.POSITION_OUT_OF_RANGE);
  assertEquals(errorOf(partAnswer(-1)), ErrorCode.POSITION_OUT_OF_RANGE);
  assertEquals(errorOf(partAnswer(0, { endOffset: 1, epoch: 1 })), ErrorCode.SNAPSHOT_NOT_FOUND);
  await log.flush();
  await log.deleteBeforeSnapshot(ID);
  assertEquals([recordsAt(0), recordsAt(6)], [null, null]);
  assertEquals(readReply(log, fetchAnswer(0)).answer.errorCode, ErrorCode.NONE);
  assertEquals(recordsAt(3)! > 0, true);
  await machine.close();
});
