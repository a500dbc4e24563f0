/**
 * A member of a classic consumer group: joins, receives its partitions, sends heartbeats, rejoins
 * on rebalances, and leaves. The leader of the group, which may be this member, computes the
 * assignment.
 *
 * @module
 */
import type { Api } from "../../protocol/api.ts";
import { ErrorCode, KafkaError } from "../../protocol/errors.ts";
import {
  consumerProtocolAssignment,
  consumerProtocolSubscription,
} from "../../protocol/messages/consumer_protocol.ts";
import { heartbeat } from "../../protocol/messages/heartbeat.ts";
import { joinGroup, type JoinGroupResponse } from "../../protocol/messages/join_group.ts";
import { leaveGroup } from "../../protocol/messages/leave_group.ts";
import { offsetCommit } from "../../protocol/messages/offset_commit.ts";
import { offsetFetch } from "../../protocol/messages/offset_fetch.ts";
import { syncGroup } from "../../protocol/messages/sync_group.ts";
import { ZERO_UUID } from "../../protocol/uuid.ts";
import type { Runtime } from "../../runtime/runtime.ts";
import type { TopicPartition } from "./assigned_partition.ts";
import type { RequestOptions } from "../../network/peer_connection.ts";
import type { ClusterClient, Purpose } from "../cluster/cluster_client.ts";
import { responseError } from "../errors.ts";
import { assignRanges, type Subscriber } from "./range_assignor.ts";
import { backoffMs, isRetriableError, sleep } from "../../network/retry.ts";

/** The group and the settings of the member. */
export interface GroupSettings {
  readonly groupId: string;
  readonly groupInstanceId: string | null;
  readonly topics: readonly string[];
  readonly sessionTimeoutMs: number;
  readonly rebalanceTimeoutMs: number;
  readonly heartbeatIntervalMs: number;
}

/** A partition and an offset. */
export interface PartitionOffset extends TopicPartition {
  readonly offset: number;
}

/** Callbacks of a group member. */
export interface GroupListener {
  /** The partitions are about to be revoked. Offsets can still be committed. */
  revoked(): Promise<void>;
  /** Partitions were assigned, with their committed offsets, or -1 if there is none. */
  assigned(partitions: readonly PartitionOffset[]): Promise<void>;
  /**
   * The partitions were lost and may be assigned to other members already. It is too late to
   * commit.
   */
  lost(): void;
  /** The membership has failed permanently. */
  failed(error: Error): void;
}

const PROTOCOL_TYPE = "consumer";
const ASSIGNOR = "range";
/**
 * The last version with topic names; later versions have topic ids, which the member may not know.
 */
const LAST_VERSION_WITH_NAMES = 9;

/** Errors after which the member must rejoin with a new id. */
const NO_LONGER_MEMBER: ReadonlySet<number> = new Set([
  ErrorCode.UNKNOWN_MEMBER_ID,
  ErrorCode.ILLEGAL_GENERATION,
]);

/** Errors that mean that another node is the coordinator. */
const COORDINATOR_MOVED: ReadonlySet<number> = new Set([
  ErrorCode.NOT_COORDINATOR,
  ErrorCode.COORDINATOR_NOT_AVAILABLE,
  ErrorCode.NETWORK_EXCEPTION,
  ErrorCode.REQUEST_TIMED_OUT,
]);

/** A membership, from {@linkcode run} to {@linkcode leave}. */
export class GroupMember {
  readonly #client: ClusterClient;
  readonly #runtime: Runtime;
  readonly #settings: GroupSettings;
  readonly #listener: GroupListener;
  readonly #leaving = new AbortController();
  #coordinator: number | null = null;
  #memberId = "";
  #generationId = -1;
  /** Partition counts at the leader's last assignment. Other counts require a new assignment. */
  #partitionCounts: ReadonlyMap<string, number> | null = null;

  constructor(
    client: ClusterClient,
    runtime: Runtime,
    settings: GroupSettings,
    listener: GroupListener,
  ) {
    this.#client = client;
    this.#runtime = runtime;
    this.#settings = settings;
    this.#listener = listener;
  }

