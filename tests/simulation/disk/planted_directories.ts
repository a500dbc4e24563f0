/**
 * Bugs that are planted to see whether the scenario of a node's directories finds them: in
 * transactions, in deletion, and in what one directory has to do with another.
 *
 * @module
 */
import { AbortedTransactions } from "../../../src/log/segments/aborted_transactions.ts";
import { TransactionFilter } from "../../../src/log/compaction/transaction_filter.ts";
import { LogManager } from "../../../src/log/directory/log_manager.ts";
import { OpenTransactions } from "../../../src/log/producers/open_transactions.ts";
import type { PartitionLog } from "../../../src/log/partition_log.ts";
import { PendingWork } from "../../../src/log/pending_work.ts";
import type { ProducerSnapshotEntry } from "../../../src/log/producers/producer_snapshot_format.ts";
import { ProducerState } from "../../../src/log/producers/producer_state.ts";
import type { Segment } from "../../../src/log/segments/segment.ts";
import { SegmentList } from "../../../src/log/segments/segment_list.ts";
import { StartOffsets } from "../../../src/log/directory/log_start_checkpoint.ts";
import { Compactions } from "./operations/compactions.ts";
import { exchange, type PlantedDiskBug } from "./planted.ts";
import { wrongFiles } from "./wrong_files.ts";

/** The bugs, planted one at a time. */
export const PLANTED_DIRECTORY_BUGS: readonly PlantedDiskBug[] = [
  {
    name: "an aborted transaction that is forgotten at a start",
    nearSeed: 12,
    plant: () =>
      exchange(
        AbortedTransactions.prototype,
        "replace",
        (right) =>
          function (this: AbortedTransactions): void {
            right.call(this, []);
          },
      ),
  },
  {
    name: "an open transaction that is missing in a snapshot",
    plant: () => plantInSnapshots(() => ({ currentTransactionStartOffset: -1 })),
  },
  {
    name: "a wrong sequence number in a snapshot",
    plant: () => plantInSnapshots(({ lastSequence }) => ({ lastSequence: lastSequence + 1 })),
  },
  {
    name: "a last stable offset beyond open transactions",
    plant: () => exchange(OpenTransactions.prototype, "lastStableOffset", () => (offset) => offset),
  },
  {
    name: "a compaction beyond the last stable offset",
    nearSeed: 13,
    plant: () =>
      exchange(
        Compactions.prototype,
        "compactableEnd",
        () => (log: PartitionLog) => log.recoveryPoint,
      ),
  },
  {
    name: "a compaction that counts aborted records",
    nearSeed: 19,
    plant: () =>
      exchange(
        TransactionFilter.prototype,
        "visit",
        (right) =>
          function (this: TransactionFilter, bytes: Uint8Array, at: number): boolean {
            const isObsolete = right.call(this, bytes, at);
            // Bit 5 of the attributes: a control batch.
            return isObsolete && (bytes[at + 22]! & 32) !== 0;
          },
      ),
  },
  {
    name: "a deleted topic that comes back under another id",
    sabotage: (runtime, host, simulation) =>
      wrongFiles({
        rename(from, to, rename) {
          if (!to.endsWith("-delete")) rename();
          else runtime.files.remove(`${from}/partition.metadata`);
        },
      })(runtime, host, simulation),
  },
  {
    name: "a start offset of a deleted log that is used for the next one",
    nearSeed: 107,
    plant: () => exchange(StartOffsets.prototype, "forget", () => () => {}),
  },
  {
    name: "a failed write that is treated as stored",
    nearSeed: 17,
    sabotage: wrongFiles({
      write(path, write) {
        try {
          write();
        } catch (error) {
          if (!path.endsWith(".log")) throw error;
        }
      },
    }),
  },
  {
    name: "a partition that is recreated while its directory is missing",
    nearSeed: 14,
    plant: () =>
      exchange(
        LogManager.prototype,
        "create",
        (right) =>
          function (this: LogManager, topic, partition, topicId, config) {
            return right.call(this, topic, partition, topicId, config);
          },
      ),
  },
  {
    name: "a directory that is unlocked while work in it is under way",
    nearSeed: 55,
    plant: () => exchange(PendingWork.prototype, "settled", () => () => Promise.resolve()),
  },
  {
    name: "an index that is stored before the name of its segment is durable",
    nearSeed: 27,
    plant: () =>
      exchange(
        SegmentList.prototype,
        "add",
        (right) =>
          function (this: SegmentList, ...args): Segment {
            const segment = right.apply(this, args);
            segment.createMarker();
            return segment;
          },
      ),
  },
];

function plantInSnapshots(
  wrong: (entry: ProducerSnapshotEntry) => Partial<ProducerSnapshotEntry>,
): () => void {
  return exchange(
    ProducerState.prototype,
    "snapshot",
    (right) =>
      function (this: ProducerState): ProducerSnapshotEntry[] {
        return right.call(this).map((entry) => ({ ...entry, ...wrong(entry) }));
      },
  );
}
