/**
 * The tools of the `classic_group_*.ts` files: one event's way through a group, which gathers the
 * effects, and the answers to JoinGroup and SyncGroup.
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
  dropMember,
  enterPhase,
  type GroupMember,
  type GroupPhase,
  metadataOf,
  NO_ASSIGNMENT,
  setWaiting,
  type Waiting,
} from "./classic_group_state.ts";

/** One event's way through a group: the group, the time, and the effects so far. */
export class Step {
  /** What is to be done, in order. */
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

  /** Sets or moves a timer. `delayMs` below zero counts as zero: a client may send any timeout. */
  setTimer(timer: GroupTimer, delayMs: number): void {
    this.effects.push({ type: "setTimer", timer, delayMs: Math.max(0, delayMs) });
  }

  /** Takes a timer back; content when it is not set. */
  cancelTimer(timer: GroupTimer): void {
    this.effects.push({ type: "cancelTimer", timer });
  }

  /** Says something for the node's log. */
  note(text: string): void {
    this.effects.push({ type: "note", text });
  }

  /** Moves the group to a phase, as of now. */
  enter(phase: GroupPhase): void {
    enterPhase(this.group, phase, this.nowMs);
  }

  /** Gives a member its session anew, or `delayMs`. */
  extendSession(member: GroupMember, delayMs: number = member.sessionTimeoutMs): void {
    this.setTimer(`session ${member.memberId}`, delayMs);
  }

  /** Has a member wait for an answer; an earlier call of it that still waits is sent away. */
  wait(member: GroupMember, waiting: Waiting): void {
    this.fail(member, ErrorCode.REBALANCE_IN_PROGRESS);
    setWaiting(this.group, member, waiting);
  }

  /** Answers what a member waits for, if anything, with an error. */
  fail(member: GroupMember, errorCode: ErrorCode, memberId: string = member.memberId): void {
    const { waiting } = member;
    if (waiting === null) return;
    setWaiting(this.group, member, null);
    this.answer(
      waiting.call,
      waiting.kind === "join" ? joinError(errorCode, memberId) : syncError(errorCode),
    );
  }

  /** Takes a member out of the group. What it waits for is answered, so that it can join anew. */
  remove(member: GroupMember): void {
    this.fail(member, ErrorCode.UNKNOWN_MEMBER_ID, "");
    dropMember(this.group, member.memberId);
    this.cancelTimer(`session ${member.memberId}`);
  }
}

/** The answer to a join that failed. */
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

/** The answer to a sync that failed. */
export function syncError(errorCode: ErrorCode): SyncAnswer {
  return {
    kind: "sync",
    errorCode,
    protocolType: null,
    protocolName: null,
    assignment: NO_ASSIGNMENT,
  };
}

/** The answer to a join that is part of the current generation. */
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
