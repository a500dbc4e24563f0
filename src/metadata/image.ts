/**
 * The cluster as data: brokers, topics, partitions, configs, as the metadata log tells them.
 *
 * A {@linkcode MetadataImage} is a view of what is known now. Looking up a topic by name or by id is
 * one map access, and applying a record costs the same with ten topics and with ten thousand,
 * because the maps behind the view change in place (`metadata_state.ts`). What it hands out (a
 * topic, a partition, a broker, the configs of a resource) never changes: a change puts a new one
 * in its place. So keep a `TopicImage` over an `await` to see what was, and ask again to see what is.
 *
 * @module
 */

import type { ClientQuota } from "./client_quotas.ts";

/** A partition: immutable. */
export interface PartitionImage {
  readonly partition: number;
  /** Brokers that hold it, the preferred leader first. */
  readonly replicas: readonly number[];
  /** Replicas that have everything that is committed. */
  readonly isr: readonly number[];
  readonly removingReplicas: readonly number[];
  readonly addingReplicas: readonly number[];
  /** The broker that leads it, or -1 for none. */
  readonly leader: number;
  /** Grows with every new leader. */
  readonly leaderEpoch: number;
  /** Grows with every change of the partition. */
  readonly partitionEpoch: number;
  /** 1 while the leader was elected without having all that was committed. */
  readonly leaderRecoveryState: number;
  /** The id of the log directory of each replica, in the order of `replicas`. */
  readonly directories: readonly string[];
  /** Out of the ISR, and still known to have all that is committed (KIP-966). */
  readonly eligibleLeaderReplicas: readonly number[];
  /** The last replicas of an ISR and eligible set that went empty (KIP-966). */
  readonly lastKnownElr: readonly number[];
}

/** A topic: immutable. */
export interface TopicImage {
  readonly name: string;
  /** The topic's id, 22 characters of base64. */
  readonly id: string;
  /** By partition number, without holes. */
  readonly partitions: readonly PartitionImage[];
}

/** Where a broker can be reached. */
export interface EndpointImage {
  /** The listener's name. */
  readonly name: string;
  readonly host: string;
  readonly port: number;
  /** 0 for PLAINTEXT. */
  readonly securityProtocol: number;
}

/** A range of levels of a feature. */
export interface FeatureRange {
  readonly min: number;
  readonly max: number;
}

/** A registered broker: immutable. */
export interface BrokerImage {
  readonly id: number;
  /** Grows with each registration: usually the offset of its record. */
  readonly epoch: number;
  /** New with each start of the broker. */
  readonly incarnationId: string;
  readonly endpoints: readonly EndpointImage[];
  readonly features: ReadonlyMap<string, FeatureRange>;
  readonly rack: string | null;
  /** Whether it is out of service: it leads nothing, and clients are not sent to it. */
  readonly fenced: boolean;
  readonly inControlledShutdown: boolean;
  /** The ids of its log directories. */
  readonly logDirs: readonly string[];
}

/** Something that has configs: a type of {@linkcode ConfigResourceType} and a name. */
export interface ConfigResource {
  readonly type: number;
  readonly name: string;
}

/** The cluster as it stands. */
export interface MetadataImage {
  /** The offset of the last record applied, -1 before the first. */
  readonly offset: number;
  /** The leader epoch of that record's batch. */
  readonly epoch: number;
  /** Grows with every application of records: what was derived from another version is stale. */
  readonly version: number;
  readonly topicCount: number;
  readonly partitionCount: number;
  topicByName(name: string): TopicImage | undefined;
  topicById(id: string): TopicImage | undefined;
  /** Every topic, in the order of creation. */
  topics(): IterableIterator<TopicImage>;
  /** A topic whose name differs from `name` in `.` and `_` only: Kafka's metrics would mix them up. */
  topicCollidingWith(name: string): string | undefined;
  broker(id: number): BrokerImage | undefined;
  /** Every registered broker. */
  brokers(): IterableIterator<BrokerImage>;
  /** What was set for a resource, key and text. Empty when nothing was. */
  configs(type: number, name: string): ReadonlyMap<string, string>;
  /** The names of the resources of `type` that have something set. */
  configuredNames(type: number): IterableIterator<string>;
  /** Every entity that has a client quota. */
  clientQuotas(): IterableIterator<ClientQuota>;
  /** The users that have SCRAM credentials. */
  scramUsers(): IterableIterator<string>;
  /** The iterations of a user's SCRAM credentials, by the number of the mechanism (KIP-554). */
  scramIterations(user: string): ReadonlyMap<number, number>;
  /** The finalized features and their levels. */
  readonly features: ReadonlyMap<string, number>;
  /** The first producer id not yet given to any broker. */
  readonly nextProducerId: number;
}

/** What one application of records changed. */
export interface MetadataDelta {
  readonly createdTopics: readonly TopicImage[];
  /** As they were last. */
  readonly deletedTopics: readonly TopicImage[];
  /** Topics with new or changed partitions. */
  readonly changedTopics: readonly ChangedTopic[];
  /** Resources of which some config was set or taken away. Not those that went with their topic. */
  readonly changedConfigs: readonly ConfigResource[];
  /** The ids of brokers that registered, changed or left. */
  readonly changedBrokers: readonly number[];
  readonly featuresChanged: boolean;
}

/** A topic before and after. */
export interface ChangedTopic {
  readonly before: TopicImage;
  readonly after: TopicImage;
}

/** A topic's name with `.` as `_`, as Kafka's metrics have it. */
export function collisionName(name: string): string {
  return name.replaceAll(".", "_");
}
