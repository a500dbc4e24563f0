/**
 * The maps behind a {@linkcode MetadataImage} and the effect of each metadata record on them.
 *
 * @module
 */
import { assert } from "../assert.ts";
import { ConfigResourceType } from "../config/definition.ts";
import { type ClientQuota, ClientQuotas } from "./client_quotas.ts";
import { changePartition, newPartition } from "./partition_changes.ts";
import {
  type BrokerImage,
  collisionName,
  type ConfigResource,
  type MetadataDelta,
  type MetadataImage,
  type PartitionImage,
  type TopicImage,
} from "./image.ts";
import { changeBroker, newBroker } from "./broker_changes.ts";
import type { MetadataRecord } from "./records/metadata_record.ts";

const NO_CONFIGS: ReadonlyMap<string, string> = new Map();
const NO_CREDENTIALS: ReadonlyMap<number, number> = new Map();

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
  features: boolean;
}

/** The metadata of the cluster. Changed only by {@linkcode MetadataState.apply}. */
export class MetadataState implements MetadataImage {
  #offset = -1;
  #epoch = 0;
  #version = 0;
  #partitionCount = 0;
  #nextProducerId = 0;
  readonly #byId = new Map<string, TopicImage>();
  readonly #byName = new Map<string, TopicImage>();
  readonly #collisions = new Map<string, Set<string>>();
  readonly #brokers = new Map<number, BrokerImage>();
  readonly #configs = new Map<number, Map<string, ReadonlyMap<string, string>>>();
  readonly #features = new Map<string, number>();
  readonly #clientQuotas = new ClientQuotas();
  /** SCRAM iterations by mechanism, by user. The secrets are not kept in memory. */
  readonly #scram = new Map<string, ReadonlyMap<number, number>>();

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
    return this.#byId.size;
  }
  get partitionCount(): number {
    return this.#partitionCount;
  }
  get features(): ReadonlyMap<string, number> {
    return this.#features;
  }
  get nextProducerId(): number {
    return this.#nextProducerId;
  }

  topicByName(name: string): TopicImage | undefined {
    return this.#byName.get(name);
  }
  topicById(id: string): TopicImage | undefined {
    return this.#byId.get(id);
  }
  topics(): IterableIterator<TopicImage> {
    return this.#byId.values();
  }
  topicCollidingWith(name: string): string | undefined {
    for (const other of this.#collisions.get(collisionName(name)) ?? []) {
      if (other !== name) return other;
    }
    return undefined;
  }
  broker(id: number): BrokerImage | undefined {
    return this.#brokers.get(id);
  }
  brokers(): IterableIterator<BrokerImage> {
    return this.#brokers.values();
  }
  configs(type: number, name: string): ReadonlyMap<string, string> {
    return this.#configs.get(type)?.get(name) ?? NO_CONFIGS;
  }
  configuredNames(type: number): IterableIterator<string> {
    return (this.#configs.get(type) ?? new Map<string, never>()).keys();
  }
  clientQuotas(): IterableIterator<ClientQuota> {
    return this.#clientQuotas.all();
  }
  scramUsers(): IterableIterator<string> {
    return this.#scram.keys();
  }
  scramIterations(user: string): ReadonlyMap<number, number> {
    return this.#scram.get(user) ?? NO_CREDENTIALS;
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
      features: false,
    };
    for (const record of records) this.#applyOne(record, changes);
    return deltaOf(changes);
  }

  /** Shows the topics of the change that was staged last. */
  publish({ createdTopics, changedTopics, deletedTopics }: MetadataDelta): void {
    for (const topic of deletedTopics) this.#remove(topic);
    for (const { after } of changedTopics) this.#put(after);
    for (const topic of createdTopics) this.#put(topic);
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
        if (featureLevel === 0) this.#features.delete(name);
        else this.#features.set(name, featureLevel);
        changes.features = true;
        break;
      }
      case "ProducerIdsRecord":
        this.#nextProducerId = Math.max(this.#nextProducerId, record.value.nextProducerId);
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
      case "UserScramCredentialRecord": {
        const { name, mechanism, iterations } = record.value;
        this.#scram.set(name, new Map(this.#scram.get(name)).set(mechanism, iterations));
        break;
      }
      case "RemoveUserScramCredentialRecord": {
        const { name, mechanism } = record.value;
        const left = new Map(this.#scram.get(name));
        left.delete(mechanism);
        if (left.size === 0) this.#scram.delete(name);
        else this.#scram.set(name, left);
        break;
      }
      // These records are not used yet. They remain in the log.
      case "AccessControlEntryRecord":
      case "RemoveAccessControlEntryRecord":
      case "DelegationTokenRecord":
      case "RemoveDelegationTokenRecord":
      case "RegisterControllerRecord":
      case "UnregisterControllerRecord":
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
      const before = this.#byId.get(id);
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

  #clearElr(name: string, changes: Changes): void {
    const names = name === "" ? [...this.#byName.keys()] : [name];
    for (const each of names) {
      const topic = this.#byName.get(each);
      const partitions = topic?.partitions ?? [];
      if (
        partitions.every((it) => it.eligibleLeaderReplicas.length + it.lastKnownElr.length === 0)
      ) {
        continue;
      }
      const draft = this.#draft(topic!.id, changes);
      draft.partitions = draft.partitions.map((it) =>
        it && { ...it, eligibleLeaderReplicas: [], lastKnownElr: [] }
      );
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

  #put(topic: TopicImage): void {
    const { name, id, partitions } = topic;
    const before = this.#byId.get(id);
    this.#byId.set(id, topic);
    this.#byName.set(name, topic);
    this.#partitionCount += partitions.length - (before?.partitions.length ?? 0);
    if (before !== undefined || !/[._]/.test(name)) return;
    const key = collisionName(name);
    const colliding = this.#collisions.get(key);
    if (colliding === undefined) this.#collisions.set(key, new Set([name]));
    else colliding.add(name);
  }

  #remove({ name, id, partitions }: TopicImage): void {
    this.#byId.delete(id);
    if (this.#byName.get(name)?.id === id) this.#byName.delete(name);
    const colliding = this.#collisions.get(collisionName(name));
    colliding?.delete(name);
    if (colliding?.size === 0) this.#collisions.delete(collisionName(name));
    this.#partitionCount -= partitions.length;
  }
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
    featuresChanged: changes.features,
  };
}
