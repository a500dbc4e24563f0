/**
 * Preparation of a log's directory for opening: completes deletions and replacements of segments
 * that a previous process has started.
 *
 * Deleted segments must not be mistaken for lost ones. Millrace removes the files of old segments
 * only once the new log start is durable. Apache Kafka renames the `.log` to `.log.deleted`, then
 * the indexes, meanwhile writes the new start of the leader epochs, and removes the `.deleted`
 * files a minute later. If it is killed in between, the log starts later than its leader epochs, or
 * there are indexes without their log, but the `.log.deleted` always exists. So the leader epochs
 * are updated, and the deletion is completed, before any `.log.deleted` is removed.
 *
 * @module
 */
import { ErrorCode, KafkaError } from "../../protocol/errors.ts";
import type { FileSystem } from "../../runtime/runtime.ts";
import { DELETED_SUFFIX, finishSwaps, SWAP_SUFFIX } from "../compaction/swap_files.ts";
import { META_PROPERTIES } from "../directory/meta_properties.ts";
import { LEADER_EPOCH_CHECKPOINT, LeaderEpochs } from "../leader_epochs.ts";
import { baseOffsetOf } from "../segments/segment.ts";

/**
 * Returns the names of the files in a directory, which is created if necessary. Throws KAFKA_STORAGE_ERROR for
 * the data directory of a node, such as `node-1`, whose name is also that of a partition: nothing may be
 * written there, and it is not quarantined.
 */
export function openDirectory(
  files: FileSystem,
  directory: string,
  exists: boolean = files.exists(directory),
): { readonly isNew: boolean; readonly found: ReadonlySet<string> } {
  if (!exists) files.makeDirectory(directory);
  const found = exists ? files.list(directory).map(({ name }) => name) : [];
  if (found.includes(META_PROPERTIES)) {
    throw new KafkaError(
      ErrorCode.KAFKA_STORAGE_ERROR,
      `Cannot open ${directory} as a partition: its ${META_PROPERTIES} makes it the data directory of a node; ` +
        "move it, or name another data directory for this node",
    );
  }
  return { isNew: !exists, found: new Set(found) };
}

/**
 * Completes deletions and replacements among the files `found` in `directory`. Returns the
 * remaining names; for `.log.swap` files among them, see `finishSwaps`. Throws a `FileError`.
 */
export function finishInterrupted(
  files: FileSystem,
  directory: string,
  found: ReadonlySet<string>,
): ReadonlySet<string> {
  noteBeginning(files, directory, found);
  return finishSwaps(files, directory, found);
}

/** If old segments were being deleted, lets the leader epochs start where the log does now. */
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
    // The file is unreadable and will be rebuilt.
    if (error instanceof KafkaError) return;
    throw error;
  }
  epochs.truncateFromStart(first);
}
