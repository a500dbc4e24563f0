/**
 * A classic consumer group (the protocol of JoinGroup, SyncGroup, Heartbeat and LeaveGroup) as a
 * pure state machine: `(group, event, now) -> { result, effects }`. It has no clock, timers or promises of its
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
  GroupEvent,
  GroupResults,
  GroupStep,
  GroupTimer,
  ResultOf,
} from "./classic_group_events.ts";
import { join } from "./classic_group_join.ts";
import { checkCommit, checkDelete, leave, unload } from "./classic_group_leave.ts";
import { onJoinTimeout, onSessionTimeout, onSyncTimeout } from "./classic_group_rebalance.ts";
import type { ClassicGroup } from "./classic_group_state.ts";
import { Transition } from "./classic_group_transition.ts";
import { heartbeat, sync } from "./classic_group_sync.ts";

/**
 * Applies `event` to `group` at `nowMs` (wall-clock time) and returns its result and the effects to
 * execute. The group is changed immediately.
 */
export function stepClassicGroup<Event extends GroupEvent>(
  group: ClassicGroup,
  event: Event,
  nowMs: number,
  limits: ClassicGroupLimits,
): GroupStep<Event> {
  const transition = new Transition(group, nowMs, limits);
  const result = apply(transition, event) as ResultOf<Event>;
  return { result, effects: transition.effects };
}

function apply(
  transition: Transition,
  event: GroupEvent,
): GroupResults[keyof GroupResults] | undefined {
  switch (event.type) {
    case "join":
      join(transition, event.call, event.join);
      return undefined;
    case "sync":
      sync(transition, event.call, event.sync);
      return undefined;
    case "heartbeat":
      return heartbeat(transition, event.member);
    case "leave":
      return leave(transition, event.members);
    case "commit":
      return checkCommit(transition, event.member);
    case "delete":
      return checkDelete(transition);
    case "unload":
      unload(transition, event.errorCode);
      return undefined;
    case "timer":
      if (transition.group.phase.name !== "Dead") onTimeout(transition, event.timer);
      return undefined;
  }
}

function onTimeout(transition: Transition, timer: GroupTimer): void {
  if (timer === "join") onJoinTimeout(transition);
  else if (timer === "sync") onSyncTimeout(transition);
  else onSessionTimeout(transition, timer.slice("session ".length));
}
