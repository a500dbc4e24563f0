/**
 * What a log's directory holds when it is opened, and what becomes there of a deletion or an exchange
 * of segments that the last process has begun.
 *
 * A segment that was to be deleted is no segment that somebody has removed. Millrace removes the files
 * of old segments only when the disk has where the log begins; until then they are there. Apache Kafka
 * gives the `.log` the name `.log.deleted`, then its indexes theirs, writes down the new beginning of
 * the leader epochs meanwhile, and removes what is called `.deleted` a minute later. Killed in between,
 * it leaves a log that begins later than its leader epochs say, or indexes whose log is missing, but
 * never without the `.log.deleted` that explains them. So the beginning is noted here, and the
 * deletion is finished, before any `.log.deleted` goes.
 *
 * @module
 */
import { KafkaError } from "../../protocol/errors.ts";
import type { FileSystem } from "../../runtime/runtime.ts";
import { DELETED_SUFFIX, settleSwaps, SWAP_SUFFIX } from "../compaction/swap_files.ts";
import { LEADER_EPOCH_CHECKPOINT, LeaderEpochs } from "../leader_epochs.ts";
import { baseOffsetOf } from "../segments/segment.ts";

/** Lists the files in a directory, which is created when it is missing. */
export function openDirectory(
  files: FileSystem,
  directory: string,
  exists: boolean = files.exists(directory),
): { readonly isNew: boolean; readonly found: ReadonlySet<string> } {
  if (!exists) files.makeDirectory(directory);
  const found = exists ? files.list(directory).map(({ name }) => name) : [];
  return { isNew: !exists, found: new Set(found) };
}

/**
 * Finishes what was begun among the files `found` in `directory`. Returns the names that are left; the
 * `.log.swap` files among them are as `settleSwaps` says. Throws a `FileError`.
 */
export function settleFiles(
  files: FileSystem,
  directory: string,
  found: ReadonlySet<string>,
): ReadonlySet<string> {
  noteBeginning(files, directory, found);
  return settleSwaps(files, directory, found);
}

/** Lets the leader epochs begin where the log does when segments before that were being deleted. */
function noteBeginning(files: FileSystem, directory: string, found: ReadonlySet<string>): void {
  const bases = (suffix: string): number[] =>
    [...found].filter((name) => name.endsWith(`.log${suffix}`))
      .map((name) => baseOffsetOf(name.slice(0, name.length - suffix.length)))
      .filter((offset) => offset >= 0);
  const deleted = bases(DELETED_SUFFIX);
  if (deleted.length === 0) return;
  const first = Math.min(Infinity, ...bases(""), ...bases(SWAP_SUFFIX));
  if (first === Infinity || Math.min(...deleted) >= first) return;
  const epochs = new LeaderEpochs(files, `${directory}/${LEADER_EPOCH_CHECKPOINT}`);
  try {
    epochs.load();
  } catch (error) {
    // Nothing can be read from it: it is made anew.
    if (error instanceof KafkaError) return;
    throw error;
  }
  epochs.truncateFromStart(first);
}
