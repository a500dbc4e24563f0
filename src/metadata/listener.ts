/**
 * The interface of what follows the changes of the cluster's metadata.
 *
 * @module
 */
import type { Pause } from "../protocol/records/compression/steps.ts";
import type { MetadataDelta } from "./image.ts";

/**
 * Follows the changes of the cluster, one topic after the other. A change is answered once every
 * listener has finished; an error is logged, and the change remains.
 */
export interface MetadataListener {
  /**
   * Prepares for a change of topics that the image does not show yet: it does so when the promise has
   * settled. `pause` is to be awaited between two parts of long work, here and below.
   */
  prepare?(delta: MetadataDelta, pause: Pause): void | Promise<void>;
  /** Processes a change that the image shows. */
  apply?(delta: MetadataDelta, pause: Pause): void | Promise<void>;
  /** Called after the last topic of a request, or of a batch of the log. */
  finish?(): void | Promise<void>;
}
