/**
 * Compacting the partitions of the disk scenarios.
 *
 * @module
 */
import { findCleanable } from "../../../../src/log/compaction/cleanable.ts";
import { cleanLog } from "../../../../src/log/compaction/cleaner.ts";
import { KeyDigest, SECRET_BYTES } from "../../../../src/log/compaction/key_digest.ts";
import { OffsetMap } from "../../../../src/log/compaction/offset_map.ts";
import { CleaningStopped, Pacer } from "../../../../src/log/compaction/pacer.ts";
import type { PartitionLog } from "../../../../src/log/partition_log.ts";
import { KafkaError } from "../../../../src/protocol/errors.ts";
import type { Xoshiro128 } from "../../../../src/simulator/xoshiro.ts";
import type { Machine, Place } from "../machine.ts";
import { PlaceActions } from "./place_actions.ts";
import { readLog } from "../models/stored_batch.ts";
import type { Syncing } from "./syncing.ts";
import { judgeTransactions } from "../models/transaction_checks.ts";

/** Compacts logs, as the cleaner of a broker does. */
export class Compactions<P extends Place = Place> extends PlaceActions<P> {
  readonly #secret: Uint8Array;

  constructor(machine: Machine<P>, random: Xoshiro128, private readonly syncing: Syncing<P>) {
    super(machine, random);
    this.#secret = random.fill(new Uint8Array(SECRET_BYTES));
  }

  /** Compacts what can be, in one pass. */
  async compact(place: P): Promise<void> {
    const { model, log, config } = place;
    if (!model.isCompacted || log.failure !== null) return;
    const { clock } = this.machine.runtime;
    if (this.random.oneIn(2)) {
      this.syncing.roll(place);
      await this.syncing.flush(place);
    }
    if (log.failure !== null || model.isLoose) return;
    try {
      await log.compaction.finishSwaps();
      const nowMs = clock.now();
      const { segments, logStartOffset, logEndOffset, cleanedOffset } = log.compaction;
      const lastStableOffset = this.compactableEnd(log);
      const cleanable = findCleanable({
        segments,
        config,
        logStartOffset,
        logEndOffset,
        cleanedOffset,
        lastStableOffset,
        nowMs,
      });
      if (cleanable === null) return;
      model.compact(cleanable.endOffset, nowMs);
      await cleanLog({
        log: log.compaction,
        cleanable,
        map: new OffsetMap(new KeyDigest(this.#secret), {
          maxBytes: this.random.oneIn(3) ? 120 : 100_000,
          loadFactor: 0.9,
        }),
        pacer: new Pacer({ clock, maxBytesPerSecond: () => Infinity, sliceBytes: 500 }),
        nowMs,
        bufferBytes: 100 + this.random.below(2_000),
      });
      this.world.count("compactions");
      const problem = model.judgeRecords(readLog(log, this.random)) ??
        judgeTransactions(log, model, this.world.random(`compacted ${model.name}`));
      if (problem !== null) this.fail(place, `after compaction ${problem}`);
    } catch (error) {
      // A map may be too small for the keys of one batch.
      if (error instanceof KafkaError && error.message.includes("dedupe.buffer.size")) return;
      if (error instanceof CleaningStopped && this.machine.mayHaveFailed(place)) return;
      this.machine.expectFault(`cannot compact ${model.name}`, error, place);
    }
  }

  /** Nothing from here on may be compacted, as the broker's cleaner has it. */
  compactableEnd(log: PartitionLog): number {
    return Math.min(log.lastStableOffset(log.logEndOffset), log.recoveryPoint);
  }
}
