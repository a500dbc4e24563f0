/**
 * Asks the group handlers as a client would: the request is encoded and decoded in its version, and
 * so is the answer.
 *
 * @module
 */
import type { BrokerServices } from "../../../src/broker/services.ts";
import type { Handler, RequestContext } from "../../../src/network/server/handler.ts";
import { GroupCoordinator } from "../../../src/groups/group_coordinator.ts";
import type { TopicImage } from "../../../src/metadata/image.ts";
import type { Api } from "../../../src/protocol/api.ts";
import { KafkaError } from "../../../src/protocol/errors.ts";
import { joinGroup, type JoinGroupResponse } from "../../../src/protocol/messages/join_group.ts";
import { syncGroup } from "../../../src/protocol/messages/sync_group.ts";
import { joinGroupHandler } from "../../../src/broker/handlers/join_group.ts";
import { syncGroupHandler } from "../../../src/broker/handlers/sync_group.ts";
import { ByteReader, ByteWriter } from "../../../src/protocol/wire.ts";
import { TestClock, TestRandom } from "../../groups/test_clock.ts";

/** The id of the topic "events". */
export const EVENTS_ID = "ZXZlbnRzZXZlbnRzZXZlbg";
/** An id that no topic has. */
export const NO_TOPIC_ID = "bm8gdG9waWMgbm8gdG9waQ";

/** A node with a group coordinator, and the topic "events" of two partitions. */
export class GroupNode {
  readonly clock = new TestClock();
  readonly groups: GroupCoordinator;
  readonly topics: Map<string, TopicImage>;
  readonly #services: BrokerServices;

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
    const services: Partial<BrokerServices> = {
      nodeId: 7,
      groups: this.groups,
      advertisedAddress: () => ({ host: "broker.example", port: 9092 }),
      image: () =>
        ({
          topicByName: (name: string) => this.topics.get(name),
          topicById: (id: string) => [...this.topics.values()].find((topic) => topic.id === id),
        }) as ReturnType<BrokerServices["image"]>,
    };
    this.#services = services as BrokerServices;
  }

  /** Sends a request in a version and returns its answer. */
  async ask<RequestOut, RequestIn, ResponseOut, ResponseIn>(
    api: Api<RequestOut, RequestIn, ResponseOut, ResponseIn>,
    handler: Handler<BrokerServices>,
    apiVersion: number,
    request: RequestIn,
  ): Promise<ResponseOut> {
    const context = this.#context(apiVersion);
    const decoded = recode(api.requestCodec(apiVersion), request);
    let answer: ResponseIn;
    try {
      answer = await handler.handle(decoded, context) as ResponseIn;
    } catch (error) {
      if (!(error instanceof KafkaError)) throw error;
      answer = handler.onError(decoded, error.code, error.message, context) as ResponseIn;
    }
    return recode(api.responseCodec(apiVersion), answer);
  }

  /** Like {@linkcode ask}, when something in the node breaks: UNKNOWN_SERVER_ERROR, "broken". */
  askToFail<RequestOut, RequestIn, ResponseOut, ResponseIn>(
    api: Api<RequestOut, RequestIn, ResponseOut, ResponseIn>,
    handler: Handler<BrokerServices>,
    apiVersion: number,
    request: RequestIn,
  ): Promise<ResponseOut> {
    const broken = { ...handler, handle: () => Promise.reject(new KafkaError(-1, "broken")) };
    return this.ask(api, broken, apiVersion, request);
  }

  #context(apiVersion: number): RequestContext<BrokerServices> {
    return {
      apiVersion,
      clientId: "client",
      connection: {
        id: 1,
        listener: "PLAINTEXT",
        localAddress: { host: "127.0.0.1", port: 9092 },
        remoteAddress: { host: "10.0.0.9", port: 50_000 },
        clientSoftwareName: "",
        clientSoftwareVersion: "",
      },
      services: this.#services,
      servedApis: [],
      holdFrame: () => {},
    };
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

/** A topic as the image has it. */
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

/** All versions of an API. */
export function versionsOf(api: { minVersion: number; maxVersion: number }): number[] {
  return Array.from(
    { length: api.maxVersion - api.minVersion + 1 },
    (_, index) => api.minVersion + index,
  );
}

function recode<Out, In>(
  codec: { write(writer: ByteWriter, value: In): void; read(reader: ByteReader): Out },
  value: In,
): Out {
  const writer = new ByteWriter();
  codec.write(writer, value);
  return codec.read(new ByteReader(writer.toBytes()));
}
