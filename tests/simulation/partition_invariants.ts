/**
 * Invariants of the partitions of all nodes, checked after every event of a run:
 * - the high watermark of a partition never goes back while its process lives, and is never above the
 *   end of the log;
 * - no record is acknowledged above the high watermark;
 * - the recovery point is never above the end of the log.
 *
 * @module
 */
/** A partition as the invariants see it. */
export interface WatchedPartition {
  readonly name: string;
  readonly highWatermark: number;
  readonly log: { readonly logEndOffset: number; readonly recoveryPoint: number };
}

/** A node with partitions. */
interface WatchedNode {
  readonly partitions: Iterable<WatchedPartition>;
}

/** A run whose partitions are checked. */
interface WatchedRun {
  readonly simulation: { afterEvent(check: () => void): () => void };
  fail(text: string): void;
}

/** Checks the partitions of `nodes` after every event, until something does not hold. */
export class PartitionInvariants {
  /** Where each partition ends that producers know of: after the last record acknowledged to them. */
  readonly #acknowledged = new Map<string, number>();
  /** The last high watermark, by partition of a process. */
  readonly #highWatermarks = new WeakMap<WatchedPartition, number>();

  constructor(
    run: WatchedRun,
    private readonly nodes: readonly WatchedNode[],
  ) {
    const end = run.simulation.afterEvent(() => {
      const broken = this.#broken();
      if (broken === null) return;
      end();
      run.fail(broken);
    });
  }

  /** Notes that the record at `offset` was acknowledged. */
  acknowledge(topic: string, partition: number, offset: number): void {
    const name = `${topic}-${partition}`;
    if ((this.#acknowledged.get(name) ?? 0) <= offset) this.#acknowledged.set(name, offset + 1);
  }

  /** Forgets all acknowledgements, since a power failure has taken some of the records. */
  forgetAcknowledged(): void {
    this.#acknowledged.clear();
  }

  #broken(): string | null {
    for (const { partitions } of this.nodes) {
      for (const partition of partitions) {
        const broken = this.#brokenOf(partition);
        if (broken !== null) return broken;
      }
    }
    return null;
  }

  #brokenOf(partition: WatchedPartition): string | null {
    const { name, highWatermark, log: { logEndOffset, recoveryPoint } } = partition;
    const before = this.#highWatermarks.get(partition) ?? 0;
    if (highWatermark < before) {
      return `the high watermark of ${name} has gone back from ${before} to ${highWatermark}`;
    }
    if (highWatermark > before) this.#highWatermarks.set(partition, highWatermark);
    if (highWatermark > logEndOffset) {
      return `the high watermark of ${name} is ${highWatermark}, its log ends at ${logEndOffset}`;
    }
    if (recoveryPoint > logEndOffset) {
      return `the recovery point of ${name} is ${recoveryPoint}, its log ends at ${logEndOffset}`;
    }
    const acknowledged = this.#acknowledged.get(name) ?? 0;
    if (acknowledged > highWatermark) {
      return `${name} was acknowledged up to ${acknowledged}, its high watermark is ${highWatermark}`;
    }
    return null;
  }
}
