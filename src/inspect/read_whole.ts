/**
 * Reads a small file of a data directory.
 *
 * @module
 */
import { FileError, type FileSystem } from "../runtime/runtime.ts";

/** Larger than the index of a 2 GiB segment with an entry for each batch header. */
const MAXIMUM_BYTES = 536_870_912;

/** Returns the content of the file at `path`. Throws a `FileError`. */
export function readWhole(files: FileSystem, path: string): Uint8Array<ArrayBuffer> {
  const file = files.open(path, "read");
  try {
    const size = file.size();
    if (size > MAXIMUM_BYTES) {
      throw new FileError(
        `Cannot read ${path}: it has ${size} bytes, more than the plausible maximum of ${MAXIMUM_BYTES}`,
        "io",
      );
    }
    const bytes = new Uint8Array(size);
    return bytes.subarray(0, file.readAt(bytes, 0));
  } finally {
    file.close();
  }
}
