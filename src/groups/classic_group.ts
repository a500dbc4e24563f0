/**
 * A classic consumer group (the protocol of JoinGroup, SyncGroup, Heartbeat and LeaveGroup) as a
 * pure machine: `(group, event, now) -> effects`. It has no clock, no timers and no promises of its
 * own, so a race between members is a list of events that a test writes down
 * (`tests/transcripts/groups/`).
 *
 * A generation of a group goes through three phases. In PreparingRebalance the members (re)join,
 * until all have or time is up; in CompletingRebalance the leader, which was told everybody's
 * metadata, makes the assignment, and the others wait for it in SyncGroup; in Stable they work and
 * send heartbeats, until somebody comes, goes, fails or changes what it reads.
 *
 * The rules are those of Apache Kafka's classic groups: KIP-62 (rebalance timeout), KIP-134
 * (initial delay), KIP-345 (static members), KIP-389 (bounded size), KIP-394 (member ids before
 * joining), KIP-559 (protocol checks), KIP-800 (reasons), KIP-814 (skipped assignment).
 *
 * @module
 */
import type {
  ClassicGroupLimits,
  GroupEffect,
  GroupEvent,
  GroupTimer,
} from "./classic_group_events.ts";
import { join } from "./classic_group_join.ts";
import { leave, mayCommit, mayDelete, unload } from "./classic_group_leave.ts";
import { endSession, endTimeToJoin, endTimeToSync } from "./classic_group_rebalance.ts";
import type { ClassicGroup } from "./classic_group_state.ts";
import { Step } from "./classic_group_step.ts";
import { heartbeat, sync } from "./classic_group_sync.ts";

/**
 * Lets `event` happen to `group` at `nowMs` (wall-clock time) and returns what is to be done, in
 * order. The group changes at once.
 */
export function stepClassicGroup(
  group: ClassicGroup,
  event: GroupEvent,
  nowMs: number,
  limits: ClassicGroupLimits,
): GroupEffect[] {
  const step = new Step(group, nowMs, limits);
  switch (event.type) {
    case "join":
      join(step, event.call, event.join);
      break;
    case "sync":
      sync(step, event.call, event.sync);
      break;
    case "heartbeat":
      step.answer(event.call, { kind: "heartbeat", errorCode: heartbeat(step, event.member) });
      break;
    case "leave":
      leave(step, event.call, event.members);
      break;
    case "commit":
      step.answer(event.call, { kind: "commit", errorCode: mayCommit(step, event.member) });
      break;
    case "delete":
      step.answer(event.call, { kind: "delete", errorCode: mayDelete(step) });
      break;
    case "unload":
      unload(step, event.errorCode);
      break;
    case "timer":
      if (group.phase.name !== "Dead") endTimer(step, event.timer);
      break;
  }
  return step.effects;
}

function endTimer(step: Step, timer: GroupTimer): void {
  if (timer === "join") endTimeToJoin(step);
  else if (timer === "sync") endTimeToSync(step);
  else endSession(step, timer.slice("session ".length));
}
