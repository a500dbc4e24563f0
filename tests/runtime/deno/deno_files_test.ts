/**
 * Deno's files after a write that failed half way. Other hosts have positional writes.
 */
import { assertEquals, assertThrows } from "@std/assert";
import { denoFiles } from "../../../src/runtime/deno/deno_files.ts";
import { FileError } from "../../../src/runtime/runtime.ts";
import { test } from "../../harness.ts";

test("writeAt() after a partly failed write writes at its position", () => {
  const directory = Deno.makeTempDirSync();
  const { prototype } = Deno.FsFile;
  const { writeSync } = prototype;
  const file = denoFiles(() => null).open(`${directory}/log`, "create");
  try {
    file.writeAt(Uint8Array.of(1, 2, 3, 4), 0);
    prototype.writeSync = function (bytes) {
      writeSync.call(this, bytes.subarray(0, 2));
      throw new Error("no space left on device");
    };
    assertThrows(() => file.writeAt(Uint8Array.of(5, 6, 7, 8), 4), FileError, "4 bytes at 4");
    prototype.writeSync = writeSync;
    file.writeAt(Uint8Array.of(9, 10, 11), 4);
    const read = new Uint8Array(8);
    assertEquals([file.size(), file.readAt(read, 0)], [7, 7]);
    assertEquals(read, Uint8Array.of(1, 2, 3, 4, 9, 10, 11, 0));
  } finally {
    prototype.writeSync = writeSync;
    file.close();
    Deno.removeSync(directory, { recursive: true });
  }
});
