import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  encodeBatch,
  RecordError,
  writeCrc,
  writePartitionLeaderEpoch,
} from "../../../src/protocol/records/batch.ts";
import { atOnce } from "../../../src/protocol/records/compression/steps.ts";
import { ZERO_UUID } from "../../../src/protocol/uuid.ts";
import type { FetchedBatch } from "../../../src/raft/core/messages.ts";
import { encodeControlBatch } from "../../../src/raft/storage/control_batches.ts";
import { decodeFetchedBatches } from "../../../src/raft/wire/fetched_batches.ts";
import { test } from "../../harness.ts";
import { voter } from "../handlers/fixture.ts";

const DATA = encodeBatch(
  [1, 2, 3].map((timestamp) => ({ timestamp, value: new Uint8Array(40) })),
  { baseOffset: 20, partitionLeaderEpoch: 4 },
);
const CONTROL = encodeControlBatch([
  { type: "leader-change", leaderId: 1, voterIds: [1, 2, 3], grantingVoterIds: [1, 3] },
  { type: "kraft-version", kraftVersion: 1 },
  { type: "kraft-voters", voters: [voter(1), voter(2)] },
], { baseOffset: 23, leaderEpoch: 5, timestampMs: 1_000 });

function joined(...parts: Uint8Array[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

const decode = (bytes: Uint8Array): FetchedBatch[] => atOnce(decodeFetchedBatches(bytes));

test("decodeFetchedBatches() returns offsets, epochs, bytes and the control records of the quorum", () => {
  const keyOf = (id: number) => ({ id, directoryId: ZERO_UUID });
  assertEquals(decode(joined(DATA, CONTROL)), [
    { baseOffset: 20, lastOffset: 22, epoch: 4, control: [], bytes: DATA },
    {
      baseOffset: 23,
      lastOffset: 25,
      epoch: 5,
      control: [
        {
          type: "leader-change",
          leaderId: 1,
          voters: [1, 2, 3].map(keyOf),
          grantingVoters: [1, 3].map(keyOf),
        },
        { type: "kraft-version", level: 1 },
        { type: "voters", voters: [voter(1), voter(2)] },
      ],
      bytes: CONTROL,
    },
  ]);
  assertEquals(decode(new Uint8Array()), []);
});

test("decodeFetchedBatches() leaves out an incomplete last batch, wherever it is cut", () => {
  const whole = joined(CONTROL, DATA);
  for (let length = CONTROL.length; length < whole.length; length++) {
    assertEquals(decode(whole.subarray(0, length)).map(({ baseOffset }) => baseOffset), [23]);
  }
  assertEquals(decode(whole).length, 2);
});

test("decodeFetchedBatches() rejects every damaged byte below the checksum", () => {
  const bytes = joined(CONTROL, DATA);
  const checksummed = 21;
  for (let at = CONTROL.length + checksummed; at < bytes.length; at++) {
    bytes[at]! ^= 0x10;
    assertThrows(() => decode(bytes), RecordError);
    bytes[at]! ^= 0x10;
  }
  assertEquals(decode(bytes).length, 2);
});

test("decodeFetchedBatches() rejects batches that cannot be of a metadata log", () => {
  const changed = (change: (bytes: Uint8Array<ArrayBuffer>) => void) => {
    const bytes = DATA.slice();
    change(bytes);
    writeCrc(bytes, 0);
    return bytes;
  };
  const bad = {
    "an epoch of -1": changed((bytes) => writePartitionLeaderEpoch(bytes, 0, -1)),
    "a negative base offset": changed((bytes) => bytes[0] = 0x80),
    "a base offset beyond 2^53": changed((bytes) => bytes[0] = 0x40),
    "a negative offset delta": changed((bytes) => bytes[23] = 0x80),
    "magic 1": changed((bytes) => bytes[16] = 1),
    "magic 3": changed((bytes) => bytes[16] = 3),
    "a negative length": changed((bytes) => bytes[8] = 0x80),
    "a voter twice": encodeControlBatch(
      [{ type: "kraft-voters", voters: [voter(1), voter(1)] }],
      { leaderEpoch: 5, timestampMs: 1_000 },
    ),
  };
  for (const [what, bytes] of Object.entries(bad)) {
    assertThrows(() => decode(joined(CONTROL, bytes)), RecordError, "", what);
  }
});

test("decodeFetchedBatches() works in steps of about 64 KiB", () => {
  const large = encodeBatch([{ timestamp: 1, value: new Uint8Array(60_000) }], {
    partitionLeaderEpoch: 1,
  });
  const steps = decodeFetchedBatches(joined(...Array.from({ length: 10 }, () => large)));
  let pauses = 0;
  while (!steps.next().done) pauses++;
  assert(pauses >= 5 && pauses <= 10, `${pauses} pauses`);
});
