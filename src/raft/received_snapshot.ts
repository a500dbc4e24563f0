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

/** How a fetched snapshot is published. */
export interface SnapshotPublication {
  /** Awaited between two steps of the check. */
  readonly pause: Pause;
  /** Called with its content once it is durable, or with the error if it is damaged. */
  readonly report: (content: SnapshotContent | Error) => void;
}

/**
 * The snapshot that is being fetched, of which there is at most one. It can be fetched again, or another one,
 * while its publication goes on, which may take longer than the election of another leader.
 */
export class ReceivedSnapshot {
  readonly #snapshots: SnapshotFiles;
  #draft: SnapshotDraft | null = null;
  /** The names of those that are being published. */
  readonly #publishing = new Set<string>();

  constructor(snapshots: SnapshotFiles) {
    this.#snapshots = snapshots;
  }

  /** Whether one is being published. */
  get isPublishing(): boolean {
    return this.#publishing.size > 0;
  }

  /** Writes a part, unless the snapshot is being published. Position 0 begins anew. Throws KAFKA_STORAGE_ERROR. */
  write(id: SnapshotId, position: number, bytes: Uint8Array): void {
    if (this.#publishing.has(snapshotName(id))) return;
    if (position === 0) {
      this.abandon();
      this.#draft = this.#snapshots.create(id);
    }
    assert(this.#draft !== null, `A part of snapshot ${snapshotName(id)} without its beginning`);
    this.#draft.write(bytes, position);
  }

  /**
   * Checks the complete snapshot, makes it durable and reports it, unless a publication that is under way does
   * so. Rejects with KAFKA_STORAGE_ERROR if it cannot be written.
   */
  async publish(id: SnapshotId, { pause, report }: SnapshotPublication): Promise<void> {
    const name = snapshotName(id);
    if (this.#publishing.has(name)) return;
    const draft = this.#draft;
    assert(draft !== null, `Snapshot ${name} was not fetched`);
    this.#draft = null;
    this.#publishing.add(name);
    try {
      report(await contentOf(draft, pause));
    } finally {
      this.#publishing.delete(name);
    }
  }

  /** Removes a snapshot that is not complete. */
  abandon(): void {
    this.#draft?.abandon();
    this.#draft = null;
  }
}

/** Resolves with the content of a draft that has been published, or with the error if it is damaged. */
async function contentOf(draft: SnapshotDraft, pause: Pause): Promise<SnapshotContent | Error> {
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
