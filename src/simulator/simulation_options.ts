/**
 * The choices of a test about a simulation, beside its seed.
 *
 * @module
 */

import type { HostCodecs } from "../runtime/runtime.ts";
import type { FrameObserver } from "./simulated_connection.ts";
import type { DiskTiming } from "./simulated_disk.ts";
import type { NetworkTiming } from "./simulated_network.ts";

/** The choices about a simulation. */
export interface SimulationOptions {
  /** Compressors for all machines. Without them {@linkcode Runtime.codecs} throws. */
  readonly codecs?: HostCodecs;
  /** How long messages travel. What is left out is as in a local network. */
  readonly network?: Partial<NetworkTiming>;
  /** How long disks take. What is left out is as of a fast disk. */
  readonly disk?: Partial<DiskTiming>;
  /** How many lines of the transcript are kept. Defaults to 500. */
  readonly transcriptLines?: number;
  /** Wall-clock time at the start, in milliseconds since 1970. Defaults to 2026-01-01T00:00:00Z. */
  readonly epochMs?: number;
  /** Sees the bytes that arrive on connections, to decode them for the transcript. */
  readonly observer?: FrameObserver;
}
