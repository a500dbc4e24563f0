/**
 * Descriptions of groups for administration requests.
 *
 * @module
 */
import { type ClassicGroup, metadataOf, NO_ASSIGNMENT } from "./classic_group_state.ts";

/** The full description of a group. */
export interface GroupDescription {
  readonly groupId: string;
  /** `"Empty"`, `"PreparingRebalance"`, `"CompletingRebalance"`, `"Stable"` or `"Dead"`. */
  readonly state: string;
  /** "" for a group that only stores offsets. */
  readonly protocolType: string;
  /** The selected protocol, "" unless stable. */
  readonly protocolName: string;
  readonly members: readonly {
    readonly memberId: string;
    readonly groupInstanceId: string | null;
    readonly clientId: string;
    readonly clientHost: string;
    /** Empty unless the group is stable. */
    readonly metadata: Uint8Array;
    /** The last assignment received. A rebalance in progress may replace it. */
    readonly assignment: Uint8Array;
  }[];
}

/** A group in a listing. */
export interface GroupListing {
  readonly groupId: string;
  readonly protocolType: string;
  readonly state: string;
  /** Always `"classic"`. */
  readonly type: string;
}

/** A filter of groups. Empty lists match everything; names are compared case-insensitively. */
export interface GroupFilter {
  readonly states: readonly string[];
  readonly types: readonly string[];
}

const TYPE = "classic";

/** Returns the description of a group. */
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

/** Returns the listing of a group, or null if the filter excludes it. */
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
    filter.some((accepted) => accepted.trim().toLowerCase() === value.toLowerCase());
}
