/**
 * A classic group as data: its phase, its members, and what holds between them. Everything that
 * changes it goes through the small functions here, so that its counts always agree; the rules of
 * joining, syncing and leaving are in the `classic_group_*.ts` files beside this one.
 *
 * @module
 */

/** The time left of the first rebalance's delay (`group.initial.rebalance.delay.ms`). */
export interface InitialDelay {
  /** Whether somebody joined since the join timer was set, which makes it wait once more. */
  memberAdded: boolean;
  /** How long the timer now pending was set for, in milliseconds. */
  readonly delayMs: number;
  /** How much longer the first rebalance may wait after that, in milliseconds. */
  readonly remainingMs: number;
}

/** Where a group stands. The names are those that DescribeGroups shows. */
export type GroupPhase =
  /** No members. Offsets may be stored. */
  | { readonly name: "Empty" }
  /** Waits for the members to (re)join; `initial` while the group's first rebalance is delayed. */
  | { readonly name: "PreparingRebalance"; readonly initial: InitialDelay | null }
  /** Everybody joined; waits for the leader's assignment. `unsynced` have not sent SyncGroup. */
  | { readonly name: "CompletingRebalance"; readonly unsynced: Set<string> }
  /** The assignment is known. `unsynced` have not fetched theirs. */
  | { readonly name: "Stable"; readonly unsynced: Set<string> }
  /** Deleted, or its coordinator is going. */
  | { readonly name: "Dead" };

/** One way of assigning that a member offers, with what it wants to tell the leader. */
export interface GroupProtocol {
  readonly name: string;
  readonly metadata: Uint8Array;
}

/** A call whose answer is due later. */
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
  /** Whether it waits for its very first join to complete. */
  isNew: boolean;
  /** Set by {@linkcode setWaiting} only. */
  readonly waiting: Waiting | null;
}

/** A classic group. */
export interface ClassicGroup {
  readonly groupId: string;
  readonly phase: GroupPhase;
  /** When the phase began, in milliseconds of wall-clock time. */
  readonly phaseSinceMs: number;
  /** 0 before the first rebalance completes. */
  generationId: number;
  /** `"consumer"` for consumers. Null for a group that only stores offsets. */
  protocolType: string | null;
  /** The protocol chosen for this generation. */
  protocolName: string | null;
  leaderId: string | null;
  /** By member id, in the order of joining. */
  readonly members: ReadonlyMap<string, GroupMember>;
  /** Member ids by group instance id. */
  readonly staticMembers: ReadonlyMap<string, string>;
  /** Member ids that were given out and have not joined yet (KIP-394). */
  readonly pendingMembers: Set<string>;
  /** How many members offer each protocol. */
  readonly protocolCounts: ReadonlyMap<string, number>;
  /** How many members wait for their join to be answered. */
  readonly joinedCount: number;
  /** The topics that the members read, where the coordinator can tell. */
  subscribedTopics: ReadonlySet<string> | null;
}

type Writable<T> = { -readonly [K in keyof T]: T[K] };

/** No bytes: the assignment of a member that has none. */
export const NO_ASSIGNMENT: Uint8Array = new Uint8Array(0);

/** A group without members. */
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

/** Moves a group to a phase. */
export function enterPhase(group: ClassicGroup, phase: GroupPhase, nowMs: number): void {
  const writable = group as Writable<ClassicGroup>;
  writable.phase = phase;
  writable.phaseSinceMs = nowMs;
}

/**
 * Adds a member, which becomes the leader when there is none; the first one gives the group its
 * protocol type. Its id must be new to the group.
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

/** Takes a member, or an id given out to one, out of the group. The oldest member left leads then. */
export function dropMember(group: ClassicGroup, memberId: string): void {
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

/** Puts `member` in the place of `former`, of which it takes over leadership and the open SyncGroup. */
export function replaceMember(
  group: ClassicGroup,
  former: GroupMember,
  member: GroupMember,
  protocolType: string,
): void {
  const led = group.leaderId === former.memberId;
  const owedSync = unsynced(group)?.has(former.memberId) ?? false;
  dropMember(group, former.memberId);
  insertMember(group, member, protocolType);
  if (led) group.leaderId = member.memberId;
  if (owedSync) unsynced(group)?.add(member.memberId);
}

/** Notes which call of a member is to be answered later; null when none is. */
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

/** Replaces what a member offers. */
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

/** The members whose SyncGroup is awaited, in the phases that await any. */
export function unsynced(group: ClassicGroup): Set<string> | null {
  const { phase } = group;
  return phase.name === "CompletingRebalance" || phase.name === "Stable" ? phase.unsynced : null;
}

/** Whether nobody is left to wait for: all members joined, and all ids given out were used. */
export function hasAllJoined(group: ClassicGroup): boolean {
  return group.joinedCount === group.members.size && group.pendingMembers.size === 0;
}

/** How long members may take to rejoin: the longest that any of them asks for, in milliseconds. */
export function rebalanceTimeoutMs(group: ClassicGroup): number {
  let longest = 0;
  for (const member of group.members.values()) {
    longest = Math.max(longest, member.rebalanceTimeoutMs);
  }
  return longest;
}

/** Whether a member that offers `protocols` could join: one of them is offered by all others too. */
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
 * The protocol of the next generation: each member votes for the first one it offers that all
 * support, and the most votes win; among equals, the one that was voted for first.
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
  let most = 0;
  for (const [name, number] of votes) {
    if (number > most) [selected, most] = [name, number];
  }
  return selected;
}

/** Whether a member offers exactly `protocols`: the same names, order and metadata. */
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

/** What a member tells the leader by `protocolName`; no bytes when it does not offer it. */
export function metadataOf(member: GroupMember, protocolName: string | null): Uint8Array {
  return member.protocols.find(({ name }) => name === protocolName)?.metadata ?? NO_ASSIGNMENT;
}
