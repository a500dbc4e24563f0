/**
 * Kafka's checkpoint files: a version, the number of entries, and one line per entry.
 *
 * ```
 * 0
 * 2
 * 0 0
 * 3 1200
 * ```
 *
 * @module
 */
import { ErrorCode, KafkaError } from "../protocol/errors.ts";
import type { FileSystem } from "../runtime/runtime.ts";
import { createTextFile, readTextFile, replaceTextFile } from "./text_file.ts";

const VERSION = "0";

/**
 * Reads the checkpoint at `path`, whose entries have `words` words each. Returns null if the file
 * does not exist or is empty. Throws KAFKA_STORAGE_ERROR for any other content.
 */
export function readCheckpoint(
  files: FileSystem,
  path: string,
  words: number,
): readonly (readonly string[])[] | null {
  const text = readTextFile(files, path);
  if (text === null || text === "") return null;
  const lines = text.split(/\r?\n/);
  if (lines.at(-1) === "") lines.pop();
  if (lines[0] !== VERSION) throw malformed(path, `its version is "${lines[0]}" instead of 0`);
  const count = Number(lines[1]);
  if (!/^\d+$/.test(lines[1] ?? "") || lines.length !== count + 2) {
    throw malformed(path, `it has ${lines.length - 2} entries instead of "${lines[1]}"`);
  }
  return lines.slice(2).map((line) => {
    const entry = line.split(" ");
    if (entry.length !== words) throw malformed(path, `"${line}" does not have ${words} words`);
    return entry;
  });
}

/**
 * Replaces the checkpoint at `path`. One that does not exist is written in place, and a crash may leave
 * a part of it. Throws a `FileError`.
 */
export function writeCheckpoint(
  files: FileSystem,
  path: string,
  entries: readonly (readonly (string | number)[])[],
  exists = true,
): void {
  (exists ? replaceTextFile : createTextFile)(files, path, checkpointText(entries));
}

/** Returns the text of a checkpoint with these entries. */
export function checkpointText(entries: readonly (readonly (string | number)[])[]): string {
  const lines = entries.map((entry) => entry.join(" "));
  return [VERSION, String(entries.length), ...lines, ""].join("\n");
}

/**
 * Parses `text` as an integer from 0 to 2^53 - 1. Throws KAFKA_STORAGE_ERROR with `path` in the
 * message.
 */
export function checkpointNumber(path: string, text: string | undefined): number {
  const value = Number(text);
  if (text === undefined || !/^\d+$/.test(text) || !Number.isSafeInteger(value)) {
    throw malformed(path, `"${text}" is not an offset`);
  }
  return value;
}

function malformed(path: string, why: string): KafkaError {
  return new KafkaError(
    ErrorCode.KAFKA_STORAGE_ERROR,
    `Cannot read the checkpoint ${path}: ${why}; remove it to have it rebuilt`,
  );
}
