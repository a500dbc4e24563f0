import { assert, assertEquals, assertThrows } from "@std/assert";
import { hostRuntime } from "../../src/runtime/host.ts";
import { ChunkedBytes } from "../../src/runtime/chunked_bytes.ts";
import { MemoryDisk, MemoryFileSystem } from "../../src/runtime/memory_files.ts";
import { FileError } from "../../src/runtime/runtime.ts";
import { test } from "../harness.ts";
import { testFileContract } from "./contract.ts";

testFileContract("memory file system's", () => {
  const runtime = { ...hostRuntime(), files: new MemoryFileSystem() };
  runtime.files.makeDirectory("/data");
  return { runtime, host: "", directory: "/data", run: (done) => done, dispose: () => {} };
});

test("ChunkedBytes behaves like an array for any writes and truncations", () => {
  let state = 1;
  const below = (bound: number): number => {
    state = Math.imul(state, 1103515245) + 12345 >>> 0;
    return Math.floor(state / 2 ** 32 * bound);
  };
  const limit = 400_000;
  for (let round = 0; round < 5; round++) {
    const bytes = new ChunkedBytes();
    let model = new Uint8Array(0);
    for (let step = 0; step < 60; step++) {
      if (below(4) === 0) {
        const length = below(limit);
        const cut = new Uint8Array(length);
        cut.set(model.subarray(0, length));
        model = cut;
        bytes.truncate(length);
      } else {
        const position = below(limit - 100_000);
        const written = new Uint8Array(below(below(3) === 0 ? 100_000 : 2000)).fill(step + 1);
        bytes.write(written, position);
        if (written.length > 0 && position + written.length > model.length) {
          const grown = new Uint8Array(position + written.length);
          grown.set(model);
          model = grown;
        }
        model.set(written, Math.min(position, model.length - written.length));
      }
      assertEquals(bytes.length, model.length);
      const target = new Uint8Array(limit).fill(255);
      const from = below(limit);
      const count = bytes.read(target, from);
      assertEquals(count, Math.max(0, model.length - from));
      assertEquals(target.subarray(0, count), model.subarray(from));
      assert(target.subarray(count).every((byte) => byte === 255));
    }
  }
});

test("MemoryFileSystem rejects renaming and removing an open file", () => {
  const files = new MemoryFileSystem();
  files.makeDirectory("topic-0");
  const file = files.open("topic-0/00.log", "create");
  assertThrows(() => files.remove("topic-0/00.log"), FileError, "close it first");
  assertThrows(() => files.remove("topic-0"), FileError, "topic-0/00.log");
  assertThrows(() => files.rename("topic-0", "topic-1"), FileError);
  assertThrows(() => files.rename("topic-0/00.log", "topic-0/01.log"), FileError);
  file.close();
  files.rename("topic-0", "topic-1");
  assertThrows(() => files.rename("topic-1", "topic-1/inside"), FileError);
  assertEquals(files.exists("topic-1/00.log"), true);
});

test("end() releases the files and locks of its process only", () => {
  const disk = new MemoryDisk();
  const killed = new MemoryFileSystem(disk);
  const other = new MemoryFileSystem(disk);
  const handle = killed.open("a", "create");
  const kept = other.open("b", "create");
  const lock = killed.tryLock(".lock");
  assertEquals(other.tryLock(".lock"), null);
  killed.end();
  assertThrows(() => handle.writeAt(new Uint8Array(1), 0), FileError);
  const taken = other.tryLock(".lock");
  assert(taken !== null);
  lock!.release();
  assertEquals(new MemoryFileSystem(disk).tryLock(".lock"), null);
  handle.close();
  other.remove("a");
  assertThrows(() => other.remove("b"), FileError);
  kept.close();
});
