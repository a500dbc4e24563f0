/**
 * Builds the records that change partitions, elections included. All rules about leaders are here:
 * a leader must be in sync, its broker active and its log directory online; replicas are considered
 * in assignment order; a leader epoch ends with every new leader and with every removed replica.
 *
 * @module
 */
import { ConfigResourceType } from "../config/definition.ts";
import type { BrokerImage, MetadataImage, PartitionImage } from "../metadata/image.ts";
import type { MetadataRecordInput } from "../metadata/records/metadata_record.ts";
import { UNASSIGNED_DIRECTORY, ZERO_UUID } from "../protocol/uuid.ts";
import { isActive } from "./placement.ts";

/** The leader of a partition that has none. */
export const NO_LEADER = -1;

/** The leader recovery state after an unclean election. */
export const RECOVERING = 1;

/**
 * How a leader is chosen. A clean election keeps a valid leader and otherwise elects the first
 * replica that has all committed records. A preferred election elects the first replica if it is
 * valid. An unclean election elects any replica that may lead if no valid one exists.
 */
export type Election = "clean" | "preferred" | "unclean";

/** Returns whether the replica on a broker may lead, given its log directory. */
export type MayLead = (brokerId: number, directoryId: string) => boolean;

/** New values of a partition. An absent field keeps its value. */
export interface PartitionTarget {
  /** An empty list keeps the ISR: its last members are the only ones with all committed records. */
  readonly isr?: readonly number[];
  readonly replicas?: readonly number[];
  readonly removingReplicas?: readonly number[];
  readonly addingReplicas?: readonly number[];
  readonly directories?: readonly string[];
  readonly eligibleLeaderReplicas?: readonly number[];
  readonly leaderRecoveryState?: number;
}

/** The rules of the election in a change. */
export interface ElectionRules {
  readonly mayLead: MayLead;
  /** Defaults to "clean". */
  readonly election?: Election;
}

type ChangeInput = Extract<MetadataRecordInput, { name: "PartitionChangeRecord" }>["value"];
type Change = { -readonly [Field in keyof ChangeInput]: ChangeInput[Field] };

/**
 * Returns the record that gives a partition its target state and, if its leader is not valid in
 * that state, a new leader or none. Returns null if nothing changes.
 */
export function partitionChange(
  topicId: string,
  before: PartitionImage,
  target: PartitionTarget,
  rules: ElectionRules,
): MetadataRecordInput | null {
  const replicas = target.replicas ?? before.replicas;
  const directories = target.directories ?? before.directories;
  let isr = target.isr?.length ? target.isr : before.isr;
  let eligible = target.eligibleLeaderReplicas ?? before.eligibleLeaderReplicas;
  if (eligible.length > 0) {
    const kept = isr;
    eligible = eligible.filter((id) => replicas.includes(id) && !kept.includes(id));
  }
  let lastKnownElr = before.lastKnownElr;
  let leaderRecoveryState = target.leaderRecoveryState ?? before.leaderRecoveryState;
  const state = { leader: before.leader, replicas, directories, isr, eligible };
  const { leader, isClean } = elect(state, rules);
  if (leader !== NO_LEADER && !isClean) {
    isr = [leader];
    eligible = [];
    lastKnownElr = [];
    leaderRecoveryState = RECOVERING;
  } else if (leader !== NO_LEADER && isr.length === 0) {
    // An eligible replica, which now is the only one in sync.
    isr = [leader];
    eligible = eligible.filter((id) => id !== leader);
    lastKnownElr = [];
  }
  const change: Partial<Change> = {};
  const wasReplicaRemoved = replicas !== before.replicas &&
    before.replicas.some((id) => !replicas.includes(id));
  if (leader !== before.leader || wasReplicaRemoved) change.leader = leader;
  if (!isEqual(isr, before.isr)) change.isr = isr;
  if (!isEqual(replicas, before.replicas)) change.replicas = replicas;
  const { removingReplicas = before.removingReplicas, addingReplicas = before.addingReplicas } =
    target;
  if (!isEqual(removingReplicas, before.removingReplicas)) {
    change.removingReplicas = removingReplicas;
  }
  if (!isEqual(addingReplicas, before.addingReplicas)) change.addingReplicas = addingReplicas;
  if (!isEqual(directories, before.directories)) change.directories = directories;
  if (!isEqual(eligible, before.eligibleLeaderReplicas)) change.eligibleLeaderReplicas = eligible;
  if (!isEqual(lastKnownElr, before.lastKnownElr)) change.lastKnownElr = lastKnownElr;
  if (leaderRecoveryState !== before.leaderRecoveryState) {
    change.leaderRecoveryState = leaderRecoveryState;
  }
  if (Object.keys(change).length === 0) return null;
  return {
    name: "PartitionChangeRecord",
    value: { partitionId: before.partition, topicId, ...change },
  };
}

