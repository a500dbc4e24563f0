/**
 * A snapshot that is being fetched from the leader, part after part.
 *
 * @module
 */
import { assert } from "../assert.ts";
import type { Pause } from "../protocol/records/compression/steps.ts";
import { voterSet } from "./control_records.ts";
import { type SnapshotId, snapshotName } from "./core/epoch_log.ts";
import type { VoterSet } from "./core/voter_set.ts";
import type { SnapshotDraft } from "./storage/snapshot_draft.ts";
import type { SnapshotFiles } from "./storage/snapshot_files.ts";
import type { SnapshotHeader } from "./storage/snapshot_writer.ts";

/** What the quorum needs of a snapshot. */
export interface SnapshotContent {
  /** Null under `kraft.version` 0. */
  readonly voters: VoterSet | null;
  readonly kraftVersion: number;
}

/** The snapshot that is being fetched, of which there is at most one. */
export class ReceivedSnapshot {
  readonly #snapshots: SnapshotFiles;
  #draft: SnapshotDraft | null = null;

  constructor(snapshots: SnapshotFiles) {
    this.#snapshots = snapshots;
  }

  /** Writes a part. Position 0 begins anew. Throws KAFKA_STORAGE_ERROR. */
  write(id: SnapshotId, position: number, bytes: Uint8Array): void {
    if (position === 0) {
      this.abandon();
      this.#draft = this.#snapshots.create(id);
    }
    assert(this.#draft !== null, `A part of snapshot ${snapshotName(id)} without its beginning`);
    this.#draft.write(bytes, position);
  }

  /**
   * Checks the complete snapshot and makes it durable. Resolves with its content, or with the error if it is
   * damaged. Rejects with KAFKA_STORAGE_ERROR if it cannot be written.
   */
  async publish(id: SnapshotId, pause: Pause): Promise<SnapshotContent | Error> {
    const draft = this.#draft;
    assert(draft !== null, `Snapshot ${snapshotName(id)} was not fetched`);
    this.#draft = null;
    let header: SnapshotHeader;
    try {
      const steps = draft.check();
      let step = steps.next();
      for (; step.done !== true; step = steps.next()) await pause();
      header = step.value;
    } catch (error) {
      draft.abandon();
      return error as Error;
    }
    await draft.publish();
    const { voters, kraftVersion } = header;
    return { voters: voters === null ? null : voterSet(voters), kraftVersion };
  }

  /** Removes a snapshot that is not complete. */
  abandon(): void {
    this.#draft?.abandon();
    this.#draft = null;
  }
}