  /** Joins and stays a member until {@linkcode leave} or a permanent failure. Never rejects. */
  async run(): Promise<void> {
    const { signal } = this.#leaving;
    let failures = 0;
    let hasJoined = false;
    while (!signal.aborted) {
      try {
        await this.#join();
        failures = 0;
        hasJoined = true;
        await this.#sendHeartbeats();
        if (!signal.aborted) await this.#listener.revoked();
      } catch (error) {
        if (signal.aborted) return;
        this.#listener.lost();
        const isTransient = this.#recover(error) &&
          (hasJoined || failures < this.#client.settings.retries);
        if (!isTransient) return this.#listener.failed(error as Error);
        const wait = backoffMs(this.#client.settings, failures++, this.#runtime.random);
        await sleep(this.#runtime.clock, wait, signal).catch(() => {});
      }
    }
  }

  /**
   * Commits offsets. Throws a KafkaError with `REBALANCE_IN_PROGRESS`, `ILLEGAL_GENERATION` or
   * `UNKNOWN_MEMBER_ID` if the partitions may be assigned to other members already.
   */
  async commit(offsets: readonly PartitionOffset[]): Promise<void> {
    if (offsets.length === 0) return;
    const { groupId, groupInstanceId } = this.#settings;
    await this.#client.retry(async () => {
      const answer = await this.#ask(
        offsetCommit,
        {
          groupId,
          groupInstanceId,
          generationIdOrMemberEpoch: this.#generationId,
          memberId: this.#memberId,
          topics: byTopic(offsets).map(([name, list]) => ({
            name,
            partitions: list.map(({ partition, offset }) => ({
              partitionIndex: partition,
              committedOffset: offset,
              committedMetadata: null,
            })),
          })),
        },
        "main",
        { maxVersion: LAST_VERSION_WITH_NAMES },
      );
      for (const { name, partitions } of answer.topics) {
        for (const { partitionIndex, errorCode } of partitions) {
          if (errorCode === ErrorCode.NONE) continue;
          this.#handleCoordinatorError(errorCode);
          throw responseError(
            errorCode,
            `Cannot commit ${name}-${partitionIndex} for group "${groupId}"`,
          );
        }
      }
    });
  }

