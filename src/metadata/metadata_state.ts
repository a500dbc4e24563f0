/**
 * The maps behind a {@linkcode MetadataImage} and the effect of each metadata record on them.
 *
 * @module
 */
import { assert } from "../assert.ts";
import { ConfigResourceType } from "../config/definition.ts";
import { type ClientQuota, ClientQuotas } from "./client_quotas.ts";
import { changePartition, newPartition } from "./partition_changes.ts";
import { KRAFT_VERSION_FEATURE } from "./features.ts";
import type {
  AclImage,
  BrokerImage,
  ConfigResource,
  ControllerImage,
  DelegationTokenImage,
  MetadataDelta,
  MetadataImage,
  PartitionImage,
  ProducerIdsImage,
  TopicImage,
} from "./image.ts";
import { changeBroker, newBroker, newController } from "./registrations.ts";
import type { MetadataRecord } from "./records/metadata_record.ts";
import { ScramCredentials, type ScramCredentialsOfUser } from "./scram_credentials.ts";
import { TopicTable } from "./topic_table.ts";

const NO_CONFIGS: ReadonlyMap<string, string> = new Map();

/** A topic while records are being applied. */
interface Draft {
  readonly name: string;
  readonly id: string;
  readonly before: TopicImage | null;
  /** May have holes until all records have been applied. */
  partitions: (PartitionImage | undefined)[];
}

/** The changes made so far by one call of `apply()`. */
interface Changes {
  readonly drafts: Map<string, Draft>;
  /** By id. */
  readonly deleted: Map<string, TopicImage>;
  readonly configs: Map<string, ConfigResource>;
  readonly brokers: Set<number>;
  readonly controllers: Set<number>;
  features: boolean;
}

/** The metadata of the cluster. Changed only by {@linkcode MetadataState.apply}. */
export class MetadataState implements MetadataImage {
  #offset = -1;
  #epoch = 0;
  #version = 0;
  #producerIds: ProducerIdsImage | null = null;
  readonly #topics = new TopicTable();
  readonly #brokers = new Map<number, BrokerImage>();
  readonly #controllers = new Map<number, ControllerImage>();
  readonly #configs = new Map<number, Map<string, ReadonlyMap<string, string>>>();
  readonly #features = new Map<string, number>();
  readonly #clientQuotas = new ClientQuotas();
  readonly #scram = new ScramCredentials();
  /** By id. */
  readonly #acls = new Map<string, AclImage>();
  /** By token id. */
  readonly #delegationTokens = new Map<string, DelegationTokenImage>();

  get offset(): number {
    return this.#offset;
  }
  get epoch(): number {
    return this.#epoch;
  }
  get version(): number {
    return this.#version;
  }
  get topicCount(): number {
    return this.#topics.size;
  }
  get partitionCount(): number {
    return this.#topics.partitionCount;
  }
  get features(): ReadonlyMap<string, number> {
    return this.#features;
  }
  get nextProducerId(): number {
    return this.#producerIds?.nextProducerId ?? 0;
  }
  /** The last allocation of producer ids, or null before the first. */
  get producerIds(): ProducerIdsImage | null {
    return this.#producerIds;
  }

