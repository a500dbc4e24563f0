/**
 * What a test chooses about a simulation beside its seed.
 *
 * @module
 */

import type { HostCodecs } from "../runtime/runtime.ts";
import type { DiskTiming } from "./simulated_disk.ts";
import type { NetworkTiming } from "./simulated_network.ts";

/** What can be chosen about a simulation. */
export interface SimulationOptions {
  /** Compressors for all machines; without them {@linkcode Runtime.codecs} throws. */
  readonly codecs?: HostCodecs;
  /** How long messages travel; what is left out is as in a local network. */
  readonly network?: Partial<NetworkTiming>;
  /** How long disks take; what is left out is as of a fast disk. */
  readonly disk?: Partial<DiskTiming>;
  /** How many lines of the transcript are kept; 500 by default. */
  readonly transcriptLines?: number;
  /** Wall-clock time at the start, in milliseconds since 1970. */
  readonly epochMs?: number;
}
