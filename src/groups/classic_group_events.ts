/**
 * What can happen to a classic group, and what the group wants done about it. The group itself
 * (`classic_group.ts`) has no clock, no timers and no connections: the shell feeds it events and
 * carries out the effects, in order.
 *
 * @module
 */
import type { ErrorCode } from "../protocol/errors.ts";
import type { GroupProtocol } from "./classic_group_state.ts";

/**
 * A timer of a group: the end of the time to join, the end of the time to sync, or the end of a
 * member's session. Setting one that is set moves it.
 */
export type GroupTimer = "join" | "sync" | `session ${string}`;

/** A member asks to join. */
export interface JoinCall {
  /** "" for a newcomer. */
  readonly memberId: string;
  readonly groupInstanceId: string | null;
  readonly clientId: string;
  readonly clientHost: string;
  /** How long the member may be silent. */
  readonly sessionTimeoutMs: number;
  /** How long the group waits for the member to rejoin; below 0 counts as 0. */
  readonly rebalanceTimeoutMs: number;
  readonly protocolType: string;
  /** In order of preference, each name once. */
  readonly protocols: readonly GroupProtocol[];
  readonly reason: string | null;
  /** An id for the member should it need one: fresh, never used before. */
  readonly freshMemberId: string;
  /** Whether a dynamic newcomer has to come back with its id (JoinGroup v4 and later, KIP-394). */
  readonly requiresKnownMemberId: boolean;
  /** Whether a leader can be told to keep the assignment (JoinGroup v9, KIP-814). */
  readonly supportsSkippingAssignment: boolean;
}

/** A member asks for its assignment; the leader brings everybody's. */
export interface SyncCall {
  readonly memberId: string;
  readonly groupInstanceId: string | null;
  readonly generationId: number;
  /** Null in versions that do not say it. */
  readonly protocolType: string | null;
  readonly protocolName: string | null;
  readonly assignments: readonly { readonly memberId: string; readonly assignment: Uint8Array }[];
}

/** A member as it names itself. */
export interface MemberIdentity {
  readonly memberId: string;
  readonly groupInstanceId: string | null;
}

/** A member at a generation. */
export interface MemberAtGeneration extends MemberIdentity {
  readonly generationId: number;
}

/** A member that leaves, or is made to by an administrator who names its group instance id only. */
export interface LeavingMember extends MemberIdentity {
  readonly reason: string | null;
}

/** What happens to a group. `call` is the shell's number for the answer. */
export type GroupEvent =
  | { readonly type: "join"; readonly call: number; readonly join: JoinCall }
  | { readonly type: "sync"; readonly call: number; readonly sync: SyncCall }
  | { readonly type: "heartbeat"; readonly call: number; readonly member: MemberAtGeneration }
  | { readonly type: "leave"; readonly call: number; readonly members: readonly LeavingMember[] }
  /** Somebody wants to store offsets; the answer says whether it may. */
  | { readonly type: "commit"; readonly call: number; readonly member: MemberAtGeneration }
  /** Somebody wants to delete the group. */
  | { readonly type: "delete"; readonly call: number }
  /** The coordinator goes away: everything that waits is answered with `errorCode`. */
  | { readonly type: "unload"; readonly errorCode: ErrorCode }
  | { readonly type: "timer"; readonly timer: GroupTimer };

/** The answer to a join. */
export interface JoinAnswer {
  readonly kind: "join";
  readonly errorCode: ErrorCode;
  /** -1 with an error. */
  readonly generationId: number;
  readonly protocolType: string | null;
  readonly protocolName: string | null;
  readonly leader: string;
  readonly skipAssignment: boolean;
  readonly memberId: string;
  /** All members with their metadata, for the leader; empty for the others. */
  readonly members: readonly {
    readonly memberId: string;
    readonly groupInstanceId: string | null;
    readonly metadata: Uint8Array;
  }[];
}

/** The answer to a sync. */
export interface SyncAnswer {
  readonly kind: "sync";
  readonly errorCode: ErrorCode;
  readonly protocolType: string | null;
  readonly protocolName: string | null;
  readonly assignment: Uint8Array;
}

/** The answer to a leave: an error for the whole, or one for each member. */
export interface LeaveAnswer {
  readonly kind: "leave";
  readonly errorCode: ErrorCode;
  readonly members: readonly (MemberIdentity & { readonly errorCode: ErrorCode })[];
}

/** The answer to a heartbeat, to the wish to commit, or to the wish to delete. */
export interface PlainAnswer {
  readonly kind: "heartbeat" | "commit" | "delete";
  readonly errorCode: ErrorCode;
}

/** Any answer. */
export type GroupAnswer = JoinAnswer | SyncAnswer | LeaveAnswer | PlainAnswer;

/** What the shell is to do. */
export type GroupEffect =
  | { readonly type: "answer"; readonly call: number; readonly answer: GroupAnswer }
  | { readonly type: "setTimer"; readonly timer: GroupTimer; readonly delayMs: number }
  | { readonly type: "cancelTimer"; readonly timer: GroupTimer }
  /** Something worth a line in the node's log. */
  | { readonly type: "note"; readonly text: string };

/** The bounds a group keeps. */
export interface ClassicGroupLimits {
  /** `group.initial.rebalance.delay.ms` */
  readonly groupInitialRebalanceDelayMs: number;
  /** `group.max.size` */
  readonly groupMaxSize: number;
}
