/**
 * The state that the active controller decides from. It is at the end of the log: a decision sees all
 * earlier ones, committed or not.
 *
 * @module
 */
import type { MetadataImage } from "../../metadata/image.ts";
import type { BatchApplier } from "../../metadata/batch_applier.ts";
import type { MetadataLoader } from "../../metadata/loader.ts";
import { readBaseOffset, readLastOffset } from "../../protocol/records/batch.ts";
import type { Pause } from "../../protocol/records/compression/steps.ts";

/** The state that decisions are made from. */
export interface DecisionState {
  readonly image: MetadataImage;
  /** Applies a batch that has been appended, so that the next decision sees it. */
  apply(batch: Uint8Array, pause: Pause): Promise<void>;
}

/**
 * A state of its own, which does not wait until a batch is committed. It begins as a copy of the committed
 * one and lives as long as the leadership.
 */
export class OwnState implements DecisionState {
  readonly #applier: BatchApplier;

  /** `applier` has a copy of the committed state. */
  constructor(applier: BatchApplier) {
    this.#applier = applier;
  }

  get image(): MetadataImage {
    return this.#applier.state;
  }

  async apply(batch: Uint8Array, pause: Pause): Promise<void> {
    // Control batches of the quorum may lie between two decisions.
    this.#applier.skipTo(readBaseOffset(batch, 0));
    await this.#applier.apply(batch, 0, { pause });
  }
}

/**
 * The committed state of the node itself, for the only voter: a commit there is a flush away, so decisions
 * wait for it and the metadata are in memory once.
 */
export class CommittedState implements DecisionState {
  readonly #loader: MetadataLoader;

  constructor(loader: MetadataLoader) {
    this.#loader = loader;
  }

  get image(): MetadataImage {
    return this.#loader.image;
  }

  apply(batch: Uint8Array): Promise<void> {
    return this.#loader.waitFor(readLastOffset(batch, 0));
  }
}
