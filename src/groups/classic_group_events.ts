/**
 * The events of a classic group and their effects. The group itself (`classic_group.ts`) has no
 * clock, timers or connections: the coordinator feeds it events and executes the effects in order.
 *
 * @module
 */
import type { ErrorCode } from "../protocol/errors.ts";
import type { GroupProtocol } from "./classic_group_state.ts";

/**
 * A timer of a group: the timeout for joining, the timeout for syncing, or the session of a member.
 * Setting an active timer moves it.
 */
export type GroupTimer = "join" | "sync" | `session ${string}`;

/** A request to join. */
export interface JoinCall {
  /** "" for a new member. */
  readonly memberId: string;
  readonly groupInstanceId: string | null;
  readonly clientId: string;
  readonly clientHost: string;
  /** The session of the member expires after this time without a request. */
  readonly sessionTimeoutMs: number;
  /** Maximum time the group waits for the member to rejoin. Negative values count as 0. */
  readonly rebalanceTimeoutMs: number;
  readonly protocolType: string;
  /** In order of preference, without duplicates. */
  readonly protocols: readonly GroupProtocol[];
  readonly reason: string | null;
  /** A unique id for the member, in case it needs one. */
  readonly freshMemberId: string;
  /** Whether a new dynamic member must rejoin with its id (JoinGroup v4 and later, KIP-394). */
  readonly requiresKnownMemberId: boolean;
  /** Whether the response can ask a leader to keep the assignment (JoinGroup v9, KIP-814). */
  readonly supportsSkippingAssignment: boolean;
}

/** A request for a member's assignment. The leader's request contains all assignments. */
export interface SyncCall {
  readonly memberId: string;
  readonly groupInstanceId: string | null;
  readonly generationId: number;
  /** Null in versions without this field. */
  readonly protocolType: string | null;
  readonly protocolName: string | null;
  readonly assignments: readonly { readonly memberId: string; readonly assignment: Uint8Array }[];
}

/** A member as identified in its requests. */
export interface MemberIdentity {
  readonly memberId: string;
  readonly groupInstanceId: string | null;
}

/** A member with its generation. */
export interface MemberAtGeneration extends MemberIdentity {
  readonly generationId: number;
}

/** A member that leaves, or that an administrator removes by its group instance id only. */
export interface LeavingMember extends MemberIdentity {
  readonly reason: string | null;
}

/**
 * An event of a group. `call` is the coordinator's number of a request that the group may answer in a later
 * step, by an effect. Other requests get the result of their own step.
 */
export type GroupEvent =
  | { readonly type: "join"; readonly call: number; readonly join: JoinCall }
  | { readonly type: "sync"; readonly call: number; readonly sync: SyncCall }
  | { readonly type: "heartbeat"; readonly member: MemberAtGeneration }
  | { readonly type: "leave"; readonly members: readonly LeavingMember[] }
  /** A request to commit offsets. The result says whether it is allowed. */
  | { readonly type: "commit"; readonly member: MemberAtGeneration }
  /** A request to delete the group. */
  | { readonly type: "delete" }
  /** The coordinator is unloading: all waiting calls are answered with `errorCode`. */
  | { readonly type: "unload"; readonly errorCode: ErrorCode }
  | { readonly type: "timer"; readonly timer: GroupTimer };

/** The answer to a join. */
export interface JoinAnswer {
  readonly kind: "join";
  readonly errorCode: ErrorCode;
  /** -1 if there is an error. */
  readonly generationId: number;
  readonly protocolType: string | null;
  readonly protocolName: string | null;
  readonly leader: string;
  readonly skipAssignment: boolean;
  readonly memberId: string;
  /** All members with their metadata for the leader, empty for other members. */
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

/** The result of a leave: an error for the whole request, or a result for each member. */
export interface LeaveResult {
  readonly errorCode: ErrorCode;
  readonly members: readonly (MemberIdentity & { readonly errorCode: ErrorCode })[];
}

/** An answer to a call. */
export type GroupAnswer = JoinAnswer | SyncAnswer;

/** The results of the events that have one, by type. */
export interface GroupResults {
  readonly heartbeat: ErrorCode;
  readonly leave: LeaveResult;
  readonly commit: ErrorCode;
  readonly delete: ErrorCode;
}

/** The result of an event, undefined for an event without one. */
export type ResultOf<Event extends GroupEvent> = Event extends { readonly type: keyof GroupResults }
  ? GroupResults[Event["type"]]
  : undefined;

/** What one event does. */
export interface GroupStep<Event extends GroupEvent> {
  readonly result: ResultOf<Event>;
  /** The effects to execute, in order. */
  readonly effects: readonly GroupEffect[];
}

/** An effect to be executed by the coordinator. */
export type GroupEffect =
  | { readonly type: "answer"; readonly call: number; readonly answer: GroupAnswer }
  | { readonly type: "setTimer"; readonly timer: GroupTimer; readonly delayMs: number }
  | { readonly type: "cancelTimer"; readonly timer: GroupTimer }
  /** A message for the node's log. */
  | { readonly type: "note"; readonly text: string };

/** The configured limits of a group. */
export interface ClassicGroupLimits {
  /** `group.initial.rebalance.delay.ms` */
  readonly groupInitialRebalanceDelayMs: number;
  /** `group.max.size` */
  readonly groupMaxSize: number;
}
