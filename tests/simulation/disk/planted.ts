/**
 * Bugs of storage that are planted to see whether the scenario of the disk finds them: in the files
 * that a process is handed, or in a class of the product, of which one method is exchanged while the
 * scenario runs.
 *
 * @module
 */
import { BatchIndex } from "../../../src/log/segments/batch_index.ts";
import { BatchScanner } from "../../../src/log/segments/batch_scanner.ts";
import { LogCompaction } from "../../../src/log/compaction/log_compaction.ts";
import { OffsetMap } from "../../../src/log/compaction/offset_map.ts";
import type { LogConfig } from "../../../src/log/log_config.ts";
import { LogDurability } from "../../../src/log/log_durability.ts";
import { LogHealth } from "../../../src/log/log_health.ts";
import { LogOpening } from "../../../src/log/opening/log_opening.ts";
import { DataDirectory } from "../../../src/log/directory/data_directory.ts";
import { LogStart } from "../../../src/log/log_start.ts";
import { OpenSegments } from "../../../src/log/segments/open_segments.ts";
import { PartitionLog } from "../../../src/log/partition_log.ts";
import { ProducerSnapshots } from "../../../src/log/producers/producer_snapshot_storage.ts";
import { ProducerState } from "../../../src/log/producers/producer_state.ts";
import { RecoveryPoints } from "../../../src/log/directory/recovery_point_checkpoint.ts";
import type { Steps } from "../../../src/protocol/records/compression/steps.ts";
import type { Segment } from "../../../src/log/segments/segment.ts";
import type { KafkaError } from "../../../src/protocol/errors.ts";
import { SegmentList } from "../../../src/log/segments/segment_list.ts";
import type { Sabotage } from "../outcome.ts";
import { wrongFiles } from "./wrong_files.ts";

/** A bug. */
export interface PlantedDiskBug {
  readonly name: string;
  /** A seed at which it is found, or one shortly before. Defaults to 1. */
  readonly nearSeed?: number;
  readonly sabotage?: Sabotage;
  /** Plants the bug in a class. Returns how to remove it. */
  readonly plant?: () => () => void;
}

