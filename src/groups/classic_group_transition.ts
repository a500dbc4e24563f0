/**
 * Shared by the `classic_group_*.ts` files: the context of one event, which collects its effects,
 * and the answers to JoinGroup and SyncGroup.
 *
 * @module
 */
import { ErrorCode } from "../protocol/errors.ts";
import type {
  ClassicGroupLimits,
  GroupAnswer,
  GroupEffect,
  GroupTimer,
  JoinAnswer,
  SyncAnswer,
} from "./classic_group_events.ts";
import {
  type ClassicGroup,
  enterPhase,
  type GroupMember,
  type GroupPhase,
  metadataOf,
  NO_ASSIGNMENT,
  removeMember,
  setWaiting,
  type Waiting,
} from "./classic_group_state.ts";

/** The processing of one event: the group, the current time and the effects so far. */
export class Transition {
  /** The effects in order. */
  readonly effects: GroupEffect[] = [];

  constructor(
    readonly group: ClassicGroup,
    readonly nowMs: number,
    readonly limits: ClassicGroupLimits,
  ) {}

  /** Answers a call, which must not have been answered. */
  answer(call: number, answer: GroupAnswer): void {
    this.effects.push({ type: "answer", call, answer });
  }

  /**
   * Sets or moves a timer. Clients may request any timeout, so a negative `delayMs` counts as zero.
   */
  setTimer(timer: GroupTimer, delayMs: number): void {
    this.effects.push({ type: "setTimer", timer, delayMs: Math.max(0, delayMs) });
  }

  /** Cancels a timer if it is set. */
  cancelTimer(timer: GroupTimer): void {
    this.effects.push({ type: "cancelTimer", timer });
  }

  /** Adds a message to the node's log. */
  note(text: string): void {
    this.effects.push({ type: "note", text });
  }

  /** Changes the phase of the group. */
  enter(phase: GroupPhase): void {
    enterPhase(this.group, phase, this.nowMs);
  }

  /** Restarts a member's session with its timeout or `delayMs`. */
  extendSession(member: GroupMember, delayMs: number = member.sessionTimeoutMs): void {
    this.setTimer(`session ${member.memberId}`, delayMs);
  }

  /** Makes a member wait for an answer. Its previous waiting call fails. */
  wait(member: GroupMember, waiting: Waiting): void {
    this.fail(member, ErrorCode.REBALANCE_IN_PROGRESS);
    setWaiting(this.group, member, waiting);
  }

  /** Fails the waiting call of a member, if any. */
  fail(member: GroupMember, errorCode: ErrorCode, memberId: string = member.memberId): void {
    const { waiting } = member;
    if (waiting === null) return;
    setWaiting(this.group, member, null);
    this.answer(
      waiting.call,
      waiting.kind === "join" ? joinError(errorCode, memberId) : syncError(errorCode),
    );
  }

  /**
   * Removes a member from the group. Its waiting call fails, so that it can join as a new member.
   */
  remove(member: GroupMember): void {
    this.fail(member, ErrorCode.UNKNOWN_MEMBER_ID, "");
    removeMember(this.group, member.memberId);
    this.cancelTimer(`session ${member.memberId}`);
  }
}

/** Creates the answer to a failed join. */
export function joinError(errorCode: ErrorCode, memberId: string): JoinAnswer {
  return {
    kind: "join",
    errorCode,
    generationId: -1,
    protocolType: null,
    protocolName: null,
    leader: "",
    skipAssignment: false,
    memberId,
    members: [],
  };
}

/** Creates the answer to a failed sync. */
export function syncError(errorCode: ErrorCode): SyncAnswer {
  return {
    kind: "sync",
    errorCode,
    protocolType: null,
    protocolName: null,
    assignment: NO_ASSIGNMENT,
  };
}

/** Creates the answer to a join in the current generation. */
export function joinSuccess(
  group: ClassicGroup,
  memberId: string,
  change: { readonly skipAssignment?: boolean; readonly leader?: string } = {},
): JoinAnswer {
  const leader = change.leader ?? group.leaderId ?? "";
  return {
    kind: "join",
    errorCode: ErrorCode.NONE,
    generationId: group.generationId,
    protocolType: group.protocolType,
    protocolName: group.protocolName,
    leader,
    skipAssignment: change.skipAssignment ?? false,
    memberId,
    members: leader !== memberId ? [] : [...group.members.values()].map((member) => ({
      memberId: member.memberId,
      groupInstanceId: member.groupInstanceId,
      metadata: metadataOf(member, group.protocolName),
    })),
  };
}