interface ElectionState {
  /** The current leader. */
  readonly leader: number;
  readonly replicas: readonly number[];
  readonly directories: readonly string[];
  readonly isr: readonly number[];
  readonly eligible: readonly number[];
}

/** Chooses the leader of a partition in its new state. */
function elect(
  { leader, replicas, isr, directories, eligible }: ElectionState,
  { mayLead, election = "clean" }: ElectionRules,
): { leader: number; isClean: boolean } {
  const isAvailable = (id: number) => {
    const index = replicas.indexOf(id);
    return index >= 0 && mayLead(id, directories[index] ?? ZERO_UUID);
  };
  // The eligible replicas have all committed records too, but matter only if no replica is in sync.
  const inSync = isr.length > 0 ? isr : eligible;
  const isValid = (id: number) => inSync.includes(id) && isAvailable(id);
  const preferred = replicas[0];
  if (election === "preferred" && preferred !== undefined && isValid(preferred)) {
    return { leader: preferred, isClean: true };
  }
  if (isValid(leader)) return { leader, isClean: true };
  const valid = replicas.find(isValid);
  if (valid !== undefined) return { leader: valid, isClean: true };
  const any = election === "unclean" ? replicas.find(isAvailable) : undefined;
  return any === undefined ? { leader: NO_LEADER, isClean: true } : { leader: any, isClean: false };
}

/** The differences between the image and the cluster that a decision creates. */
export interface LeaderChanges {
  /** A broker that may not lead, because the decision removes it from service. */
  readonly without?: number;
  /** A broker that may lead although it is fenced, because the decision unfences it. */
  readonly with?: number;
}

/** Returns the rule that brokers may lead that are active and whose log directory is online. */
export function mayLeadIn(image: MetadataImage, changes: LeaderChanges = {}): MayLead {
  return (id, directoryId) => {
    const broker = image.broker(id);
    if (broker === undefined || id === changes.without) return false;
    const isInService = isActive(broker) || id === changes.with && !broker.inControlledShutdown;
    return isInService && isOnline(directoryId, broker);
  };
}

/**
 * Returns whether a directory is one of the broker's. A replica without an assignment is online,
 * and so is every directory of a broker that registered none.
 */
export function isOnline(directoryId: string, { logDirs }: Pick<BrokerImage, "logDirs">): boolean {
  return directoryId === ZERO_UUID || directoryId === UNASSIGNED_DIRECTORY ||
    logDirs.length === 0 || logDirs.includes(directoryId);
}

/** Returns the election of a partition that loses its leader, by the topic's configs. */
export function electionOf(topic: string, image: MetadataImage): Election {
  const key = "unclean.leader.election.enable";
  const value = image.configs(ConfigResourceType.TOPIC, topic).get(key) ??
    image.configs(ConfigResourceType.BROKER, "").get(key);
  return value === "true" ? "unclean" : "clean";
}

function isEqual<T>(a: readonly T[], b: readonly T[]): boolean {
  return a === b || a.length === b.length && a.every((value, index) => value === b[index]);
}
