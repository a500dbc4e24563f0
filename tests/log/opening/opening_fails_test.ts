/**
 * Opens a log while one disk operation fails, for each operation in turn: the opening must fail and
 * leave no file open, and the next attempt must find all records.
 */
import { assert, assertEquals } from "@std/assert";
import { KafkaError } from "../../../src/protocol/errors.ts";
import { FileError, type FileHandle, type OpenMode } from "../../../src/runtime/runtime.ts";
import { test } from "../../harness.ts";
import { batchOf, Machine } from "../fixture.ts";
import { FilesOver } from "../files_over.ts";

/** Counts the open files and the disk operations, of which one fails. */
class CountedFiles extends FilesOver {
  /** The number of the operation that fails, and of all later ones with `failsForGood`. */
  failsAt = Infinity;
  failsForGood = false;
  uses = 0;
  openFiles = 0;

  override open(path: string, mode: OpenMode): FileHandle {
    this.#use(`open ${path}`);
    const file = this.files.open(path, mode);
    this.openFiles++;
    let isOpen = true;
    const used = <Result>(what: string, run: () => Result): Result => {
      this.#use(`${what} ${path}`);
      return run();
    };
    return {
      readAt: (target, position) => used("read", () => file.readAt(target, position)),
      read: (target, position) => used("read", () => file.read(target, position)),
      writeAt: (bytes, position) => used("write", () => file.writeAt(bytes, position)),
      size: () => used("measure", () => file.size()),
      truncate: (length) => used("truncate", () => file.truncate(length)),
      sync: () => used("sync", () => file.sync()),
      close: () => {
        if (isOpen) this.openFiles--;
        isOpen = false;
        file.close();
      },
    };
  }

  override list(path: string): ReturnType<FilesOver["list"]> {
    this.#use(`list ${path}`);
    return super.list(path);
  }

  override rename(from: string, to: string): void {
    this.#use(`rename ${from}`);
    super.rename(from, to);
  }

  override remove(path: string): void {
    this.#use(`remove ${path}`);
    super.remove(path);
  }

  #use(what: string): void {
    const use = ++this.uses;
    if (use !== this.failsAt && !(this.failsForGood && use > this.failsAt)) return;
    throw new FileError(`Cannot ${what}: input/output error`, "io");
  }
}

/** Creates a machine killed with three segments, whose leader epoch file is out of date. */
function killedMachine(): Machine {
  const machine = new Machine();
  const log = machine.open({ segmentBytes: batchOf(3).length });
  for (let batch = 0; batch < 3; batch++) {
    log.append(batchOf(3), { leaderEpoch: batch, origin: "client" });
  }
  const next = machine.kill();
  next.write("leader-epoch-checkpoint", "0\n0\n");
  return next;
}

for (const failsForGood of [false, true]) {
  const disk = failsForGood ? "a broken disk" : "a disk that fails once";
  test(`a log that cannot be opened on ${disk} leaves no file open`, () => {
    let refusals = 0;
    let failsAt = 1;
    for (let isOver = false; !isOver; failsAt++) {
      const machine = killedMachine();
      const files = new CountedFiles(machine.memory);
      Object.assign(files, { failsAt, failsForGood });
      machine.files = files;
      try {
        machine.open().close();
        isOver = files.uses < failsAt;
      } catch (error) {
        if (!(error instanceof KafkaError)) throw error;
        refusals++;
      }
      assertEquals(files.openFiles, 0, `after disk operation ${failsAt} failed`);
      files.failsAt = Infinity;
      const again = machine.kill().open();
      assertEquals(again.logEndOffset, 9, `after disk operation ${failsAt} failed`);
      again.close();
    }
    assert(refusals > 10, `only ${refusals} openings failed`);
  });
}