  topicByName(name: string): TopicImage | undefined {
    return this.#topics.byName(name);
  }
  topicById(id: string): TopicImage | undefined {
    return this.#topics.byId(id);
  }
  topics(): IterableIterator<TopicImage> {
    return this.#topics.all();
  }
  topicCollidingWith(name: string): string | undefined {
    return this.#topics.collidingWith(name);
  }
  broker(id: number): BrokerImage | undefined {
    return this.#brokers.get(id);
  }
  brokers(): IterableIterator<BrokerImage> {
    return this.#brokers.values();
  }
  controller(id: number): ControllerImage | undefined {
    return this.#controllers.get(id);
  }
  controllers(): IterableIterator<ControllerImage> {
    return this.#controllers.values();
  }
  configs(type: number, name: string): ReadonlyMap<string, string> {
    return this.#configs.get(type)?.get(name) ?? NO_CONFIGS;
  }
  /** Returns the types of resources of which some have or had configs. */
  configuredTypes(): IterableIterator<number> {
    return this.#configs.keys();
  }
  configuredNames(type: number): IterableIterator<string> {
    return (this.#configs.get(type) ?? new Map<string, never>()).keys();
  }
  /** Returns the configs of those resources, in the same order. */
  configuredValues(type: number): IterableIterator<ReadonlyMap<string, string>> {
    return (this.#configs.get(type) ?? new Map<string, never>()).values();
  }
  clientQuotas(): IterableIterator<ClientQuota> {
    return this.#clientQuotas.all();
  }
  /** Returns the quota of an entity, whose types are in alphabetical order. */
  clientQuota(entity: ClientQuota["entity"]): ClientQuota | undefined {
    return this.#clientQuotas.of(entity);
  }
  scramUsers(): IterableIterator<string> {
    return this.#scram.users();
  }
  scramCredentials(user: string): ScramCredentialsOfUser {
    return this.#scram.of(user);
  }
  acls(): IterableIterator<AclImage> {
    return this.#acls.values();
  }
  acl(id: string): AclImage | undefined {
    return this.#acls.get(id);
  }
  delegationTokens(): IterableIterator<DelegationTokenImage> {
    return this.#delegationTokens.values();
  }
  delegationToken(tokenId: string): DelegationTokenImage | undefined {
    return this.#delegationTokens.get(tokenId);
  }

  /**
   * Applies committed records. `offset` is that of the last record, `epoch` the leader epoch of its
   * batch. Returns the changes. Throws an AssertionFailure if a record contradicts the current
   * state, which was then not built from this log.
   */
  apply(records: readonly MetadataRecord[], offset: number, epoch: number): MetadataDelta {
    const delta = this.stage(records);
    this.publish(delta);
    this.advance(offset, epoch);
    return delta;
  }

  /**
   * Reads records and returns what they change, before the state shows topics that they create,
   * change or delete: see {@linkcode MetadataState.publish}. All other changes take effect at once,
   * the configs of topics among them. Throws as {@linkcode MetadataState.apply}.
   */
  stage(records: readonly MetadataRecord[]): MetadataDelta {
    const changes: Changes = {
      drafts: new Map(),
      deleted: new Map(),
      configs: new Map(),
      brokers: new Set(),
      controllers: new Set(),
      features: false,
    };
    for (const record of records) this.#applyOne(record, changes);
    return deltaOf(changes);
  }

  /** Shows the topics of the change that was staged last. */
  publish({ createdTopics, changedTopics, deletedTopics }: MetadataDelta): void {
    for (const topic of deletedTopics) this.#topics.remove(topic);
    for (const { after } of changedTopics) this.#topics.put(after);
    for (const topic of createdTopics) this.#topics.put(topic);
    this.#version++;
  }

  /** Marks all records up to `offset`, whose batch has leader epoch `epoch`, as applied. */
  advance(offset: number, epoch: number): void {
    assert(offset > this.#offset, `Metadata at ${offset} does not follow ${this.#offset}`);
    this.#offset = offset;
    this.#epoch = epoch;
  }

  #applyOne(record: MetadataRecord, changes: Changes): void {
    switch (record.name) {
      case "TopicRecord": {
        const { name, topicId } = record.value;
        changes.drafts.set(topicId, { name, id: topicId, before: null, partitions: [] });
        break;
      }
      case "PartitionRecord":
        this.#draft(record.value.topicId, changes).partitions[record.value.partitionId] =
          newPartition(record.value);
        break;
      case "PartitionChangeRecord": {
        const { topicId, partitionId } = record.value;
        const { partitions } = this.#draft(topicId, changes);
        const before = partitions[partitionId];
        assert(before !== undefined, `Partition ${partitionId} of topic ${topicId} does not exist`);
        partitions[partitionId] = changePartition(before, record.value);
        break;
      }
      case "RemoveTopicRecord":
        this.#removeTopic(record.value.topicId, changes);
        break;
      case "ClearElrRecord":
        this.#clearElr(record.value.topicName, changes);
        break;
      case "ConfigRecord": {
        const { resourceType, resourceName, name, value } = record.value;
        this.#setConfig(resourceType, resourceName, name, value);
        changes.configs.set(`${resourceType} ${resourceName}`, {
          type: resourceType,
          name: resourceName,
        });
        break;
      }
      case "FeatureLevelRecord": {
        const { name, featureLevel } = record.value;
        // The level in force is that of the quorum's KRaftVersionRecord.
        if (name === KRAFT_VERSION_FEATURE) break;
        if (featureLevel === 0) this.#features.delete(name);
        else this.#features.set(name, featureLevel);
        changes.features = true;
        break;
      }
      case "ProducerIdsRecord":
        if (record.value.nextProducerId >= this.nextProducerId) this.#producerIds = record.value;
        break;
      case "RegisterBrokerRecord":
        this.#setBroker(newBroker(record.value), changes);
        break;
      case "UnregisterBrokerRecord":
        this.#brokers.delete(record.value.brokerId);
        changes.brokers.add(record.value.brokerId);
        break;
      case "FenceBrokerRecord":
      case "UnfenceBrokerRecord":
        this.#setBroker({
          ...this.#registered(record.value.id),
          fenced: record.name === "FenceBrokerRecord",
        }, changes);
        break;
      case "BrokerRegistrationChangeRecord":
        this.#setBroker(
          changeBroker(this.#registered(record.value.brokerId), record.value),
          changes,
        );
        break;
      case "ClientQuotaRecord":
        this.#clientQuotas.apply(record.value);
        break;
      case "RegisterControllerRecord":
        this.#controllers.set(record.value.controllerId, newController(record.value));
        changes.controllers.add(record.value.controllerId);
        break;
      case "UnregisterControllerRecord":
        this.#controllers.delete(record.value.controllerId);
        changes.controllers.add(record.value.controllerId);
        break;
      case "UserScramCredentialRecord":
        this.#scram.set(record.value);
        break;
      case "RemoveUserScramCredentialRecord":
        this.#scram.remove(record.value);
        break;
      case "AccessControlEntryRecord":
        this.#acls.set(record.value.id, record.value);
        break;
      case "RemoveAccessControlEntryRecord":
        this.#acls.delete(record.value.id);
        break;
      case "DelegationTokenRecord":
        this.#delegationTokens.set(record.value.tokenId, record.value);
        break;
      case "RemoveDelegationTokenRecord":
        this.#delegationTokens.delete(record.value.tokenId);
        break;
      // Apache Kafka 4 keeps no state of the migration from ZooKeeper either.
      case "ZkMigrationStateRecord":
      case "NoOpRecord":
        break;
      case "BeginTransactionRecord":
      case "EndTransactionRecord":
      case "AbortTransactionRecord":
        assert(false, `A ${record.name} is a marker and cannot be applied`);
    }
  }

