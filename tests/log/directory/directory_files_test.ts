import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { DirectoryFiles } from "../../../src/log/directory/directory_files.ts";
import { MemoryFileSystem } from "../../../src/runtime/memory_files.ts";
import { FileError, type FileHandle } from "../../../src/runtime/runtime.ts";
import { FailingFiles } from "../fixture.ts";
import { test } from "../../harness.ts";

const BYTES = new Uint8Array(10);

function opened(): {
  failing: FailingFiles;
  files: DirectoryFiles;
  file: FileHandle;
  told: number[];
} {
  const failing = new FailingFiles(new MemoryFileSystem());
  const told: number[] = [];
  const files: DirectoryFiles = new DirectoryFiles(failing, () => void told.push(told.length));
  files.makeDirectory("/data");
  const file = files.open("/data/f", "create");
  file.writeAt(BYTES, 0);
  return { failing, files, file, told };
}

/** The operations, each with a failure, and whether that is a fault of the disk. */
const TABLE: readonly (readonly [
  "write" | "truncate" | "sync" | "read" | "open",
  FileError["reason"],
  boolean,
])[] = [
  ["write", "io", true],
  ["write", "permission", true],
  ["write", "no-space", false],
  ["write", "refused", false],
  ["truncate", "io", true],
  ["truncate", "no-space", false],
  ["sync", "io", true],
  ["sync", "no-space", true],
  ["sync", "permission", true],
  ["sync", "refused", false],
  ["read", "io", false],
  ["open", "io", true],
  ["open", "permission", false],
  ["open", "no-space", false],
  ["open", "refused", false],
];

test("DirectoryFiles distinguishes disk faults from other failures", async () => {
  for (const [operation, reason, isFault] of TABLE) {
    const { failing, files, file, told } = opened();
    failing.reason = reason;
    failing.failing.add(operation);
    const run: Record<typeof operation, () => unknown> = {
      write: () => file.writeAt(BYTES, 10),
      truncate: () => file.truncate(0),
      sync: () => file.sync(),
      read: () => file.readAt(new Uint8Array(1), 0),
      open: () => files.open("/data/new", "create"),
    };
    if (operation === "sync") await assertRejects(() => file.sync(), FileError);
    else assertThrows(run[operation], FileError);
    assertEquals(
      [files.fault !== null, told.length],
      [isFault, isFault ? 1 : 0],
      `${operation} ${reason}`,
    );
    file.close();
  }
});

test("DirectoryFiles waits for removals, and detects a disk fault during one", async () => {
  const { failing, files, told } = opened();
  const ends: { resolve: () => void; reject: (error: Error) => void }[] = [];
  const slow = Object.assign(failing, {
    removeLater: (_path: string) =>
      new Promise<void>((resolve, reject) => void ends.push({ resolve, reject })),
  });
  assertEquals(slow, failing);
  await files.settle();
  const first = files.removeLater("/data/f");
  const second = files.removeLater("/data/g");
  let isSettled = false;
  const settled = files.settle().then(() => void (isSettled = true));
  ends[0]!.resolve();
  await first;
  assertEquals([isSettled, told.length], [false, 0]);
  const broken = new FileError("Cannot remove g: broken", "io");
  ends[1]!.reject(broken);
  await assertRejects(() => second, FileError, "broken");
  await settled;
  assertEquals(files.fault, broken);
  await assertRejects(
    () => files.removeLater("/data/f"),
    FileError,
    "nothing in its data directory",
  );
});

test("DirectoryFiles changes nothing after a fault, but still reads", async () => {
  const { failing, files, file, told } = opened();
  failing.reason = "io";
  failing.failing.add("sync");
  await assertRejects(() => file.sync(), FileError);
  failing.failing.clear();
  for (
    const change of [
      () => file.writeAt(BYTES, 0),
      () => file.truncate(0),
      () => files.open("/data/new", "create"),
      () => files.makeDirectory("/data/d"),
      () => files.rename("/data/f", "/data/g"),
      () => files.remove("/data/f"),
    ]
  ) assertThrows(change, FileError, "nothing in its data directory is changed since this failed");
  await assertRejects(() => file.sync(), FileError);
  await assertRejects(() => files.syncDirectory("/data"), FileError);
  assertEquals(told.length, 1);
  assertEquals([file.size(), file.readAt(new Uint8Array(20), 0)], [10, 10]);
  assertEquals(files.list("/data").map(({ name }) => name), ["f"]);
  // An existing file can be opened in any mode.
  const again = files.open("/data/f", "create");
  assertEquals(again.readAt(new Uint8Array(20), 0), 10);
  again.close();
  file.close();
});

test("DirectoryFiles treats neither a missing directory nor a closed file as a disk fault", async () => {
  const { files, file } = opened();
  await assertRejects(() => files.syncDirectory("/data/none"), FileError);
  file.close();
  await assertRejects(() => file.sync(), FileError);
  assertThrows(() => file.writeAt(BYTES, 0), FileError);
  assertEquals(files.fault, null);
});
