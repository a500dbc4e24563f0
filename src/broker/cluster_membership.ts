/**
 * The membership of a broker in a cluster of several nodes: a session with the active controller, kept by
 * heartbeats.
 *
 * @module
 */
import type { BrokerLifecycleSettings } from "../config/node_config.ts";
import type { DirectoryAssignment } from "../controller/directories.ts";
import type { Logger } from "../logger.ts";
import { ErrorCode, errorName, KafkaError } from "../protocol/errors.ts";
import { allocateProducerIds } from "../protocol/messages/allocate_producer_ids.ts";
import { assignReplicasToDirs } from "../protocol/messages/assign_replicas_to_dirs.ts";
import { randomUuid } from "../protocol/uuid.ts";
import type { Runtime } from "../runtime/runtime.ts";
import type { ControllerChannel } from "./controller_channel.ts";
import { BrokerSession, type FollowedImage } from "./lifecycle/broker_session.ts";
import type { BrokerMembership, BrokerPresentation } from "./membership.ts";
import type { ProducerIdBlock } from "./producer_ids.ts";

/** Maximum number of replicas in one AssignReplicasToDirs request, as in Kafka. */
const MAX_ASSIGNMENTS = 2_250;

/** The dependencies of {@linkcode ClusterMembership}. */
export interface ClusterMembershipOptions {
  readonly runtime: Pick<Runtime, "clock" | "random">;
  readonly nodeId: number;
  readonly clusterId: string;
  readonly rack: string | null;
  readonly settings: BrokerLifecycleSettings;
  /** The broker epoch before the orderly end of the last process, -1 after any other end. */
  readonly previousBrokerEpoch: number;
  readonly channel: ControllerChannel;
  /** A channel that no other request uses: heartbeats must not wait. Closed with the membership. */
  readonly heartbeatChannel: ControllerChannel;
  readonly image: FollowedImage;
  readonly logger: Logger;
}

/** The membership of a broker that shares its cluster with other nodes. */
export class ClusterMembership implements BrokerMembership {
  readonly #options: ClusterMembershipOptions;
  #session: BrokerSession | null = null;
  #onlineIds: readonly string[] = [];

  constructor(options: ClusterMembershipOptions) {
    this.#options = options;
  }

  get brokerEpoch(): number {
    return this.#session?.brokerEpoch ?? -1;
  }

  async register({ endpoints, directoryIds }: BrokerPresentation): Promise<void> {
    const { runtime: { clock, random }, nodeId, clusterId, rack } = this.#options;
    const { settings, previousBrokerEpoch, heartbeatChannel, image, logger } = this.#options;
    this.#onlineIds = directoryIds;
    this.#session = new BrokerSession({
      clock,
      channel: heartbeatChannel,
      settings,
      identity: {
        nodeId,
        clusterId,
        endpoints,
        incarnationId: randomUuid(random),
        rack,
        previousBrokerEpoch,
        onlineDirectories: () => this.#onlineIds,
      },
      image,
      logger,
    });
    await this.#session.start();
  }

  enterService(): Promise<void> {
    return this.#session!.becomeReady();
  }

  async assignDirectories(assignments: readonly DirectoryAssignment[]): Promise<void> {
    const { nodeId: brokerId, channel } = this.#options;
    for (let at = 0; at < assignments.length; at += MAX_ASSIGNMENTS) {
      const answer = await channel.request(assignReplicasToDirs, {
        brokerId,
        brokerEpoch: this.brokerEpoch,
        directories: byDirectory(assignments.slice(at, at + MAX_ASSIGNMENTS)),
      });
      // Errors of single partitions are of topics that were deleted meanwhile.
      requireNone("assign replicas to directories", answer.errorCode);
    }
  }

  reportDirectories(onlineIds: readonly string[]): Promise<void> {
    const failed = this.#onlineIds.filter((id) => !onlineIds.includes(id));
    this.#onlineIds = onlineIds;
    for (const id of failed) this.#session?.reportFailedDirectory(id);
    return Promise.resolve();
  }

  async allocateProducerIds(): Promise<ProducerIdBlock> {
    const { nodeId: brokerId, channel } = this.#options;
    const { brokerEpoch } = this;
    const answer = await channel.request(allocateProducerIds, { brokerId, brokerEpoch });
    requireNone("allocate producer ids", answer.errorCode);
    return { first: answer.producerIdStart, count: answer.producerIdLen };
  }

  async leaveService(): Promise<void> {
    if (this.#options.settings.controlledShutdownEnable) await this.#session?.shutDown();
  }

  stop(): void {
    this.#session?.stop();
    this.#options.heartbeatChannel.close();
  }
}

function requireNone(action: string, code: number): void {
  if (code === ErrorCode.NONE) return;
  throw new KafkaError(
    code as ErrorCode,
    `Cannot ${action}: the active controller answers ${errorName(code)}`,
  );
}

function byDirectory(assignments: readonly DirectoryAssignment[]) {
  return [...Map.groupBy(assignments, ({ directoryId }) => directoryId)].map(([id, inIt]) => ({
    id,
    topics: [...Map.groupBy(inIt, ({ topicId }) => topicId)].map(([topicId, ofTopic]) => ({
      topicId,
      partitions: ofTopic.map(({ partition: partitionIndex }) => ({ partitionIndex })),
    })),
  }));
}