  #draft(id: string, changes: Changes): Draft {
    let draft = changes.drafts.get(id);
    if (draft === undefined) {
      const before = this.#topics.byId(id);
      assert(
        before !== undefined && !changes.deleted.has(id),
        `Topic ${id} does not exist`,
      );
      draft = { name: before.name, id, before, partitions: [...before.partitions] };
      changes.drafts.set(id, draft);
    }
    return draft;
  }

  #removeTopic(id: string, changes: Changes): void {
    const { name, before } = this.#draft(id, changes);
    changes.drafts.delete(id);
    this.#configs.get(ConfigResourceType.TOPIC)?.delete(name);
    changes.configs.delete(`${ConfigResourceType.TOPIC} ${name}`);
    if (before !== null) changes.deleted.set(id, before);
  }

  /** Clears the eligible replicas of the topics of that name, or of all if it is empty. */
  #clearElr(name: string, changes: Changes): void {
    const drafts = [...changes.drafts.values()].filter((draft) =>
      name === "" || draft.name === name
    );
    for (const draft of drafts) clearElrOf(draft);
    const named = this.#topics.byName(name);
    const topics = name === "" ? this.#topics.all() : named === undefined ? [] : [named];
    for (const { id, partitions } of topics) {
      if (changes.drafts.has(id) || changes.deleted.has(id)) continue;
      if (partitions.some(hasElr)) clearElrOf(this.#draft(id, changes));
    }
  }

  #setConfig(type: number, resource: string, name: string, value: string | null): void {
    let byResource = this.#configs.get(type);
    if (byResource === undefined) this.#configs.set(type, byResource = new Map());
    // Copies the map, since the old configs may still be referenced.
    const values = new Map(byResource.get(resource));
    if (value === null) values.delete(name);
    else values.set(name, value);
    if (values.size === 0) byResource.delete(resource);
    else byResource.set(resource, values);
  }

  #registered(id: number): BrokerImage {
    const broker = this.#brokers.get(id);
    assert(broker !== undefined, `Broker ${id} is not registered`);
    return broker;
  }

  #setBroker(broker: BrokerImage, changes: Changes): void {
    this.#brokers.set(broker.id, broker);
    changes.brokers.add(broker.id);
  }
}

function hasElr(partition: PartitionImage | undefined): partition is PartitionImage {
  return partition !== undefined &&
    partition.eligibleLeaderReplicas.length + partition.lastKnownElr.length > 0;
}

/** Clears like a PartitionChangeRecord of each partition that has eligible replicas. */
function clearElrOf(draft: Draft): void {
  draft.partitions = draft.partitions.map((partition) =>
    !hasElr(partition) ? partition : {
      ...partition,
      eligibleLeaderReplicas: [],
      lastKnownElr: [],
      partitionEpoch: partition.partitionEpoch + 1,
    }
  );
}

function deltaOf(changes: Changes): MetadataDelta {
  const createdTopics: TopicImage[] = [];
  const changedTopics: { before: TopicImage; after: TopicImage }[] = [];
  for (const { name, id, before, partitions } of changes.drafts.values()) {
    for (let index = 0; index < partitions.length; index++) {
      assert(partitions[index] !== undefined, `Topic "${name}" has no partition ${index}`);
    }
    const after: TopicImage = { name, id, partitions: partitions as PartitionImage[] };
    if (before === null) createdTopics.push(after);
    else changedTopics.push({ before, after });
  }
  return {
    createdTopics,
    deletedTopics: [...changes.deleted.values()],
    changedTopics,
    changedConfigs: [...changes.configs.values()],
    changedBrokers: [...changes.brokers],
    changedControllers: [...changes.controllers],
    featuresChanged: changes.features,
  };
}
