/**
 * The topics that the metadata log deletes.
 *
 * @module
 */
import { BatchApplier } from "../metadata/batch_applier.ts";
import { METADATA_PARTITION } from "../metadata/metadata_log.ts";
import type { Pause } from "../protocol/records/compression/steps.ts";
import type { RaftLog } from "../raft/storage/raft_log.ts";

const READ_BYTES = 1 << 20;

/**
 * Reads the whole log and resolves with the ids and names of the topics that it deletes. Those deleted
 * before its earliest snapshot are not among them.
 */
export async function readDeletedTopics(log: RaftLog, pause: Pause): Promise<Map<string, string>> {
  const deleted = new Map<string, string>();
  if (log.startOffset > 0) return deleted;
  const applier = new BatchApplier(METADATA_PARTITION);
  while (applier.nextOffset < log.endOffset) {
    const source = log.read(applier.nextOffset, READ_BYTES);
    const bytes = new Uint8Array(source.byteLength);
    source.copyTo(bytes, 0);
    for (let at = 0; at < bytes.length;) {
      at = await applier.apply(bytes, at, {
        pause,
        apply: ({ deletedTopics }) => {
          for (const { id, name } of deletedTopics) deleted.set(id, name);
        },
      });
    }
  }
  return deleted;
}
