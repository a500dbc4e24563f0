/**
 * The faults of a scenario as values: their kind, place, time and duration.
 *
 * @module
 */
import type { FileError } from "../../../src/runtime/runtime.ts";
import type { LinkQuality } from "../../../src/simulator/network_link.ts";
import type { DiskOperation } from "../../../src/simulator/simulated_disk.ts";

/** A fault. Those with a duration end by themselves. */
export type Fault =
  /** The node or program is killed, and starts again after `deadMs`. */
  | { readonly kind: "kill"; readonly host: string; readonly deadMs: number }
  /** The machine loses its power, and what was not synced; the node starts again after `deadMs`. */
  | { readonly kind: "power failure"; readonly host: string; readonly deadMs: number }
  /** The node is stopped in an orderly way, and starts again after `deadMs`. */
  | { readonly kind: "restart"; readonly host: string; readonly deadMs: number }
  /** Nothing gets from a machine to all others, or from them to it, or both. */
  | {
    readonly kind: "isolation";
    readonly host: string;
    readonly direction: "from" | "to" | "from and to";
    readonly forMs: number;
  }
  /** The process is stopped as by SIGSTOP, and continues. */
  | { readonly kind: "pause"; readonly host: string; readonly forMs: number }
  /** The wall clock is set to a wrong time, and the oscillator runs too fast or slow. */
  | {
    readonly kind: "clock";
    readonly host: string;
    readonly offsetMs: number;
    readonly driftPpm: number;
  }
  /** Nothing gets from one machine to another. */
  | {
    readonly kind: "partition";
    readonly from: string;
    readonly to: string;
    readonly isOneWay: boolean;
    readonly forMs: number;
  }
  /** The connections between two machines break. */
  | { readonly kind: "reset"; readonly one: string; readonly other: string }
  /** The network between two machines is bad. */
  | {
    readonly kind: "bad link";
    readonly one: string;
    readonly other: string;
    readonly quality: Partial<LinkQuality>;
    readonly forMs: number;
  }
  /** The next operation on the disk fails. */
  | {
    readonly kind: "disk failure";
    readonly host: string;
    readonly operation: DiskOperation;
    readonly reason: FileError["reason"];
    readonly path: string;
  }
  /** The disk is full. */
  | { readonly kind: "full disk"; readonly host: string; readonly forMs: number }
  /** The disk finishes nothing. */
  | { readonly kind: "hung disk"; readonly host: string; readonly forMs: number };

/** The kinds of faults. */
export type FaultKind = Fault["kind"];

/** A fault and its time. */
export interface PlannedFault {
  /** Time since the start of the faults, ms. */
  readonly atMs: number;
  readonly fault: Fault;
}

/** Describes a planned fault in one line. */
export function describePlanned({ atMs, fault }: PlannedFault): string {
  return `at ${atMs} ms ${describeFault(fault)}`;
}

/** Describes a fault in a few words. */
export function describeFault(fault: Fault): string {
  switch (fault.kind) {
    case "kill":
      return `kill ${fault.host}, start it again after ${fault.deadMs} ms`;
    case "power failure":
      return `cut the power of ${fault.host}, start it again after ${fault.deadMs} ms`;
    case "restart":
      return `stop ${fault.host} in an orderly way, start it again after ${fault.deadMs} ms`;
    case "isolation":
      return `block all traffic ${fault.direction} ${fault.host} for ${fault.forMs} ms`;
    case "pause":
      return `pause ${fault.host} for ${fault.forMs} ms`;
    case "clock":
      return `set the clock of ${fault.host} to ${fault.offsetMs} ms off, drifting by ` +
        `${fault.driftPpm} ppm`;
    case "partition":
      return `partition ${fault.from} ${fault.isOneWay ? "to" : "and"} ${fault.to} for ` +
        `${fault.forMs} ms`;
    case "reset":
      return `reset the connections of ${fault.one} and ${fault.other}`;
    case "bad link":
      return `make the link of ${fault.one} and ${fault.other} bad for ${fault.forMs} ms: ` +
        Object.entries(fault.quality).map(([name, value]) => `${name} ${value}`).join(", ");
    case "disk failure":
      return `fail the next ${fault.operation} of "${fault.path}" on ${fault.host}: ${fault.reason}`;
    case "full disk":
      return `fill the disk of ${fault.host} for ${fault.forMs} ms`;
    case "hung disk":
      return `hang the disk of ${fault.host} for ${fault.forMs} ms`;
  }
}
