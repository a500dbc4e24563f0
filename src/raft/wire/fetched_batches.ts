/**
 * The record batches in the answer of a fetch.
 *
 * @module
 */
import {
  computeCrc,
  headerProblem,
  isControl,
  readAttributes,
  readBaseOffset,
  readCrc,
  readLastOffset,
  readPartitionLeaderEpoch,
  RecordError,
  splitBatches,
  wrongCrc,
} from "../../protocol/records/batch.ts";
import { Effort, type Steps } from "../../protocol/records/compression/steps.ts";
import { ZERO_UUID } from "../../protocol/uuid.ts";
import type { ControlRecord, FetchedBatch } from "../core/messages.ts";
import { decodeControlBatch, type DecodedControlRecord } from "../storage/control_batches.ts";

/**
 * Verifies the batches in `bytes` and returns them, as views. Leaves out an incomplete one at the end: an
 * answer may be cut at its maximum size. Throws a {@linkcode RecordError} for a damaged batch.
 */
export function* decodeFetchedBatches(bytes: Uint8Array): Steps<FetchedBatch[]> {
  const batches: FetchedBatch[] = [];
  const effort = new Effort();
  for (const { start, end } of splitBatches(bytes, { allowPartial: true })) {
    batches.push(decodeFetchedBatch(bytes, start, end));
    if (effort.spend(end - start)) yield;
  }
  return batches;
}

function decodeFetchedBatch(bytes: Uint8Array, start: number, end: number): FetchedBatch {
  const problem = headerProblem(bytes, start, end - start);
  if (problem !== null) {
    throw new RecordError(`Cannot use a fetched batch: ${problem}`, "corrupt");
  }
  const stored = readCrc(bytes, start);
  const computed = computeCrc(bytes, start);
  if (stored !== computed) throw wrongCrc(stored, computed);
  const epoch = readPartitionLeaderEpoch(bytes, start);
  if (epoch < 0) {
    throw new RecordError(`Cannot use a fetched batch: its epoch is ${epoch}`, "invalid");
  }
  return {
    baseOffset: readBaseOffset(bytes, start),
    lastOffset: readLastOffset(bytes, start),
    epoch,
    control: isControl(readAttributes(bytes, start))
      ? decodeControlBatch(bytes, start).records.flatMap(controlRecord)
      : [],
    bytes: bytes.subarray(start, end),
  };
}

/** Returns the record for the core, or nothing for one that does not change the quorum. */
function controlRecord(record: DecodedControlRecord): ControlRecord[] {
  switch (record.type) {
    case "leader-change": {
      const { leaderId, voterIds, grantingVoterIds } = record;
      const keyOf = (id: number) => ({ id, directoryId: ZERO_UUID });
      return [{
        type: "leader-change",
        leaderId,
        voters: voterIds.map(keyOf),
        grantingVoters: grantingVoterIds.map(keyOf),
      }];
    }
    case "kraft-version":
      return [{ type: "kraft-version", level: record.kraftVersion }];
    case "kraft-voters": {
      const { voters, offset } = record;
      if (new Set(voters.map(({ id }) => id)).size < voters.length) {
        throw new RecordError(
          `Cannot use the voters record at offset ${offset}: it has a voter twice`,
          "invalid",
        );
      }
      return [{ type: "voters", voters }];
    }
    default:
      return [];
  }
}
