/**
 * Groups as administrators see them.
 *
 * @module
 */
import { type ClassicGroup, metadataOf, NO_ASSIGNMENT } from "./classic_group_state.ts";

/** A group in full. */
export interface GroupDescription {
  readonly groupId: string;
  /** `"Empty"`, `"PreparingRebalance"`, `"CompletingRebalance"`, `"Stable"` or `"Dead"`. */
  readonly state: string;
  /** "" for a group that only stores offsets. */
  readonly protocolType: string;
  /** The protocol in use: "" unless stable. */
  readonly protocolName: string;
  readonly members: readonly {
    readonly memberId: string;
    readonly groupInstanceId: string | null;
    readonly clientId: string;
    readonly clientHost: string;
    /** No bytes unless the group is stable. */
    readonly metadata: Uint8Array;
    /** The last one received, which a rebalance may be about to change. */
    readonly assignment: Uint8Array;
  }[];
}

/** A group in a list. */
export interface GroupListing {
  readonly groupId: string;
  readonly protocolType: string;
  readonly state: string;
  /** Always `"classic"`. */
  readonly type: string;
}

/** What to list. Empty lists let everything pass; names are compared without regard to case. */
export interface GroupFilter {
  readonly states: readonly string[];
  readonly types: readonly string[];
}

const TYPE = "classic";

/** Describes a group. */
export function describeGroup(group: ClassicGroup): GroupDescription {
  const stable = group.phase.name === "Stable";
  return {
    groupId: group.groupId,
    state: group.phase.name,
    protocolType: group.protocolType ?? "",
    protocolName: stable ? group.protocolName ?? "" : "",
    members: [...group.members.values()].map((member) => ({
      memberId: member.memberId,
      groupInstanceId: member.groupInstanceId,
      clientId: member.clientId,
      clientHost: member.clientHost,
      metadata: stable ? metadataOf(member, group.protocolName) : NO_ASSIGNMENT,
      assignment: member.assignment,
    })),
  };
}

/** The group as it is listed, or null when the filter keeps it out. */
export function listGroup(group: ClassicGroup, filter: GroupFilter): GroupListing | null {
  if (!passes(filter.states, group.phase.name) || !passes(filter.types, TYPE)) return null;
  return {
    groupId: group.groupId,
    protocolType: group.protocolType ?? "",
    state: group.phase.name,
    type: TYPE,
  };
}

function passes(filter: readonly string[], value: string): boolean {
  return filter.length === 0 ||
    filter.some((wanted) => wanted.trim().toLowerCase() === value.toLowerCase());
}
