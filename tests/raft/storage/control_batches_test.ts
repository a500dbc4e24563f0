/** The quorum's control batches, compared with those of a node of Apache Kafka 4.4. */
import { assertEquals, assertThrows } from "@std/assert";
import {
  type ControlRecord,
  decodeControlBatch,
  encodeControlBatch,
} from "../../../src/raft/storage/control_batches.ts";
import { MAX_INT64 } from "../../../src/protocol/int64.ts";
import { encodeBatch, RecordError } from "../../../src/protocol/records/batch.ts";
import { encodeControlRecordKey } from "../../../src/protocol/records/control_record.ts";
import { ZERO_UUID } from "../../../src/protocol/uuid.ts";
import { abortMarker, batchOf } from "../../log/fixture.ts";
import { test } from "../../harness.ts";

/** The first batch of the log of a node that was formatted with `--standalone`. */
const FIRST_BATCH = [
  "0000000000000000000000a2000000010276099855002000000002000001a22dab07d8000001a22dab07d8ff",
  "ffffffffffffffffffffffffff000000033a0000000800000002260000000000010200000001000200000001",
  "0000001e00000208000000050a000000010000820100000408000000066e0000020000000131dc295d513b46",
  "cdafd82be28a9fd59f020b434f4e54524f4c4c45520a3132372e302e302e314a95000000000100000000",
].join("");

const FIRST_RECORDS: readonly ControlRecord[] = [
  { type: "leader-change", leaderId: 1, voterIds: [1], grantingVoterIds: [1] },
  { type: "kraft-version", kraftVersion: 1 },
  {
    type: "kraft-voters",
    voters: [{
      id: 1,
      directoryId: "MdwpXVE7Rs2v2Cviip_Vnw",
      endpoints: [{ name: "CONTROLLER", host: "127.0.0.1", port: 19093 }],
      kraftVersions: { min: 0, max: 1 },
    }],
  },
];

const POSITION = { leaderEpoch: 1, timestampMs: 1_796_062_513_112 };

function bytesOf(hex: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(hex.match(/../g)!, (byte) => parseInt(byte, 16));
}

test("encodeControlBatch() writes the first batch of a leader as Apache Kafka does", () => {
  assertEquals(encodeControlBatch(FIRST_RECORDS, POSITION), bytesOf(FIRST_BATCH));
});

test("decodeControlBatch() returns each record with its offset", () => {
  assertEquals(decodeControlBatch(bytesOf(FIRST_BATCH)), {
    baseOffset: 0,
    lastOffset: 2,
    leaderEpoch: 1,
    records: FIRST_RECORDS.map((record, offset) => ({ ...record, offset })),
  });
});

test("decodeControlBatch() returns what encodeControlBatch() was given, of every type", () => {
  const records: ControlRecord[] = [
    { type: "snapshot-header", lastContainedLogTimestamp: MAX_INT64 },
    { type: "leader-change", leaderId: 3, voterIds: [1, 2, 3], grantingVoterIds: [3, 1] },
    { type: "kraft-version", kraftVersion: 0 },
    { type: "kraft-voters", voters: [] },
    {
      type: "kraft-voters",
      voters: [1, 2].map((id) => ({
        id,
        directoryId: ZERO_UUID,
        endpoints: [
          { name: "CONTROLLER", host: "::1", port: 65_535 },
          { name: "OTHER", host: "controller.example", port: 1 },
        ],
        kraftVersions: { min: 0, max: id },
      })),
    },
    { type: "snapshot-footer" },
  ];
  const options = { baseOffset: 40, leaderEpoch: 7, timestampMs: 5 };
  const batch = decodeControlBatch(encodeControlBatch(records, options));
  assertEquals(batch, {
    baseOffset: 40,
    lastOffset: 45,
    leaderEpoch: 7,
    records: records.map((record, i) => ({ ...record, offset: 40 + i })),
  });
});

test("decodeControlBatch() reads the LeaderChange of version 1, which has directory ids", () => {
  const directory = new Array(16).fill(9);
  const voter = [0, 0, 0, 5, ...directory, 0];
  const value = Uint8Array.of(0, 1, 0, 0, 0, 5, 2, ...voter, 2, ...voter, 0);
  const batch = encodeBatch([{
    key: encodeControlRecordKey("leader-change"),
    value,
    timestamp: 0,
  }], { isControl: true });
  assertEquals(decodeControlBatch(batch).records, [
    { type: "leader-change", leaderId: 5, voterIds: [5], grantingVoterIds: [5], offset: 0 },
  ]);
});

test("decodeControlBatch() returns a marker of a transaction, and an unknown type, as other", () => {
  const marker = abortMarker({ producerId: 1, producerEpoch: 0 });
  assertEquals(decodeControlBatch(marker).records, [{ type: "other", offset: 0 }]);
  const unknown = encodeBatch([{ key: Uint8Array.of(0, 0, 0, 99), value: null, timestamp: 0 }], {
    isControl: true,
  });
  assertEquals(decodeControlBatch(unknown).records, [{ type: "other", offset: 0 }]);
});

test("decodeControlBatch() rejects data batches, damage, and records it does not understand", () => {
  assertThrows(() => decodeControlBatch(batchOf(1)), RecordError, "it has no control records");
  const damaged = bytesOf(FIRST_BATCH);
  damaged[100]! ^= 1;
  assertThrows(() => decodeControlBatch(damaged), RecordError, "CRC-32C");
  for (let length = 0; length < damaged.length; length++) {
    assertThrows(() => decodeControlBatch(bytesOf(FIRST_BATCH).subarray(0, length)), RecordError);
  }
  const cases: [Uint8Array | null, string][] = [
    [null, "it has no version"],
    [Uint8Array.of(0), "it has no version"],
    [Uint8Array.of(0, 1, 0, 1, 0), "its version is 1, this release supports 0 to 0"],
    [Uint8Array.of(255, 255, 0, 1, 0), "its version is -1, this release supports 0 to 0"],
    [Uint8Array.of(0, 0, 0), "Cannot decode the kraft-version record at offset 0: "],
  ];
  for (const [value, message] of cases) {
    const key = encodeControlRecordKey("kraft-version");
    const batch = encodeBatch([{ key, value, timestamp: 0 }], { isControl: true });
    assertThrows(() => decodeControlBatch(batch), RecordError, message);
  }
});
