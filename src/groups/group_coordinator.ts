/**
 * The group coordinator of a node, which runs the classic groups. It owns the groups, their timers
 * and their committed offsets, feeds each group its events, executes the effects, and returns
 * deferred answers as promises. Groups and offsets are kept in memory only.
 *
 * @module
 */
import { ErrorCode, KafkaError } from "../protocol/errors.ts";
import type { Int64 } from "../protocol/int64.ts";
import type { Clock, RandomSource } from "../runtime/runtime.ts";
import { stepClassicGroup } from "./classic_group.ts";
import type {
  ClassicGroupLimits,
  GroupAnswer,
  GroupEvent,
  GroupTimer,
  JoinAnswer,
  JoinCall,
  LeaveResult,
  LeavingMember,
  MemberAtGeneration,
  ResultOf,
  SyncAnswer,
  SyncCall,
} from "./classic_group_events.ts";
import { type ClassicGroup, emptyGroup } from "./classic_group_state.ts";
import { joinError, syncError } from "./classic_group_transition.ts";
import { CommittedOffsets, type ReadonlyCommittedOffsets } from "./committed_offsets.ts";
import {
  describeGroup,
  type GroupDescription,
  type GroupFilter,
  type GroupListing,
  listGroup,
} from "./group_description.ts";
import { GroupTimers } from "./group_timers.ts";
import { freshMemberId } from "./member_id.ts";
import { CONSUMER_PROTOCOL_TYPE, isSubscribedTo } from "./subscribed_topics.ts";

/** Retention time of a group without members and offsets, in milliseconds. */
export const EMPTY_GROUP_RETENTION_MS: number = 10 * 60_000;

/** The configuration of groups, read on every use so that changes take effect immediately. */
export interface GroupCoordinatorConfig extends ClassicGroupLimits {
  /** `group.min.session.timeout.ms` */
  readonly groupMinSessionTimeoutMs: number;
  /** `group.max.session.timeout.ms` */
  readonly groupMaxSessionTimeoutMs: number;
  /** `offset.metadata.max.bytes`. Like in Apache Kafka, it limits the length of the string. */
  readonly offsetMetadataMaxBytes: number;
}

/** The dependencies of a coordinator. */
export interface GroupCoordinatorOptions {
  readonly clock: Clock;
  readonly random: RandomSource;
  readonly config: GroupCoordinatorConfig;
  /** Receives log messages, single lines, about membership changes and rebalances. */
  readonly note?: (text: string) => void;
}

/** A JoinGroup request. The coordinator adds the new member id. */
export interface JoinGroupCall extends Omit<JoinCall, "freshMemberId"> {
  readonly groupId: string;
}

/** A SyncGroup request. */
export interface SyncGroupCall extends SyncCall {
  readonly groupId: string;
}

/** Offsets to commit for a group. All partitions must exist. */
export interface OffsetCommitCall extends MemberAtGeneration {
  readonly groupId: string;
  /** The error for a missing group: versions below 9 do not support GROUP_ID_NOT_FOUND. */
  readonly unknownGroupError: ErrorCode;
  readonly offsets: readonly OffsetToCommit[];
}

/** The offset to commit for a partition. */
export interface OffsetToCommit {
  readonly topic: string;
  readonly partition: number;
  /** Any 64-bit integer. It is not compared with the offsets of the log. */
  readonly offset: Int64;
  readonly leaderEpoch: number;
  readonly metadata: string | null;
}

/** Partitions of a topic. */
export interface TopicPartitions {
  readonly topic: string;
  readonly partitions: readonly number[];
}

/** The outcome of deleting offsets: an error for the whole request, or a result for each topic. */
export interface OffsetDeletion {
  readonly errorCode: ErrorCode;
  readonly topics: readonly (TopicPartitions & { readonly errorCode: ErrorCode })[];
}

interface Entry {
  readonly group: ClassicGroup;
  readonly timers: GroupTimers<GroupTimer>;
  readonly offsets: CommittedOffsets;
}

/**
 * Coordinates the classic groups of this node. Each call takes effect immediately, so calls take effect in
 * the order in which they are made. The promise it returns settles once the effect is durable, which groups
 * in memory are at once.
 */
export class GroupCoordinator {
  readonly #options: GroupCoordinatorOptions;
  readonly #groups = new Map<string, Entry>();
  readonly #calls = new Map<number, (answer: GroupAnswer) => void>();
  #lastCall = 0;
  #lastSweepMs: number;
  #running = true;

