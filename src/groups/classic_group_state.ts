/**
 * The state of a classic group: its phase, its members and their invariants. All changes go through
 * the functions here, which keep the derived counts consistent. The rules of joining, syncing and
 * leaving are in the other `classic_group_*.ts` files.
 *
 * @module
 */

/** The state of the initial delay (`group.initial.rebalance.delay.ms`). */
export interface InitialDelay {
  /** Whether a member joined since the join timer was set, which extends the delay. */
  memberAdded: boolean;
  /** Duration of the current timer in milliseconds. */
  readonly delayMs: number;
  /** Remaining time in milliseconds by which the delay may be extended. */
  readonly remainingMs: number;
}

/** The phase of a group. The names are those shown by DescribeGroups. */
export type GroupPhase =
  /** No members. Offsets may be committed. */
  | { readonly name: "Empty" }
  /** Waiting for members to (re)join. `initial` is set during the initial delay. */
  | { readonly name: "PreparingRebalance"; readonly initial: InitialDelay | null }
  /**
   * All members joined, waiting for the leader's assignment. `unsynced` members have not sent
   * SyncGroup.
   */
  | { readonly name: "CompletingRebalance"; readonly unsynced: Set<string> }
  /** The assignment is known. `unsynced` members have not fetched theirs. */
  | { readonly name: "Stable"; readonly unsynced: Set<string> }
  /** Deleted or unloaded. */
  | { readonly name: "Dead" };

/** A protocol supported by a member, with the member's metadata for the leader. */
export interface GroupProtocol {
  readonly name: string;
  readonly metadata: Uint8Array;
}

/** A call that will be answered later. */
export interface Waiting {
  readonly kind: "join" | "sync";
  readonly call: number;
}

/** A member of a group. */
export interface GroupMember {
  readonly memberId: string;
  /** Set for a static member (KIP-345). */
  readonly groupInstanceId: string | null;
  readonly clientId: string;
  readonly clientHost: string;
  sessionTimeoutMs: number;
  rebalanceTimeoutMs: number;
  /** In the member's order of preference; never empty. */
  protocols: readonly GroupProtocol[];
  assignment: Uint8Array;
  /** Whether the member's first join is not complete yet. */
  isNew: boolean;
  /** Set by {@linkcode setWaiting} only. */
  readonly waiting: Waiting | null;
}

/** A classic group. */
export interface ClassicGroup {
  readonly groupId: string;
  readonly phase: GroupPhase;
  /** The start of the current phase, in milliseconds of wall-clock time. */
  readonly phaseSinceMs: number;
  /** 0 before the first rebalance completes. */
  generationId: number;
  /** `"consumer"` for consumers. Null for a group that only stores offsets. */
  protocolType: string | null;
  /** The protocol selected for this generation. */
  protocolName: string | null;
  leaderId: string | null;
  /** By member id, in order of joining. */
  readonly members: ReadonlyMap<string, GroupMember>;
  /** Member ids by group instance id. */
  readonly staticMembers: ReadonlyMap<string, string>;
  /** Member ids that were issued but have not joined yet (KIP-394). */
  readonly pendingMembers: Set<string>;
  /** Number of members that support each protocol. */
  readonly protocolCounts: ReadonlyMap<string, number>;
  /** Number of members that wait for the answer to their join. */
  readonly joinedCount: number;
  /** The topics that the members subscribe to, or null if unknown. */
  subscribedTopics: ReadonlySet<string> | null;
}

type Writable<T> = { -readonly [K in keyof T]: T[K] };

/** The assignment of a member without partitions. */
export const NO_ASSIGNMENT: Uint8Array = new Uint8Array(0);

/** Creates a group without members. */
export function emptyGroup(groupId: string, nowMs: number): ClassicGroup {
  return {
    groupId,
    phase: { name: "Empty" },
    phaseSinceMs: nowMs,
    generationId: 0,
    protocolType: null,
    protocolName: null,
    leaderId: null,
    members: new Map(),
    staticMembers: new Map(),
    pendingMembers: new Set(),
    protocolCounts: new Map(),
    joinedCount: 0,
    subscribedTopics: null,
  };
}

/** Changes the phase of a group. */
export function enterPhase(group: ClassicGroup, phase: GroupPhase, nowMs: number): void {
  const writable = group as Writable<ClassicGroup>;
  writable.phase = phase;
  writable.phaseSinceMs = nowMs;
}

/**
 * Adds a member with a new id. The first member determines the protocol type of the group; a member
 * becomes the leader if there is none.
 */
export function insertMember(
  group: ClassicGroup,
  member: GroupMember,
  protocolType: string,
): void {
  if (group.members.size === 0) group.protocolType = protocolType;
  (group.members as Map<string, GroupMember>).set(member.memberId, member);
  if (member.groupInstanceId !== null) {
    (group.staticMembers as Map<string, string>).set(member.groupInstanceId, member.memberId);
  }
  count(group, member.protocols, 1);
  if (member.waiting?.kind === "join") (group as Writable<ClassicGroup>).joinedCount++;
  group.leaderId ??= member.memberId;
  group.pendingMembers.delete(member.memberId);
}

/**
 * Removes a member or a pending member id. If it was the leader, the oldest remaining member
 * becomes the leader.
 */
