/**
 * `bootstrap.checkpoint` in the metadata directory: the first records of the cluster, its features above
 * all, in the format of a snapshot. Releases of Apache Kafka before 4.4 write it when they format a
 * directory; 4.4 and this release write the records to the bootstrap snapshot of the metadata log.
 *
 * @module
 */
import { FileError, type FileHandle, type FileSystem } from "../../runtime/runtime.ts";
import { storageError } from "../../log/storage_error.ts";
import type { OpenSnapshot } from "./snapshot_files.ts";
import { SnapshotReader } from "./snapshot_reader.ts";

/** The name of the file. */
export const BOOTSTRAP_CHECKPOINT = "bootstrap.checkpoint";

/** Opens the file in `directory`, or returns null if there is none. Throws KAFKA_STORAGE_ERROR. */
export function openBootstrapCheckpoint(files: FileSystem, directory: string): OpenSnapshot | null {
  const path = `${directory}/${BOOTSTRAP_CHECKPOINT}`;
  let file: FileHandle;
  try {
    file = files.open(path, "read");
  } catch (error) {
    if (!(error instanceof FileError)) throw error;
    if (error.reason === "not-found") return null;
    throw storageError(`Cannot read ${path}, the first records of the cluster`, error);
  }
  try {
    return { reader: new SnapshotReader(file, path), close: () => file.close() };
  } catch (error) {
    file.close();
    throw error;
  }
}
