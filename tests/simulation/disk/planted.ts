/**
 * Bugs of storage that are planted to see whether the scenario of the disk finds them: in the files
 * that a process is handed, or in a class of the product, of which one method is exchanged while the
 * scenario runs.
 *
 * @module
 */
import { BatchIndex } from "../../../src/log/batch_index.ts";
import { BatchScanner } from "../../../src/log/batch_scanner.ts";
import { PartitionLog } from "../../../src/log/partition_log.ts";
import { ProducerState } from "../../../src/log/producer_state.ts";
import type { Sabotage } from "../outcome.ts";
import { wrongFiles } from "./wrong_files.ts";

/** A bug. */
export interface PlantedDiskBug {
  readonly name: string;
  readonly sabotage?: Sabotage;
  /** Puts it into a class, and returns how to take it out again. */
  readonly plant?: () => () => void;
}

/** What is planted, one at a time. */
export const PLANTED_DISK_BUGS: readonly PlantedDiskBug[] = [
  {
    name: "a sync of records that is skipped",
    sabotage: wrongFiles({
      sync: (path, sync) => path.endsWith(".log") ? Promise.resolve() : sync(),
    }),
  },
  {
    name: "a flush that is acknowledged before its sync has ended",
    sabotage: wrongFiles({
      sync(path, sync) {
        if (!path.endsWith(".log")) return sync();
        sync().catch(() => {});
        return Promise.resolve();
      },
    }),
  },
  {
    name: "a failed sync that is tried again, as if that told anything",
    sabotage: wrongFiles({ sync: (_, sync) => sync().catch(() => sync()) }),
  },
  {
    name: "the directory entry of a new segment that is not synced",
    sabotage: wrongFiles({
      syncDirectory: (path, sync) => /-\d+$/.test(path) ? Promise.resolve() : sync(),
    }),
  },
  {
    name: "a recovery that cuts one batch too many",
    plant: () => {
      let cuts = 0;
      return exchange(
        BatchScanner.prototype,
        "crcProblem",
        (right) =>
          function (this: BatchScanner): string | null {
            return right.call(this) ?? (++cuts % 50 === 0 ? "it is not liked" : null);
          },
      );
    },
  },
  {
    name: "an index whose offsets are off by one",
    plant: () =>
      exchange(
        BatchIndex.prototype,
        "append",
        (right) =>
          function (this: BatchIndex, ...args: Parameters<BatchIndex["append"]>): void {
            const [first, last, position] = args;
            right.call(this, first, Math.max(0, last - 1), position);
          },
      ),
  },
  {
    name: "a producer's last batch that is not recognised",
    plant: () => {
      let calls = 0;
      return exchange(
        ProducerState.prototype,
        "findDuplicate",
        (right) =>
          function (this: ProducerState, batch) {
            return ++calls % 20 === 0 ? null : right.call(this, batch);
          },
      );
    },
  },
  {
    name: "a recovery point that is ahead of the sync",
    plant: () => replaceGetter(PartitionLog.prototype, "recoveryPoint", (log) => log.logEndOffset),
  },
];

/** Exchanges a method of a class. */
export function exchange<Type extends object, Name extends keyof Type>(
  prototype: Type,
  name: Name,
  wrong: (right: Type[Name]) => Type[Name],
): () => void {
  const right = prototype[name];
  prototype[name] = wrong(right);
  return () => void (prototype[name] = right);
}

/** Exchanges what a property of a class gives. */
export function replaceGetter<Type extends object>(
  prototype: Type,
  name: keyof Type,
  wrong: (self: Type) => unknown,
): () => void {
  const right = Object.getOwnPropertyDescriptor(prototype, name)!;
  Object.defineProperty(prototype, name, {
    configurable: true,
    get(this: Type) {
      return wrong(this);
    },
  });
  return () => void Object.defineProperty(prototype, name, right);
}