export function removeMember(group: ClassicGroup, memberId: string): void {
  const member = group.members.get(memberId);
  if (member !== undefined) {
    (group.members as Map<string, GroupMember>).delete(memberId);
    if (
      member.groupInstanceId !== null &&
      group.staticMembers.get(member.groupInstanceId) === memberId
    ) {
      (group.staticMembers as Map<string, string>).delete(member.groupInstanceId);
    }
    count(group, member.protocols, -1);
    if (member.waiting?.kind === "join") (group as Writable<ClassicGroup>).joinedCount--;
  }
  if (group.leaderId === memberId) {
    const [oldest] = group.members.keys();
    group.leaderId = oldest ?? null;
  }
  group.pendingMembers.delete(memberId);
  unsynced(group)?.delete(memberId);
}

/** Replaces `former` by `member`, which inherits its leadership and its outstanding SyncGroup. */
export function replaceMember(
  group: ClassicGroup,
  former: GroupMember,
  member: GroupMember,
  protocolType: string,
): void {
  const wasLeader = group.leaderId === former.memberId;
  const wasUnsynced = unsynced(group)?.has(former.memberId) ?? false;
  removeMember(group, former.memberId);
  insertMember(group, member, protocolType);
  if (wasLeader) group.leaderId = member.memberId;
  if (wasUnsynced) unsynced(group)?.add(member.memberId);
}

/** Sets the call of a member that will be answered later, or null. */
export function setWaiting(
  group: ClassicGroup,
  member: GroupMember,
  waiting: Waiting | null,
): void {
  const writable = group as Writable<ClassicGroup>;
  if (member.waiting?.kind === "join") writable.joinedCount--;
  if (waiting?.kind === "join") writable.joinedCount++;
  (member as Writable<GroupMember>).waiting = waiting;
}

/** Replaces the supported protocols of a member. */
export function setProtocols(
  group: ClassicGroup,
  member: GroupMember,
  protocols: readonly GroupProtocol[],
): void {
  count(group, member.protocols, -1);
  member.protocols = protocols;
  count(group, protocols, 1);
}

function count(group: ClassicGroup, protocols: readonly GroupProtocol[], by: 1 | -1): void {
  const counts = group.protocolCounts as Map<string, number>;
  for (const { name } of protocols) {
    const left = (counts.get(name) ?? 0) + by;
    if (left === 0) counts.delete(name);
    else counts.set(name, left);
  }
}

/** Returns the members whose SyncGroup is outstanding, or null in phases without SyncGroup. */
export function unsynced(group: ClassicGroup): Set<string> | null {
  const { phase } = group;
  return phase.name === "CompletingRebalance" || phase.name === "Stable" ? phase.unsynced : null;
}

/** Returns whether all members have joined and no pending member id is left. */
export function hasAllJoined(group: ClassicGroup): boolean {
  return group.joinedCount === group.members.size && group.pendingMembers.size === 0;
}

/** Returns the maximum rebalance timeout of all members in milliseconds. */
export function rebalanceTimeoutMs(group: ClassicGroup): number {
  let longest = 0;
  for (const member of group.members.values()) {
    longest = Math.max(longest, member.rebalanceTimeoutMs);
  }
  return longest;
}

/**
 * Returns whether a member with `protocols` may join: all other members must support one of them.
 */
export function supportsProtocols(
  group: ClassicGroup,
  protocolType: string,
  protocols: readonly GroupProtocol[],
): boolean {
  if (group.phase.name === "Empty") return protocolType !== "" && protocols.length > 0;
  return group.protocolType === protocolType &&
    protocols.some(({ name }) => (group.protocolCounts.get(name) ?? 0) === group.members.size);
}

/**
 * Selects the protocol of the next generation. Each member votes for its most preferred protocol
 * that all members support. Among protocols with equal votes, the one that first received a vote
 * wins.
 */
export function selectProtocol(group: ClassicGroup): string | null {
  const votes = new Map<string, number>();
  for (const member of group.members.values()) {
    const choice = member.protocols.find(({ name }) =>
      group.protocolCounts.get(name) === group.members.size
    );
    if (choice !== undefined) votes.set(choice.name, (votes.get(choice.name) ?? 0) + 1);
  }
  let selected: string | null = null;
  let maxVotes = 0;
  for (const [name, number] of votes) {
    if (number > maxVotes) [selected, maxVotes] = [name, number];
  }
  return selected;
}

/** Returns whether a member supports exactly `protocols`: same names, order and metadata. */
export function offersExactly(member: GroupMember, protocols: readonly GroupProtocol[]): boolean {
  return member.protocols.length === protocols.length &&
    member.protocols.every(({ name, metadata }, index) => {
      const other = protocols[index]!;
      return name === other.name && sameBytes(metadata, other.metadata);
    });
}

function sameBytes(left: Uint8Array, right: Uint8Array): boolean {
  return left.length === right.length && left.every((byte, index) => byte === right[index]);
}

/** Returns the member's metadata for `protocolName`, empty if it does not support it. */
export function metadataOf(member: GroupMember, protocolName: string | null): Uint8Array {
  return member.protocols.find(({ name }) => name === protocolName)?.metadata ?? NO_ASSIGNMENT;
}
