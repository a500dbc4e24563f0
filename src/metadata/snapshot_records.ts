/**
 * The records that rebuild a metadata state, in the order of Apache Kafka's snapshots.
 *
 * @module
 */
import type { ClientQuota } from "./client_quotas.ts";
import { METADATA_VERSION_FEATURE, registerBrokerVersion } from "./features.ts";
import type {
  AclImage,
  BrokerImage,
  ControllerImage,
  DelegationTokenImage,
  ProducerIdsImage,
  TopicImage,
} from "./image.ts";
import {
  aclRecord,
  brokerRecord,
  configRecord,
  controllerRecord,
  delegationTokenRecord,
  featureRecord,
  partitionRecord,
  producerIdsRecord,
  quotaRecord,
  scramRecord,
  topicRecord,
} from "./image_records.ts";
import type { MetadataState } from "./metadata_state.ts";
import type { MetadataRecord } from "./records/metadata_record.ts";
import type { ScramCredentialsOfUser } from "./scram_credentials.ts";

/** The configs of all resources of one type, the names and their configs in the same order. */
interface CapturedConfigs {
  readonly type: number;
  readonly names: readonly string[];
  readonly values: readonly ReadonlyMap<string, string>[];
}

/**
 * The contents of a metadata state at one moment. The state may change while they are read, since
 * its values are immutable: only the lists of them are copied.
 */
export class CapturedState {
  readonly #features: readonly (readonly [string, number])[];
  readonly #brokers: readonly BrokerImage[];
  readonly #controllers: readonly ControllerImage[];
  readonly #topics: readonly TopicImage[];
  readonly #configs: readonly CapturedConfigs[];
  readonly #clientQuotas: readonly ClientQuota[];
  readonly #producerIds: ProducerIdsImage | null;
  readonly #acls: readonly AclImage[];
  readonly #scram: readonly (readonly [string, ScramCredentialsOfUser])[];
  readonly #delegationTokens: readonly DelegationTokenImage[];

  /** Captures `state`, which must not be between two topics of a batch. */
  constructor(state: MetadataState) {
    this.#features = [...state.features];
    this.#brokers = [...state.brokers()];
    this.#controllers = [...state.controllers()];
    this.#topics = [...state.topics()];
    this.#configs = Array.from(state.configuredTypes(), (type) => ({
      type,
      names: [...state.configuredNames(type)],
      values: [...state.configuredValues(type)],
    }));
    this.#clientQuotas = [...state.clientQuotas()];
    this.#producerIds = state.producerIds;
    this.#acls = [...state.acls()];
    this.#scram = Array.from(
      state.scramUsers(),
      (user) => [user, state.scramCredentials(user)] as const,
    );
    this.#delegationTokens = [...state.delegationTokens()];
  }

  /** Returns the records, each made when it is drawn. `metadata.version` comes first. */
  *records(): Generator<MetadataRecord, void, undefined> {
    const level = this.#features.find(([name]) => name === METADATA_VERSION_FEATURE);
    if (level !== undefined) yield featureRecord(...level);
    for (const [name, level] of this.#features) {
      if (name !== METADATA_VERSION_FEATURE) yield featureRecord(name, level);
    }
    const version = registerBrokerVersion({ features: new Map(this.#features) });
    for (const broker of this.#brokers) yield brokerRecord(broker, version);
    for (const controller of this.#controllers) yield controllerRecord(controller);
    for (const topic of this.#topics) {
      yield topicRecord(topic);
      for (const partition of topic.partitions) yield partitionRecord(topic.id, partition);
    }
    for (const { type, names, values } of this.#configs) {
      for (let at = 0; at < names.length; at++) {
        for (const [key, value] of values[at]!) yield configRecord(type, names[at]!, key, value);
      }
    }
    for (const quota of this.#clientQuotas) {
      for (const [key, limit] of quota.limits) yield quotaRecord(quota, key, limit);
    }
    if (this.#producerIds !== null) yield producerIdsRecord(this.#producerIds);
    for (const acl of this.#acls) yield aclRecord(acl);
    for (const [user, credentials] of this.#scram) {
      for (const [mechanism, credential] of credentials) {
        yield scramRecord(user, mechanism, credential);
      }
    }
    for (const token of this.#delegationTokens) yield delegationTokenRecord(token);
  }
}
