/**
 * A directory written by Apache Kafka, in memory, and a runtime with these files.
 *
 * @module
 */
import { hostRuntime } from "../../src/runtime/host.ts";
import { MemoryFileSystem } from "../../src/runtime/memory_files.ts";
import type { FileSystem, Runtime } from "../../src/runtime/runtime.ts";
import { KAFKA_FILES } from "./fixtures/kafka_4_3.ts";

const host = hostRuntime();

/** Returns the bytes of a file that Kafka wrote. */
export function kafkaBytes(path: string): Uint8Array {
  const text = atob(KAFKA_FILES[path]!);
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

/** Formats bytes as hexadecimal digits. */
export function hexadecimal(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Returns a file system in memory with all files that Kafka wrote, in `/data`. */
export function kafkaDirectory(): { files: FileSystem; runtime: Runtime } {
  const files = new MemoryFileSystem();
  for (const path of Object.keys(KAFKA_FILES)) writeFile(files, `/data/${path}`, kafkaBytes(path));
  return { files, runtime: { ...host, files } };
}

/** Creates the file or replaces its content. */
export function writeFile(files: FileSystem, path: string, bytes: Uint8Array): void {
  files.makeDirectory(path.slice(0, path.lastIndexOf("/")));
  const file = files.open(path, "create");
  file.truncate(0);
  if (bytes.length > 0) file.writeAt(bytes, 0);
  file.close();
}

/** Returns the bytes of a file. */
export function readFile(files: FileSystem, path: string): Uint8Array {
  const file = files.open(path, "read");
  const bytes = new Uint8Array(file.size());
  file.readAt(bytes, 0);
  file.close();
  return bytes;
}

/** Returns every file below `/data` with its bytes, as one text. */
export function everything(files: FileSystem, directory: string = "/data"): string {
  return files.list(directory).sort((a, b) => a.name < b.name ? -1 : 1).map((entry) => {
    const path = `${directory}/${entry.name}`;
    if (entry.isDirectory) return everything(files, path);
    return `${path} ${hexadecimal(readFile(files, path))}`;
  }).join("\n");
}
