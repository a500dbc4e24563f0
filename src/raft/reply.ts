/**
 * The bytes that belong to an answer of the core.
 *
 * @module
 */
import { ErrorCode } from "../protocol/errors.ts";
import type { OwnAnswer } from "./core/messages.ts";
import type { RaftReply } from "./requests.ts";
import type { RaftLog } from "./storage/raft_log.ts";

/**
 * Reads what belongs to `answer`, as it is at this moment: the log may be truncated before it is sent. What a
 * fetched snapshot has replaced since the core decided is left out; the replica that asked asks again.
 */
export function readReply(log: RaftLog, answer: OwnAnswer): RaftReply {
  if (answer.type === "fetch" && answer.read !== null) {
    const { offset } = answer.read;
    if (offset < log.startOffset || offset > log.endOffset) {
      return { answer: { ...answer, read: null }, records: null, snapshotPart: null };
    }
    const source = log.read(answer.read.offset, answer.read.maxBytes);
    const records = new Uint8Array(source.byteLength);
    source.copyTo(records, 0);
    return { answer, records, snapshotPart: null };
  }
  if (answer.type !== "fetch-snapshot" || answer.read === null) {
    return { answer, records: null, snapshotPart: null };
  }
  const { id, read: { position, maxBytes } } = answer;
  if (!log.snapshots.has(id)) {
    const errorCode = ErrorCode.SNAPSHOT_NOT_FOUND;
    return { answer: { ...answer, errorCode }, records: null, snapshotPart: null };
  }
  const size = log.snapshots.sizeOf(id);
  if (position < 0 || position >= size) {
    const errorCode = ErrorCode.POSITION_OUT_OF_RANGE;
    return { answer: { ...answer, errorCode }, records: null, snapshotPart: null };
  }
  const bytes = log.snapshots.readRange(id, position, maxBytes);
  return { answer, records: null, snapshotPart: { size, bytes } };
}
