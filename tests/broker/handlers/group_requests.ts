/**
 * Asks the group handlers as a client does: requests and answers are encoded and decoded in their version.
 *
 * @module
 */
import type { Handler } from "../../../src/network/server/handler.ts";
import type { ReadonlyCommittedOffsets } from "../../../src/groups/committed_offsets.ts";
import { GroupCoordinator } from "../../../src/groups/group_coordinator.ts";
import type { TopicImage } from "../../../src/metadata/image.ts";
import type { Api } from "../../../src/protocol/api.ts";
import { ErrorCode, KafkaError } from "../../../src/protocol/errors.ts";
import { joinGroup, type JoinGroupResponse } from "../../../src/protocol/messages/join_group.ts";
import { syncGroup } from "../../../src/protocol/messages/sync_group.ts";
import { joinGroupHandler } from "../../../src/broker/handlers/join_group.ts";
import { syncGroupHandler } from "../../../src/broker/handlers/sync_group.ts";
import { askHandler } from "../../network/server/ask_handler.ts";
import type { BrokersNeeds } from "../../../src/broker/metadata_response.ts";
import type { TopicsByKey } from "../../../src/broker/find_topic.ts";
import type { Interceptor } from "../../../src/network/server/interceptor.ts";
import { TestClock, TestRandom } from "../../groups/test_clock.ts";

/** The id of the topic "events". */
export const EVENTS_ID = "ZXZlbnRzZXZlbnRzZXZlbg";
/** An id that no topic has. */
export const NO_TOPIC_ID = "bm8gdG9waWMgbm8gdG9waQ";

/** What a {@linkcode GroupNode} provides. */
export interface GroupServices extends Pick<BrokersNeeds, "nodeId" | "advertisedAddress"> {
  readonly groups: GroupCoordinator;
  image(): TopicsByKey;
}

/** A node with a group coordinator, and the topic "events" of two partitions. */
export class GroupNode {
  readonly clock = new TestClock();
  readonly groups: GroupCoordinator;
  readonly topics: Map<string, TopicImage>;
  readonly services: GroupServices;

  constructor() {
    const config = {
      groupInitialRebalanceDelayMs: 0,
      groupMinSessionTimeoutMs: 6000,
      groupMaxSessionTimeoutMs: 60_000,
      groupMaxSize: 100,
      offsetMetadataMaxBytes: 16,
    };
    this.groups = new GroupCoordinator({
      clock: this.clock,
      random: new TestRandom(),
      config,
    });
    this.topics = new Map([["events", topic("events", EVENTS_ID, 2)]]);
    this.services = {
      nodeId: 7,
      groups: this.groups,
      advertisedAddress: () => ({ host: "broker.example", port: 9092 }),
      image: () => ({
        topicByName: (name) => this.topics.get(name),
        topicById: (id) => [...this.topics.values()].find((topic) => topic.id === id),
      }),
    };
  }

  /** Sends a request in a version and returns its answer. */
  ask<QO, QI, RO, RI>(
    api: Api<QO, QI, RO, RI>,
    handler: Handler<GroupServices>,
    apiVersion: number,
    request: QI,
    interceptors: readonly Interceptor[] = [],
  ): Promise<RO> {
    return askHandler(handler, api, apiVersion, request, {
      services: this.services,
      interceptors,
    });
  }

  /** Like {@linkcode ask}, with a node that fails: UNKNOWN_SERVER_ERROR, "broken". */
  askToFail<QO, QI, RO, RI>(
    api: Api<QO, QI, RO, RI>,
    handler: Handler<GroupServices>,
    apiVersion: number,
    request: QI,
  ): Promise<RO> {
    const fail = () => Promise.reject(new KafkaError(ErrorCode.UNKNOWN_SERVER_ERROR, "broken"));
    return this.ask(api, handler, apiVersion, request, [fail]);
  }

  /** The offsets that a group has committed, null for a missing group. */
  committed(groupId: string): Promise<ReadonlyCommittedOffsets | null> {
    return this.groups.committedOffsets(groupId, (offsets) => offsets);
  }

  /** Joins the group "g" as its only member, gets an assignment, and returns the join's answer. */
  async joinAlone(
    member: { readonly groupInstanceId?: string; readonly metadata?: Uint8Array } = {},
  ): Promise<JoinGroupResponse> {
    const joining = this.ask(joinGroup, joinGroupHandler, 5, {
      groupId: "g",
      sessionTimeoutMs: 10_000,
      rebalanceTimeoutMs: 10_000,
      memberId: "",
      groupInstanceId: member.groupInstanceId ?? "alone",
      protocolType: "consumer",
      protocols: [{ name: "range", metadata: member.metadata ?? new Uint8Array(0) }],
    });
    this.clock.advance(0);
    const joined = await joining;
    await this.ask(syncGroup, syncGroupHandler, 3, {
      groupId: "g",
      generationId: joined.generationId,
      memberId: joined.memberId,
      assignments: [{ memberId: joined.memberId, assignment: new Uint8Array([1, 2, 3]) }],
    });
    return joined;
  }
}

/** Returns a topic of an image. */
export function topic(name: string, id: string, partitions: number): TopicImage {
  return {
    name,
    id,
    partitions: Array.from({ length: partitions }, (_, partition) => ({
      partition,
      replicas: [7],
      isr: [7],
      removingReplicas: [],
      addingReplicas: [],
      leader: 7,
      leaderEpoch: 0,
      partitionEpoch: 0,
      leaderRecoveryState: 0,
      directories: [],
      eligibleLeaderReplicas: [],
      lastKnownElr: [],
    })),
  };
}

/** Returns all versions of an API. */
export function versionsOf(api: { minVersion: number; maxVersion: number }): number[] {
  return Array.from(
    { length: api.maxVersion - api.minVersion + 1 },
    (_, index) => api.minVersion + index,
  );
}