  /** Leaves the group, so that it rebalances at once. A static member only stops. Never rejects. */
  async leave(): Promise<void> {
    if (this.#leaving.signal.aborted) return;
    this.#leaving.abort(new KafkaError(ErrorCode.REBALANCE_IN_PROGRESS, "The member has left"));
    const { groupId, groupInstanceId } = this.#settings;
    if (this.#memberId === "" || groupInstanceId !== null || this.#coordinator === null) return;
    try {
      const member = { memberId: this.#memberId, groupInstanceId: null };
      await this.#ask(
        leaveGroup,
        { groupId, memberId: this.#memberId, members: [member] },
        "main",
      );
    } catch {
      // The session expires by itself.
    }
  }

  /** Joins the group, gets an assignment and calls the listener. */
  async #join(): Promise<void> {
    for (const topic of this.#settings.topics) await this.#client.topic(topic, true);
    const joined = await this.#requestJoin();
    const isLeader = joined.leader === joined.memberId;
    const { groupId, groupInstanceId } = this.#settings;
    const answer = await this.#ask(
      syncGroup,
      {
        groupId,
        groupInstanceId,
        generationId: this.#generationId,
        memberId: this.#memberId,
        protocolType: PROTOCOL_TYPE,
        protocolName: joined.protocolName,
        assignments: isLeader ? await this.#assign(joined) : [],
      },
      "group",
      { timeoutMs: this.#joinTimeoutMs },
    );
    this.#check(answer.errorCode, "get an assignment");
    const partitions: TopicPartition[] = [];
    if (answer.assignment.length > 0) {
      const { assignedPartitions } = consumerProtocolAssignment.decode(answer.assignment);
      for (const { topic, partitions: list } of assignedPartitions) {
        for (const partition of list) partitions.push({ topic, partition });
      }
    }
    const offsets = await this.#client.retry(() => this.#committed(partitions));
    await this.#listener.assigned(offsets);
  }

  async #requestJoin(): Promise<JoinGroupResponse> {
    const { groupId, groupInstanceId, topics, sessionTimeoutMs, rebalanceTimeoutMs } =
      this.#settings;
    const subscription = consumerProtocolSubscription.encode(
      { topics: [...topics], userData: null, ownedPartitions: [] },
      1,
    );
    for (;;) {
      const answer = await this.#ask(
        joinGroup,
        {
          groupId,
          groupInstanceId,
          sessionTimeoutMs,
          rebalanceTimeoutMs,
          memberId: this.#memberId,
          protocolType: PROTOCOL_TYPE,
          protocols: [{ name: ASSIGNOR, metadata: subscription }],
        },
        "group",
        { timeoutMs: this.#joinTimeoutMs },
      );
      if (answer.errorCode === ErrorCode.MEMBER_ID_REQUIRED && this.#memberId === "") {
        // The coordinator assigns an id first, so that a lost response leaves no unknown member
        // (KIP-394).
        this.#memberId = answer.memberId;
        continue;
      }
      this.#check(answer.errorCode, "join");
      this.#memberId = answer.memberId;
      this.#generationId = answer.generationId;
      return answer;
    }
  }

  /** Computes the assignment as the group's leader. */
  async #assign(joined: JoinGroupResponse) {
    const members: Subscriber[] = joined.members.map((member) => ({
      memberId: member.memberId,
      groupInstanceId: member.groupInstanceId,
      topics: consumerProtocolSubscription.decode(member.metadata).topics,
    }));
    const topics = [...new Set(members.flatMap((member) => member.topics))].sort();
    await this.#client.refresh(topics);
    const counts = new Map<string, number>();
    for (const topic of topics) {
      const info = this.#client.view.topic(topic);
      if (info !== undefined) counts.set(topic, info.partitions.length);
    }
    this.#partitionCounts = counts;
    return [...assignRanges(members, counts)].map(([memberId, assignment]) => ({
      memberId,
      assignment: consumerProtocolAssignment.encode({
        assignedPartitions: [...assignment].map(([topic, partitions]) => ({ topic, partitions })),
        userData: null,
      }, 1),
    }));
  }

  /** Returns the group's committed offsets, or -1 if there is none. */
  async #committed(partitions: readonly TopicPartition[]): Promise<PartitionOffset[]> {
    if (partitions.length === 0) return [];
    const { groupId } = this.#settings;
    const topics = byTopic(partitions).map(([name, list]) => ({
      name,
      topicId: ZERO_UUID,
      partitionIndexes: list.map(({ partition }) => partition),
    }));
    const answer = await this.#ask(
      offsetFetch,
      {
        groupId,
        topics,
        groups: [{ groupId, topics }],
      },
      "main",
      { maxVersion: LAST_VERSION_WITH_NAMES },
    );
    const group = answer.groups[0] ?? answer;
    this.#check(group.errorCode, "get the offsets");
    return partitions.map(({ topic, partition }) => {
      const found = group.topics.find(({ name }) => name === topic)?.partitions
        .find(({ partitionIndex }) => partitionIndex === partition);
      this.#check(found?.errorCode ?? ErrorCode.NONE, `get the offset of ${topic}-${partition}`);
      // No log is this long: any larger offset is out of range too.
      const offset = Math.min(Number(found?.committedOffset ?? -1), Number.MAX_SAFE_INTEGER);
      return { topic, partition, offset };
    });
  }

  /** Sends heartbeats until the group rebalances or the member leaves. */
  async #sendHeartbeats(): Promise<void> {
    const { groupId, groupInstanceId, heartbeatIntervalMs } = this.#settings;
    const { signal } = this.#leaving;
    const { clock } = this.#runtime;
    let lastAnswerAtMs = clock.monotonicMs();
    while (!signal.aborted) {
      await sleep(clock, heartbeatIntervalMs, signal);
      if (this.#partitionsChanged()) return;
      try {
        const answer = await this.#ask(heartbeat, {
          groupId,
          groupInstanceId,
          generationId: this.#generationId,
          memberId: this.#memberId,
        }, "group");
        if (answer.errorCode === ErrorCode.REBALANCE_IN_PROGRESS) return;
        this.#check(answer.errorCode, "stay a member");
        lastAnswerAtMs = clock.monotonicMs();
      } catch (error) {
        if (NO_LONGER_MEMBER.has(codeOf(error))) {
          this.#recover(error);
          return;
        }
        // A coordinator that is unavailable for a short time does not end the membership.
        const silentMs = clock.monotonicMs() - lastAnswerAtMs;
        if (!isRetriableError(error) || silentMs > this.#settings.sessionTimeoutMs) throw error;
      }
    }
  }

  /**
   * Returns whether this member is the leader and its topics have other partition counts than at
   * the last assignment.
   */
  #partitionsChanged(): boolean {
    for (const [topic, count] of this.#partitionCounts ?? []) {
      const now = this.#client.view.topic(topic)?.partitions.length ?? count;
      if (now !== count) return true;
    }
    return false;
  }

  /** Sends a request to the coordinator, which is looked up if unknown. */
  async #ask<Q, Query, Response, R>(
    api: Api<Q, Query, Response, R>,
    query: Query,
    purpose: Purpose,
    options?: RequestOptions,
  ): Promise<Response> {
    try {
      this.#coordinator ??= await this.#client.retry(() =>
        this.#client.coordinatorOf(this.#settings.groupId)
      );
      const connection = await this.#client.broker(this.#coordinator, purpose);
      return await connection.request(api, query, options);
    } catch (error) {
      this.#handleCoordinatorError(codeOf(error));
      throw error;
    }
  }

  #check(errorCode: number, action: string): void {
    if (errorCode === ErrorCode.NONE) return;
    this.#handleCoordinatorError(errorCode);
    throw responseError(errorCode, `Cannot ${action} in group "${this.#settings.groupId}"`);
  }

  #handleCoordinatorError(code: number): void {
    if (COORDINATOR_MOVED.has(code)) this.#coordinator = null;
  }

  /** Returns whether rejoining may help, and prepares the member for it. */
  #recover(error: unknown): boolean {
    const code = codeOf(error);
    if (NO_LONGER_MEMBER.has(code)) {
      this.#memberId = "";
      this.#generationId = -1;
      return true;
    }
    return code === ErrorCode.REBALANCE_IN_PROGRESS || isRetriableError(error);
  }

  get #joinTimeoutMs(): number {
    return this.#settings.rebalanceTimeoutMs + this.#client.settings.requestTimeoutMs;
  }
}

function codeOf(error: unknown): number {
  return error instanceof KafkaError ? error.code : ErrorCode.UNKNOWN_SERVER_ERROR;
}

function byTopic<P extends TopicPartition>(partitions: readonly P[]): [string, P[]][] {
  const topics = new Map<string, P[]>();
  for (const one of partitions) {
    const list = topics.get(one.topic);
    if (list === undefined) topics.set(one.topic, [one]);
    else list.push(one);
  }
  return [...topics];
}
