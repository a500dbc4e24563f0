/**
 * A member of a classic consumer group: joins, gets its partitions, says that it is alive, joins
 * again when the group changes, and leaves. The group's leader, which may be this member, decides
 * who reads what.
 *
 * @module
 */
import type { Api } from "../protocol/api.ts";
import { ErrorCode, KafkaError } from "../protocol/errors.ts";
import {
  consumerProtocolAssignment,
  consumerProtocolSubscription,
} from "../protocol/messages/consumer_protocol.ts";
import { heartbeat } from "../protocol/messages/heartbeat.ts";
import { joinGroup, type JoinGroupResponse } from "../protocol/messages/join_group.ts";
import { leaveGroup } from "../protocol/messages/leave_group.ts";
import { offsetCommit } from "../protocol/messages/offset_commit.ts";
import { offsetFetch } from "../protocol/messages/offset_fetch.ts";
import { syncGroup } from "../protocol/messages/sync_group.ts";
import { ZERO_UUID } from "../protocol/uuid.ts";
import type { Runtime } from "../runtime/runtime.ts";
import type { TopicPartition } from "./assigned_partition.ts";
import type { RequestOptions } from "../network/peer_connection.ts";
import type { ClusterClient, Purpose } from "./cluster_client.ts";
import { answered } from "./errors.ts";
import { assignRanges, type Subscriber } from "./range_assignor.ts";
import { backoffMs, isRetriableError, sleep } from "../network/retry.ts";

/** Who is a member of what. */
export interface GroupSettings {
  readonly groupId: string;
  readonly groupInstanceId: string | null;
  readonly topics: readonly string[];
  readonly sessionTimeoutMs: number;
  readonly rebalanceTimeoutMs: number;
  readonly heartbeatIntervalMs: number;
}

/** A partition and an offset within it. */
export interface PartitionOffset extends TopicPartition {
  readonly offset: number;
}

/** What the member tells its consumer. */
export interface GroupListener {
  /** The partitions are about to go to others: the last moment to commit. */
  revoked(): Promise<void>;
  /** These are to be read, from the offset that was committed, or -1 where none was. */
  assigned(partitions: readonly PartitionOffset[]): Promise<void>;
  /** The partitions may be with others already: it is too late to commit. */
  lost(): void;
  /** The member cannot go on. */
  failed(error: Error): void;
}

const PROTOCOL_TYPE = "consumer";
const ASSIGNOR = "range";
/** From version 10 on topics are named by ids, which the group need not know. */
const LAST_VERSION_WITH_NAMES = 9;

/** Errors after which the member joins again as a new one. */
const NO_LONGER_MEMBER: ReadonlySet<number> = new Set([
  ErrorCode.UNKNOWN_MEMBER_ID,
  ErrorCode.ILLEGAL_GENERATION,
]);

/** Errors that say that the coordinator is another node. */
const COORDINATOR_MOVED: ReadonlySet<number> = new Set([
  ErrorCode.NOT_COORDINATOR,
  ErrorCode.COORDINATOR_NOT_AVAILABLE,
  ErrorCode.NETWORK_EXCEPTION,
  ErrorCode.REQUEST_TIMED_OUT,
]);

/** One membership, from {@linkcode run} to {@linkcode leave}. */
export class GroupMember {
  readonly #client: ClusterClient;
  readonly #runtime: Runtime;
  readonly #settings: GroupSettings;
  readonly #listener: GroupListener;
  readonly #leaving = new AbortController();
  #coordinator: number | null = null;
  #memberId = "";
  #generationId = -1;
  /** What the leader counted when it assigned: another count means another assignment. */
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

  /** Joins, and goes on until {@linkcode leave} or a failure that does not pass. Never rejects. */
  async run(): Promise<void> {
    const { signal } = this.#leaving;
    let failures = 0;
    let hasJoined = false;
    while (!signal.aborted) {
      try {
        await this.#join();
        failures = 0;
        hasJoined = true;
        await this.#stayAlive();
        if (!signal.aborted) await this.#listener.revoked();
      } catch (error) {
        if (signal.aborted) return;
        this.#listener.lost();
        const mayPass = this.#recover(error) &&
          (hasJoined || failures < this.#client.settings.retries);
        if (!mayPass) return this.#listener.failed(error as Error);
        const wait = backoffMs(this.#client.settings, failures++, this.#runtime.random);
        await sleep(this.#runtime.clock, wait, signal).catch(() => {});
      }
    }
  }

  /**
   * Stores how far the group has read. Throws a KafkaError: `REBALANCE_IN_PROGRESS`,
   * `ILLEGAL_GENERATION` or `UNKNOWN_MEMBER_ID` when the partitions may be somebody else's by now.
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
          this.#noteError(errorCode);
          throw answered(
            errorCode,
            `Cannot commit ${name}-${partitionIndex} for group "${groupId}"`,
          );
        }
      }
    });
  }

  /** Leaves the group, so that others take over at once. Static members only stop. Never rejects. */
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
      // The session times out by itself.
    }
  }

  /** Joins the group, gets an assignment and tells the listener. */
  async #join(): Promise<void> {
    for (const topic of this.#settings.topics) await this.#client.topic(topic, true);
    const joined = await this.#askToJoin();
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

  async #askToJoin(): Promise<JoinGroupResponse> {
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
        // The coordinator gives an id first, so that a lost answer leaves no ghost (KIP-394).
        this.#memberId = answer.memberId;
        continue;
      }
      this.#check(answer.errorCode, "join");
      this.#memberId = answer.memberId;
      this.#generationId = answer.generationId;
      return answer;
    }
  }

  /** As the group's leader: who reads what. */
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

  /** The group's committed offsets, -1 where there is none. */
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
      // No log is that long: a larger offset is out of range wherever it is, as is this one.
      const offset = Math.min(Number(found?.committedOffset ?? -1), Number.MAX_SAFE_INTEGER);
      return { topic, partition, offset };
    });
  }

  /** Sends heartbeats until the group changes or the member leaves. */
  async #stayAlive(): Promise<void> {
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
        // A coordinator that is away for a moment does not end the membership.
        const silentMs = clock.monotonicMs() - lastAnswerAtMs;
        if (!isRetriableError(error) || silentMs > this.#settings.sessionTimeoutMs) throw error;
      }
    }
  }

  /** Whether this member leads the group and its topics have other partitions than it assigned. */
  #partitionsChanged(): boolean {
    for (const [topic, count] of this.#partitionCounts ?? []) {
      const now = this.#client.view.topic(topic)?.partitions.length ?? count;
      if (now !== count) return true;
    }
    return false;
  }

  /** A request to the coordinator, which is looked for when it is not known. */
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
      this.#noteError(codeOf(error));
      throw error;
    }
  }

  #check(errorCode: number, action: string): void {
    if (errorCode === ErrorCode.NONE) return;
    this.#noteError(errorCode);
    throw answered(errorCode, `Cannot ${action} in group "${this.#settings.groupId}"`);
  }

  #noteError(code: number): void {
    if (COORDINATOR_MOVED.has(code)) this.#coordinator = null;
  }

  /** Whether joining again may help; gets the member ready for it. */
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