/** The bugs, planted one at a time. */
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
    name: "a failed sync that is retried as if that helped",
    nearSeed: 44,
    sabotage: wrongFiles({ sync: (_, sync) => sync().catch(() => sync()) }),
  },
  {
    name: "the directory entry of a new segment that is not synced",
    sabotage: wrongFiles({
      syncDirectory: (path, sync) => /-\d+$/.test(path) ? Promise.resolve() : sync(),
    }),
  },
  {
    name: "a recovery point that is ahead of the sync",
    plant: () =>
      replaceGetter(
        PartitionLog.prototype,
        "recoveryPoint",
        (_: number, log: PartitionLog) => log.logEndOffset,
      ),
  },
  {
    name: "a recovery that cuts at the wrong batch",
    plant: () => {
      let calls = 0;
      return exchange(
        BatchScanner.prototype,
        "crcProblem",
        (right) =>
          function (this: BatchScanner): string | null {
            return right.call(this) ?? (++calls % 40 === 0 ? "it is rejected" : null);
          },
      );
    },
  },
  {
    name: "a recovery that cuts below the recovery point",
    nearSeed: 18,
    plant: () => exchange(RecoveryPoints.prototype, "stored", () => () => 0),
  },
  {
    name: "an index whose offsets are off by one",
    plant: () =>
      exchange(
        BatchIndex.prototype,
        "append",
        (right) =>
          function (this: BatchIndex, first: number, last: number, position: number): void {
            right.call(this, Math.max(0, first - 1), Math.max(0, last - 1), position);
          },
      ),
  },
  {
    name: "tombstones that are removed too early",
    plant: () =>
      replaceGetter(LogCompaction.prototype, "config", (right: LogConfig) => ({
        ...right,
        deleteRetentionMs: 0,
      })),
  },
  {
    name: "a compaction that keeps the older of two values",
    plant: () => {
      const kept = new WeakMap<OffsetMap, Set<string>>();
      return exchange(
        OffsetMap.prototype,
        "get",
        (right) =>
          function (this: OffsetMap, bytes: Uint8Array, start: number, end: number): number {
            const keys = kept.get(this) ?? new Set();
            kept.set(this, keys);
            const key = String(bytes.subarray(start, end));
            if (right.call(this, bytes, start, end) < 0) return -1;
            if (keys.has(key)) return Number.MAX_SAFE_INTEGER;
            keys.add(key);
            return -1;
          },
      );
    },
  },
  {
    name: "a compacted segment that replaces the old one without a sync",
    sabotage: wrongFiles({
      sync: (path, sync) => path.endsWith(".cleaned") ? Promise.resolve() : sync(),
    }),
  },
  {
    name: "a snapshot of producers that is not removed when the log is cut",
    nearSeed: 66,
    plant: () => exchange(ProducerSnapshots.prototype, "removeAbove", () => () => {}),
  },
  {
    name: "a producer's last batch that is not recognised",
    nearSeed: 12,
    plant: () => {
      let calls = 0;
      return exchange(
        ProducerState.prototype,
        "findDuplicate",
        (right) =>
          function (this: ProducerState, batch: Parameters<ProducerState["findDuplicate"]>[0]) {
            return ++calls % 20 === 0 ? null : right.call(this, batch);
          },
      );
    },
  },
  {
    name: "old segments that are removed before the log start is durable",
    plant: () => {
      let calls = 0;
      // Every other time it is written later, with the next one.
      return exchange(
        LogStart.prototype,
        "save",
        (right) =>
          function (this: LogStart, isLowered: boolean): void {
            if (++calls % 2 === 0) right.call(this, isLowered);
          },
      );
    },
  },
  {
    name: "segments of a killed process that a start without recovery points treats as durable",
    nearSeed: 96,
    plant: () =>
      exchange(
        LogOpening.prototype,
        "openSegments",
        (right) =>
          function* (this: LogOpening): Steps<Segment[]> {
            const segments = yield* right.call(this);
            // Nothing is known to be durable.
            if (this.safeOffset === 0) segments.slice(0, -1).forEach((one) => one.isDirty = false);
            return segments;
          },
      ),
  },
  {
    name: "an open that is not retried when there is no descriptor",
    nearSeed: 42,
    plant: () => exchange(OpenSegments.prototype, "makeRoom", () => () => false),
  },
  {
    name: "a flush that marks its log as failed when there is no descriptor",
    nearSeed: 186,
    plant: () =>
      exchange(
        LogHealth.prototype,
        "flushFailed",
        () =>
          function (this: LogHealth, cause: unknown): KafkaError {
            return this.fail("Cannot flush", cause);
          },
      ),
  },
  {
    name: "a recovery point beyond a deleted segment that is not on the disk",
    nearSeed: 7,
    plant: () =>
      exchange(
        SegmentList.prototype,
        "syncClosed",
        () =>
          async function (this: SegmentList): Promise<void> {
            const closed = this.all.slice(0, -1);
            for (const segment of closed) if (segment.needsSync) await segment.sync();
            await this.syncDirectory();
            for (const segment of closed) segment.index.write();
          },
      ),
  },
  {
    name: "a truncation whose lowered recovery point is not on the disk",
    plant: () =>
      exchange(LogDurability.prototype, "saveRecoveryPoint", () => () => Promise.resolve()),
  },
  {
    name: "a truncation that is not on the disk when records are appended again",
    plant: () =>
      exchange(
        SegmentList.prototype,
        "truncate",
        (right) =>
          function (this: SegmentList, offset: number): void {
            const { isDirty } = this.active;
            right.call(this, offset);
            this.active.isDirty = isDirty;
          },
      ),
  },
  {
    name: "a marker of an orderly end that is written before all else is on the disk",
    nearSeed: 41,
    plant: () => exchange(DataDirectory.prototype, "flush", () => () => Promise.resolve()),
  },
];

/** Replaces a method of a class. Returns how to restore it. */
export function exchange<Type extends object, Name extends keyof Type>(
  prototype: Type,
  name: Name,
  wrong: (right: Type[Name]) => Type[Name],
): () => void {
  const right = prototype[name];
  prototype[name] = wrong(right);
  return () => void (prototype[name] = right);
}

/** Replaces the getter of a property of a class. */
function replaceGetter<Type extends object, Value>(
  prototype: Type,
  name: keyof Type,
  wrong: (right: Value, self: Type) => Value,
): () => void {
  const right = Object.getOwnPropertyDescriptor(prototype, name)!;
  Object.defineProperty(prototype, name, {
    configurable: true,
    get(this: Type) {
      return wrong(right.get!.call(this), this);
    },
  });
  return () => void Object.defineProperty(prototype, name, right);
}