  /** Creates a running coordinator without groups. */
  constructor(options: GroupCoordinatorOptions) {
    this.#options = options;
    this.#lastSweepMs = options.clock.now();
  }

  /** Number of calls waiting for their answer. */
  get waitingCalls(): number {
    return this.#calls.size;
  }

  /**
   * Joins a member (JoinGroup). Resolves when its generation is complete, or at once if the request
   * is rejected or the member must rejoin with its member id. Never rejects.
   */
  join(call: JoinGroupCall): Promise<JoinAnswer> {
    const errorCode = this.#checkJoin(call);
    if (errorCode !== ErrorCode.NONE) return Promise.resolve(joinError(errorCode, call.memberId));
    const entry = call.memberId === ""
      ? this.#findOrCreate(call.groupId)
      : this.#groups.get(call.groupId);
    if (entry === undefined) {
      return Promise.resolve(joinError(ErrorCode.UNKNOWN_MEMBER_ID, call.memberId));
    }
    const prefix = call.groupInstanceId ?? (call.clientId || "member");
    const join: JoinCall = {
      ...call,
      protocols: withoutDuplicates(call.protocols),
      freshMemberId: freshMemberId(prefix, this.#options.random),
    };
    return this.#call(entry, (call) => ({ type: "join", call, join }));
  }

  #checkJoin(call: JoinGroupCall): ErrorCode {
    const { config } = this.#options;
    if (!this.#running) return ErrorCode.COORDINATOR_NOT_AVAILABLE;
    if (call.groupId === "") return ErrorCode.INVALID_GROUP_ID;
    return call.sessionTimeoutMs < config.groupMinSessionTimeoutMs ||
        call.sessionTimeoutMs > config.groupMaxSessionTimeoutMs
      ? ErrorCode.INVALID_SESSION_TIMEOUT
      : ErrorCode.NONE;
  }

  /**
   * Returns a member's assignment or submits the leader's (SyncGroup). Resolves when the leader has
   * submitted the assignment, or at once if the request is rejected. Never rejects.
   */
  sync(call: SyncGroupCall): Promise<SyncAnswer> {
    const entry = this.#find(call.groupId);
    if (typeof entry === "number") return Promise.resolve(syncError(unknownMember(entry)));
    return this.#call(entry, (number) => ({ type: "sync", call: number, sync: call }));
  }

  /** Extends a member's session (Heartbeat). REBALANCE_IN_PROGRESS asks the member to rejoin. */
  heartbeat(groupId: string, member: MemberAtGeneration): Promise<ErrorCode> {
    return decide(() => {
      const entry = this.#find(groupId);
      if (typeof entry === "number") return unknownMember(entry);
      return this.#step(entry, { type: "heartbeat", member });
    });
  }

  /** Removes members (LeaveGroup), on their own request or an administrator's. */
  leave(groupId: string, members: readonly LeavingMember[]): Promise<LeaveResult> {
    return decide(() => this.#leave(groupId, members));
  }

  #leave(groupId: string, members: readonly LeavingMember[]): LeaveResult {
    const entry = this.#find(groupId);
    if (typeof entry !== "number") return this.#step(entry, { type: "leave", members });
    if (entry !== ErrorCode.GROUP_ID_NOT_FOUND) return { errorCode: entry, members: [] };
    const errorCode = ErrorCode.UNKNOWN_MEMBER_ID;
    return {
      errorCode: ErrorCode.NONE,
      members: members.map(({ memberId, groupInstanceId }) => ({
        memberId,
        groupInstanceId,
        errorCode,
      })),
    };
  }

  /**
   * Commits offsets (OffsetCommit). Resolves with an error code for each of `call.offsets`, in order.
   * Creates a missing group if the committer is not a member (generation -1).
   */
  commitOffsets(call: OffsetCommitCall): Promise<ErrorCode[]> {
    return decide(() => this.#commitOffsets(call));
  }

  #commitOffsets(call: OffsetCommitCall): ErrorCode[] {
    const { clock, config } = this.#options;
    const errorCode = this.#checkCommit(call);
    if (errorCode !== ErrorCode.NONE) return call.offsets.map(() => errorCode);
    const commitTimestampMs = clock.now();
    return call.offsets.map(({ topic, partition, offset, leaderEpoch, metadata }) => {
      if (metadata !== null && metadata.length > config.offsetMetadataMaxBytes) {
        return ErrorCode.OFFSET_METADATA_TOO_LARGE;
      }
      const committed = { offset, leaderEpoch, metadata: metadata ?? "", commitTimestampMs };
      this.#findOrCreate(call.groupId).offsets.set(topic, partition, committed);
      return ErrorCode.NONE;
    });
  }

  #checkCommit(call: OffsetCommitCall): ErrorCode {
    if (!this.#running) return ErrorCode.COORDINATOR_NOT_AVAILABLE;
    const entry = this.#groups.get(call.groupId);
    if (entry === undefined) return call.generationId < 0 ? ErrorCode.NONE : call.unknownGroupError;
    return this.#step(entry, { type: "commit", member: call });
  }

  /**
   * Reads the committed offsets of a group (OffsetFetch). Calls `read` with them immediately, with null for
   * a missing group, and resolves with its result. The offsets are valid during that call only. Rejects with
   * NOT_COORDINATOR after {@linkcode shutdown}: an empty response would make consumers start from the
   * beginning, and old clients support no other retriable error here.
   */
  committedOffsets<Result>(
    groupId: string,
    read: (offsets: ReadonlyCommittedOffsets | null) => Result,
  ): Promise<Result> {
    return decide(() => {
      this.#requireRunning(ErrorCode.NOT_COORDINATOR);
      return read(this.#groups.get(groupId)?.offsets ?? null);
    });
  }

  /** Deletes offsets (OffsetDelete), except those of topics that the group subscribes to. */
  deleteOffsets(groupId: string, topics: readonly TopicPartitions[]): Promise<OffsetDeletion> {
    return decide(() => this.#deleteOffsets(groupId, topics));
  }

  #deleteOffsets(groupId: string, topics: readonly TopicPartitions[]): OffsetDeletion {
    const entry = this.#find(groupId);
    if (typeof entry === "number") return { errorCode: entry, topics: [] };
    const { group, offsets } = entry;
    if (group.phase.name !== "Empty" && group.protocolType !== CONSUMER_PROTOCOL_TYPE) {
      return { errorCode: ErrorCode.NON_EMPTY_GROUP, topics: [] };
    }
    return {
      errorCode: ErrorCode.NONE,
      topics: topics.map(({ topic, partitions }) => {
        if (isSubscribedTo(group, topic)) {
          return { topic, partitions, errorCode: ErrorCode.GROUP_SUBSCRIBED_TO_TOPIC };
        }
        for (const partition of partitions) offsets.delete(topic, partition);
        return { topic, partitions, errorCode: ErrorCode.NONE };
      }),
    };
  }

  /**
   * Describes a group (DescribeGroups). Resolves with null for a missing group. Rejects with
   * COORDINATOR_NOT_AVAILABLE after {@linkcode shutdown}.
   */
  describe(groupId: string): Promise<GroupDescription | null> {
    return decide(() => {
      this.#requireRunning(ErrorCode.COORDINATOR_NOT_AVAILABLE);
      const entry = this.#groups.get(groupId);
      return entry === undefined ? null : describeGroup(entry.group);
    });
  }

  /**
   * Lists the groups that match the filter (ListGroups) in order of creation. Rejects with
   * COORDINATOR_NOT_AVAILABLE after {@linkcode shutdown}.
   */
  list(filter: GroupFilter): Promise<GroupListing[]> {
    return decide(() => {
      this.#requireRunning(ErrorCode.COORDINATOR_NOT_AVAILABLE);
      const listings: GroupListing[] = [];
      for (const { group } of this.#groups.values()) {
        const listing = listGroup(group, filter);
        if (listing !== null) listings.push(listing);
      }
      return listings;
    });
  }

  /** Deletes a group and its offsets, unless it has members (DeleteGroups). */
  deleteGroup(groupId: string): Promise<ErrorCode> {
    return decide(() => {
      if (!this.#running) return ErrorCode.COORDINATOR_NOT_AVAILABLE;
      const entry = this.#groups.get(groupId);
      if (entry === undefined) return ErrorCode.GROUP_ID_NOT_FOUND;
      const errorCode = this.#step(entry, { type: "delete" });
      if (errorCode === ErrorCode.NONE) this.#groups.delete(groupId);
      return errorCode;
    });
  }

  /** Deletes the committed offsets of deleted topics. */
  onTopicsDeleted(names: Iterable<string>): void {
    for (const name of names) {
      for (const { offsets } of this.#groups.values()) offsets.deleteTopic(name);
    }
  }

  /**
   * Stops the coordinator. All waiting and future calls are answered with
   * COORDINATOR_NOT_AVAILABLE, and all timers are cancelled. May be called twice.
   */
  shutdown(): void {
    this.#running = false;
    for (const entry of this.#groups.values()) {
      this.#step(entry, { type: "unload", errorCode: ErrorCode.COORDINATOR_NOT_AVAILABLE });
      entry.timers.clear();
    }
    this.#groups.clear();
  }

  #requireRunning(errorCode: ErrorCode): void {
    if (this.#running) return;
    throw new KafkaError(errorCode, "The group coordinator is shutting down: look it up again");
  }

  /** Returns the group, or the error code if there is none. */
  #find(groupId: string): Entry | ErrorCode {
    if (!this.#running) return ErrorCode.COORDINATOR_NOT_AVAILABLE;
    if (groupId === "") return ErrorCode.INVALID_GROUP_ID;
    return this.#groups.get(groupId) ?? ErrorCode.GROUP_ID_NOT_FOUND;
  }

  #findOrCreate(groupId: string): Entry {
    const found = this.#groups.get(groupId);
    if (found !== undefined) return found;
    const { clock } = this.#options;
    const nowMs = clock.now();
    this.#evictUnusedGroups(nowMs);
    const entry: Entry = {
      group: emptyGroup(groupId, nowMs),
      timers: new GroupTimers(clock, (timer) => this.#step(entry, { type: "timer", timer })),
      offsets: new CommittedOffsets(),
    };
    this.#groups.set(groupId, entry);
    return entry;
  }

  /** Naming a group creates it, so groups without content must be evicted. */
  #evictUnusedGroups(nowMs: number): void {
    if (Math.abs(nowMs - this.#lastSweepMs) < EMPTY_GROUP_RETENTION_MS) return;
    this.#lastSweepMs = nowMs;
    for (const [groupId, { group, offsets }] of this.#groups) {
      if (
        group.phase.name === "Empty" && group.pendingMembers.size === 0 && offsets.isEmpty &&
        nowMs - group.phaseSinceMs >= EMPTY_GROUP_RETENTION_MS
      ) this.#groups.delete(groupId);
    }
  }

  /** Calls a group with an event that it may answer later. */
  #call<Answer extends GroupAnswer>(
    entry: Entry,
    event: (call: number) => GroupEvent,
  ): Promise<Answer> {
    return new Promise((resolve) => {
      const call = ++this.#lastCall;
      this.#calls.set(call, (given) => resolve(given as Answer));
      this.#step(entry, event(call));
    });
  }

  /** Applies an event to a group, executes its effects and returns its result. */
  #step<Event extends GroupEvent>(entry: Entry, event: Event): ResultOf<Event> {
    const { clock, config, note } = this.#options;
    const { result, effects } = stepClassicGroup(entry.group, event, clock.now(), config);
    for (const effect of effects) {
      switch (effect.type) {
        case "answer": {
          const settle = this.#calls.get(effect.call);
          this.#calls.delete(effect.call);
          settle?.(effect.answer);
          break;
        }
        case "setTimer":
          entry.timers.set(effect.timer, effect.delayMs);
          break;
        case "cancelTimer":
          entry.timers.cancel(effect.timer);
          break;
        case "note":
          // Client ids, instance ids and reasons come from clients. They must not add lines to the
          // log.
          note?.(`Group ${entry.group.groupId}: ${effect.text}`.replace(/\p{Cc}/gu, " "));
          break;
      }
    }
    return result;
  }
}

/** Makes a decision immediately and returns a promise of its result. */
function decide<Result>(decision: () => Result): Promise<Result> {
  return new Promise((resolve) => resolve(decision()));
}

/** A member id cannot be known to a group that does not exist. */
function unknownMember(errorCode: ErrorCode): ErrorCode {
  return errorCode === ErrorCode.GROUP_ID_NOT_FOUND ? ErrorCode.UNKNOWN_MEMBER_ID : errorCode;
}

/** Removes repeated protocols. */
function withoutDuplicates(protocols: JoinCall["protocols"]): JoinCall["protocols"] {
  const names = new Set(protocols.map(({ name }) => name));
  if (names.size === protocols.length) return protocols;
  return protocols.filter(({ name }) => names.delete(name));
}
