import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { SparingFiles } from "../../../src/log/directory/sparing_files.ts";
import { fileErrorOfCode } from "../../../src/runtime/errors.ts";
import { MemoryFileSystem } from "../../../src/runtime/memory_files.ts";
import { FileError, type FileSystem } from "../../../src/runtime/runtime.ts";
import { test } from "../../harness.ts";

/** The operations that need a descriptor, as one call each. */
const OPERATIONS: Readonly<Record<string, (files: FileSystem) => unknown>> = {
  open: (files) => files.open("/data/f", "create").close(),
  list: (files) => files.list("/data"),
  remove: (files) => files.remove("/data/f"),
  removeLater: (files) => files.removeLater!("/data/f"),
  syncDirectory: (files) => files.syncDirectory("/data"),
  tryLock: (files) => files.tryLock("/data/.lock")!.release(),
  space: (files) => files.space!("/data"),
};

/** A file system without descriptors until `shortages` calls have failed with `code`. */
function lacking(code: string) {
  const memory = new MemoryFileSystem();
  memory.makeDirectory("/data");
  const state = { shortages: 0 };
  const files = new Proxy<FileSystem>(memory, {
    get(_, name: keyof FileSystem) {
      const isAsync = name === "removeLater" || name === "syncDirectory" || name === "space";
      return (path: string, ...rest: unknown[]) => {
        if (state.shortages-- > 0) {
          const error = fileErrorOfCode(name, path, code);
          if (isAsync) return Promise.reject(error);
          throw error;
        }
        if (name === "removeLater" || name === "space") return Promise.resolve(null);
        return (memory[name] as (...all: unknown[]) => unknown).call(memory, path, ...rest);
      };
    },
  });
  return { files, state };
}

for (const [name, run] of Object.entries(OPERATIONS)) {
  test(`SparingFiles.${name}() closes files and retries while there is no descriptor`, async () => {
    for (const code of ["EMFILE", "ENFILE"]) {
      const { files, state } = lacking(code);
      let roomMade = 0;
      const sparing = new SparingFiles(files, () => ++roomMade <= 3);
      state.shortages = 3;
      await run(sparing);
      assertEquals(roomMade, 3);
      // The fourth time, no file is left to close.
      roomMade = 0;
      state.shortages = 9;
      const error = await assertRejects(async () => void await run(sparing), FileError);
      assertEquals([error.reason, roomMade, state.shortages], ["too-many-open", 4, 5]);
    }
  });
}

test("SparingFiles rethrows other errors", () => {
  const { files, state } = lacking("EIO");
  const sparing = new SparingFiles(files, () => true);
  state.shortages = 1;
  assertEquals(assertThrows(() => sparing.list("/data"), FileError).reason, "io");
});
