/**
 * The state of the cluster: brokers, topics, partitions and configs, as recorded in the metadata
 * log.
 *
 * A {@linkcode MetadataImage} is a live view. Looking up a topic by name or id is one map access,
 * and the cost of applying a record does not depend on the number of topics, because the maps
 * behind the view are updated in place (`metadata_state.ts`). The values it returns (a topic, a
 * partition, a broker, the configs of a resource) are immutable: a change replaces them. Code that
 * keeps a `TopicImage` across an `await` sees the old state and must look it up again to see the
 * current one.
 *
 * @module
 */

import type { ClientQuota } from "./client_quotas.ts";
import type { AccessControlEntryRecord, DelegationTokenRecord } from "./records/security.ts";
import type { ScramCredential } from "./scram_credentials.ts";

/** A partition. Immutable. */
export interface PartitionImage {
  readonly partition: number;
  /** The brokers with a replica, preferred leader first. */
  readonly replicas: readonly number[];
  /** The in-sync replicas, which have all committed records. */
  readonly isr: readonly number[];
  readonly removingReplicas: readonly number[];
  readonly addingReplicas: readonly number[];
  /** The broker that leads the partition, or -1 for none. */
  readonly leader: number;
  /** Increases with every new leader. */
  readonly leaderEpoch: number;
  /** Increases with every change of the partition. */
  readonly partitionEpoch: number;
  /** 1 after an unclean leader election, until the leader has recovered. */
  readonly leaderRecoveryState: number;
  /** The log directory id of each replica, in the order of `replicas`. */
  readonly directories: readonly string[];
  /** Replicas outside the ISR that still have all committed records (KIP-966). */
  readonly eligibleLeaderReplicas: readonly number[];
  /** The last members of the ISR and the eligible replicas before both became empty (KIP-966). */
  readonly lastKnownElr: readonly number[];
}

/** A topic. Immutable. */
export interface TopicImage {
  readonly name: string;
  /** The topic id, 22 characters of base64. */
  readonly id: string;
  /** Indexed by partition number, without holes. */
  readonly partitions: readonly PartitionImage[];
}

/** The address of a broker or a controller. */
export interface EndpointImage {
  /** The listener's name. */
  readonly name: string;
  readonly host: string;
  readonly port: number;
  /** 0 for PLAINTEXT. */
  readonly securityProtocol: number;
}

/** A range of feature levels. */
export interface FeatureRange {
  readonly min: number;
  readonly max: number;
}

/** A registered broker. Immutable. */
export interface BrokerImage {
  readonly id: number;
  /** Increases with each registration: usually the offset of its record. */
  readonly epoch: number;
  /** Changes with each start of the broker. */
  readonly incarnationId: string;
  readonly endpoints: readonly EndpointImage[];
  readonly features: ReadonlyMap<string, FeatureRange>;
  readonly rack: string | null;
  /**
   * Whether the broker is out of service. A fenced broker leads no partition, and clients are not
   * directed to it.
   */
  readonly fenced: boolean;
  readonly inControlledShutdown: boolean;
  /** Whether the broker was migrating from ZooKeeper (KIP-866). False since Apache Kafka 4.0. */
  readonly isMigratingZkBroker: boolean;
  /** The ids of its log directories. */
  readonly logDirs: readonly string[];
  /**
   * The log directories in which no new partition may be placed (KIP-1066), null if the broker has not
   * said which.
   */
  readonly cordonedLogDirs: readonly string[] | null;
}

/** A registered controller (KIP-919). Immutable. */
export interface ControllerImage {
  readonly id: number;
  /** Changes with each start of the controller. */
  readonly incarnationId: string;
  readonly endpoints: readonly EndpointImage[];
  readonly features: ReadonlyMap<string, FeatureRange>;
  /** Whether the controller could migrate from ZooKeeper. False since Apache Kafka 4.0. */
  readonly zkMigrationReady: boolean;
}

/** An ACL. Immutable. */
export type AclImage = AccessControlEntryRecord;

/** A delegation token. Immutable. */
export type DelegationTokenImage = DelegationTokenRecord;

/** The last allocation of producer ids. Immutable. */
export interface ProducerIdsImage {
  /** The broker that received them, -1 if it is unknown because the record is from a snapshot of Kafka. */
  readonly brokerId: number;
  readonly brokerEpoch: number;
  /** The first producer id not yet allocated. */
  readonly nextProducerId: number;
}

/** A resource with configs: a type of {@linkcode ConfigResourceType} and a name. */
export interface ConfigResource {
  readonly type: number;
  readonly name: string;
}

/** The current state of the cluster. */
export interface MetadataImage {
  /** The offset of the last record applied, -1 before the first. */
  readonly offset: number;
  /** The leader epoch of that record's batch. */
  readonly epoch: number;
  /** Increases whenever records are applied. Data derived from another version is stale. */
  readonly version: number;
  readonly topicCount: number;
  readonly partitionCount: number;
  topicByName(name: string): TopicImage | undefined;
  topicById(id: string): TopicImage | undefined;
  /** Returns every topic in order of creation. */
  topics(): IterableIterator<TopicImage>;
  /**
   * Returns the name of a topic that differs from `name` only in `.` and `_`, which Kafka's metrics
   * cannot distinguish.
   */
  topicCollidingWith(name: string): string | undefined;
  broker(id: number): BrokerImage | undefined;
  /** Returns every registered broker. */
  brokers(): IterableIterator<BrokerImage>;
  controller(id: number): ControllerImage | undefined;
  /** Returns every registered controller. */
  controllers(): IterableIterator<ControllerImage>;
  /** Returns the explicitly set configs of a resource by key. Empty if there are none. */
  configs(type: number, name: string): ReadonlyMap<string, string>;
  /** Returns the names of the resources of `type` that have configs. */
  configuredNames(type: number): IterableIterator<string>;
  /** Returns every entity that has a client quota. */
  clientQuotas(): IterableIterator<ClientQuota>;
  /** Returns the users that have SCRAM credentials. */
  scramUsers(): IterableIterator<string>;
  /** Returns a user's SCRAM credentials by mechanism number (KIP-554). Empty if there are none. */
  scramCredentials(user: string): ReadonlyMap<number, ScramCredential>;
  /** Returns every ACL. */
  acls(): IterableIterator<AclImage>;
  /** Returns every delegation token. */
  delegationTokens(): IterableIterator<DelegationTokenImage>;
  /** The finalized features and their levels. */
  readonly features: ReadonlyMap<string, number>;
  /** The first producer id not yet allocated to a broker. */
  readonly nextProducerId: number;
}

/** The changes made by applying records once. */
export interface MetadataDelta {
  readonly createdTopics: readonly TopicImage[];
  /** The topics in their last state. */
  readonly deletedTopics: readonly TopicImage[];
  /** Topics with new or changed partitions. */
  readonly changedTopics: readonly ChangedTopic[];
  /** Resources with changed configs, except those of deleted topics. */
  readonly changedConfigs: readonly ConfigResource[];
  /** The ids of brokers that were registered, changed or unregistered. */
  readonly changedBrokers: readonly number[];
  /** The ids of controllers that were registered, changed or unregistered. */
  readonly changedControllers: readonly number[];
  readonly featuresChanged: boolean;
}

/** A topic before and after a change. */
export interface ChangedTopic {
  readonly before: TopicImage;
  readonly after: TopicImage;
}

/** Replaces `.` by `_` in a topic name, as Kafka's metrics do. */
export function collisionName(name: string): string {
  return name.replaceAll(".", "_");
}
