/**
 * Draws the faults of a scenario, all of them before the first one comes.
 *
 * @module
 */
import type { LinkQuality } from "../../../src/simulator/network_link.ts";
import type { DiskOperation } from "../../../src/simulator/simulated_disk.ts";
import type { Xoshiro128 } from "../../../src/simulator/xoshiro.ts";
import type { Fault, FaultKind, PlannedFault } from "./fault.ts";

/** How likely each kind is, beside the others. A kind that is left out does not occur. */
export type FaultWeights = Partial<Readonly<Record<FaultKind, number>>>;

/** How faults are drawn. */
export interface FaultSetting {
  /** The machines with nodes on them. */
  readonly nodes: readonly string[];
  /** The machines with clients on them. */
  readonly clients: readonly string[];
  /** Whether clients are programs that can be killed, too. */
  readonly killsClients: boolean;
  readonly count: number;
  /** The longest pause between two faults, ms. */
  readonly maxCalmMs: number;
  readonly weights: FaultWeights;
  /** The lengths of pauses, ms. Default to 10 and 3,000. */
  readonly minPauseMs?: number;
  readonly maxPauseMs?: number;
}

/** Of the faults that hit one machine, this share hits a node, and the other a client. */
const NODE_SHARE = 5;
const CLIENT_SHARE = 3;
/** Wrong clocks differ so little that no record seems to come from too far in the future. */
const MAX_OFFSET_MS = 20 * 60_000;
const MAX_DRIFT_PPM = 100_000;

/** The operations of a node's disk that fail, some more often than others. */
const DISK_FAILURES: readonly (readonly [DiskOperation, string])[] = [
  ["write", "/events-"],
  ["write", "/events-"],
  ["write", "/short-"],
  ["write", "__cluster_metadata"],
  ["write", ""],
  ["sync", "__cluster_metadata"],
  ["sync", ""],
  ["open", ""],
  ["change", ""],
  ["read", "/events-"],
];

const BAD_LINKS: readonly Partial<LinkQuality>[] = [
  { minDelayUs: 20_000, maxDelayUs: 120_000, slowMaxUs: 600_000 },
  { lossOneIn: 6 },
  { bytesPerSecond: 20_000 },
  { slowOneIn: 4, slowMaxUs: 300_000 },
];

const DIRECTIONS = ["from", "to", "from and to", "from and to"] as const;

/** Draws the faults of a run, in the order in which they come. */
export function drawFaults(random: Xoshiro128, setting: FaultSetting): PlannedFault[] {
  const planned: PlannedFault[] = [];
  let atMs = 0;
  for (let index = 0; index < setting.count; index++) {
    atMs += random.between(1, setting.maxCalmMs);
    planned.push({ atMs, fault: drawFault(random, setting) });
  }
  return planned;
}

function drawFault(random: Xoshiro128, setting: FaultSetting): Fault {
  const { nodes, clients, minPauseMs = 10, maxPauseMs = 3_000 } = setting;
  const node = nodes[random.below(nodes.length)]!;
  const drawn = clients.filter((name) => name !== node);
  const client = drawn[random.below(drawn.length)] ?? node;
  const isNode = random.below(NODE_SHARE + CLIENT_SHARE) < NODE_SHARE;
  const host = isNode ? node : client;
  const kind = drawKind(random, setting.weights);
  switch (kind) {
    case "kill":
      return isNode || !setting.killsClients
        ? { kind, host: node, deadMs: random.below(300) }
        : { kind, host: client, deadMs: random.below(1_500) };
    case "power failure":
    case "restart":
      return { kind, host: node, deadMs: random.below(300) };
    case "isolation": {
      const direction = DIRECTIONS[random.below(DIRECTIONS.length)]!;
      return { kind, host: node, direction, forMs: random.between(20, 3_000) };
    }
    case "pause":
      return { kind, host, forMs: random.between(minPauseMs, maxPauseMs) };
    case "clock": {
      const offsetMs = random.between(-MAX_OFFSET_MS, MAX_OFFSET_MS);
      return { kind, host, offsetMs, driftPpm: random.between(-MAX_DRIFT_PPM, MAX_DRIFT_PPM) };
    }
    case "partition": {
      const isOneWay = random.oneIn(2);
      const [from, to] = random.oneIn(2) ? [node, client] : [client, node];
      return { kind, from, to, isOneWay, forMs: random.between(20, 4_000) };
    }
    case "reset":
      return { kind, one: node, other: client };
    case "bad link": {
      const quality = BAD_LINKS[random.below(BAD_LINKS.length)]!;
      return { kind, one: node, other: client, quality, forMs: random.between(100, 4_000) };
    }
    case "disk failure": {
      const [operation, path] = DISK_FAILURES[random.below(DISK_FAILURES.length)]!;
      const reason = random.oneIn(2) ? "io" : "no-space";
      return { kind, host: node, operation, reason, path };
    }
    case "full disk":
      return { kind, host: node, forMs: random.below(1_000) };
    case "hung disk":
      return { kind, host: node, forMs: random.between(10, 2_500) };
  }
}

function drawKind(random: Xoshiro128, weights: FaultWeights): FaultKind {
  const entries = Object.entries(weights) as [FaultKind, number][];
  let drawn = random.below(entries.reduce((sum, [, weight]) => sum + weight, 0));
  for (const [kind, weight] of entries) {
    if (drawn < weight) return kind;
    drawn -= weight;
  }
  throw new Error("Cannot draw a fault: no kind has a weight");
}
