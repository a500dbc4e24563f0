/**
 * A classic consumer group (the protocol of JoinGroup, SyncGroup, Heartbeat and LeaveGroup) as a
 * pure state machine: `(group, event, now) -> effects`. It has no clock, timers or promises of its
 * own, so a test can write a race between members as a list of events
 * (`tests/transcripts/groups/`).
 *
 * A generation goes through three phases. In PreparingRebalance the members (re)join, until all
 * have joined or the rebalance timeout expires. In CompletingRebalance the leader, which has
 * received the metadata of all members, computes the assignment, and the other members wait for it
 * in SyncGroup. In Stable the members work and send heartbeats, until a member joins, leaves, fails
 * or changes its subscription.
 *
 * The rules are those of Apache Kafka's classic groups: KIP-62 (rebalance timeout), KIP-134
 * (initial delay), KIP-345 (static members), KIP-389 (maximum size), KIP-394 (member ids before
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
import { checkCommit, checkDelete, leave, unload } from "./classic_group_leave.ts";
import { onJoinTimeout, onSessionTimeout, onSyncTimeout } from "./classic_group_rebalance.ts";
import type { ClassicGroup } from "./classic_group_state.ts";
import { Transition } from "./classic_group_transition.ts";
import { heartbeat, sync } from "./classic_group_sync.ts";

/**
 * Applies `event` to `group` at `nowMs` (wall-clock time) and returns the effects to execute, in
 * order. The group is changed immediately.
 */
export function stepClassicGroup(
  group: ClassicGroup,
  event: GroupEvent,
  nowMs: number,
  limits: ClassicGroupLimits,
): GroupEffect[] {
  const transition = new Transition(group, nowMs, limits);
  switch (event.type) {
    case "join":
      join(transition, event.call, event.join);
      break;
    case "sync":
      sync(transition, event.call, event.sync);
      break;
    case "heartbeat":
      transition.answer(event.call, {
        kind: "heartbeat",
        errorCode: heartbeat(transition, event.member),
      });
      break;
    case "leave":
      leave(transition, event.call, event.members);
      break;
    case "commit":
      transition.answer(event.call, {
        kind: "commit",
        errorCode: checkCommit(transition, event.member),
      });
      break;
    case "delete":
      transition.answer(event.call, { kind: "delete", errorCode: checkDelete(transition) });
      break;
    case "unload":
      unload(transition, event.errorCode);
      break;
    case "timer":
      if (group.phase.name !== "Dead") onTimeout(transition, event.timer);
      break;
  }
  return transition.effects;
}

function onTimeout(transition: Transition, timer: GroupTimer): void {
  if (timer === "join") onJoinTimeout(transition);
  else if (timer === "sync") onSyncTimeout(transition);
  else onSessionTimeout(transition, timer.slice("session ".length));
}
