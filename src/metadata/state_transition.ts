/**
 * The difference between two metadata states, as records. A follower that loads a snapshot over the
 * state that it has changes only what differs.
 *
 * @module
 */
import { ConfigResourceType } from "../config/definition.ts";
import { equalValues } from "./equal_values.ts";
import { registerBrokerVersion } from "./features.ts";
import type { TopicImage } from "./image.ts";
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
import { RECORDS_PER_STEP } from "./record_batches.ts";
import type { MetadataRecord } from "./records/metadata_record.ts";

/** Records to apply at once, or null at the end of a step. */
export type TransitionStep = readonly MetadataRecord[] | null;

/**
 * Returns the records that turn `from` into `to`, in groups: deleted topics, then everything but
 * topics, then created and changed topics with the configs of the created ones. `from` must have
 * applied a group before the next is drawn, and change by nothing else. A group that is about a topic
 * is about no other.
 */
export function* transition(
  from: MetadataState,
  to: MetadataState,
): Generator<TransitionStep, void, undefined> {
  yield* deletedTopics(from, to);
  yield* inGroups(changedCluster(from, to));
  yield* inGroups(changedConfigs(from, to));
  yield* inGroups(changedQuotas(from, to));
  yield* inGroups(changedSecurity(from, to));
  yield* changedTopics(from, to);
}

function* deletedTopics(from: MetadataState, to: MetadataState): Generator<TransitionStep> {
  let compared = 0;
  for (const { id } of [...from.topics()]) {
    if (to.topicById(id) === undefined) {
      yield [{ name: "RemoveTopicRecord", version: 0, value: { topicId: id } }];
    }
    if (++compared % RECORDS_PER_STEP === 0) yield null;
  }
}

function* changedTopics(from: MetadataState, to: MetadataState): Generator<TransitionStep> {
  let compared = 0;
  for (const topic of to.topics()) {
    const before = from.topicById(topic.id);
    const records: MetadataRecord[] = [];
    if (before === undefined) {
      records.push(topicRecord(topic));
      for (const [key, value] of to.configs(ConfigResourceType.TOPIC, topic.name)) {
        records.push(configRecord(ConfigResourceType.TOPIC, topic.name, key, value));
      }
    }
    for (const partition of topic.partitions) {
      if (!equalValues(before?.partitions[partition.partition], partition)) {
        records.push(partitionRecord(topic.id, partition));
      }
      if (++compared % RECORDS_PER_STEP === 0) yield null;
    }
    if (records.length > 0) yield records;
  }
}

/** The difference in features, brokers, controllers and producer ids. */
function* changedCluster(from: MetadataState, to: MetadataState): Generator<MetadataRecord | null> {
  for (const name of [...from.features.keys()]) {
    if (!to.features.has(name)) yield featureRecord(name, 0);
  }
  for (const [name, level] of to.features) {
    if (from.features.get(name) !== level) yield featureRecord(name, level);
  }
  for (const { id, epoch } of [...from.brokers()]) {
    if (to.broker(id) !== undefined) continue;
    const value = { brokerId: id, brokerEpoch: epoch };
    yield { name: "UnregisterBrokerRecord", version: 0, value };
  }
  const version = registerBrokerVersion(to);
  for (const broker of to.brokers()) {
    if (!equalValues(from.broker(broker.id), broker)) yield brokerRecord(broker, version);
  }
  for (const { id } of [...from.controllers()]) {
    if (to.controller(id) !== undefined) continue;
    yield { name: "UnregisterControllerRecord", version: 0, value: { controllerId: id } };
  }
  for (const controller of to.controllers()) {
    if (!equalValues(from.controller(controller.id), controller)) {
      yield controllerRecord(controller);
    }
  }
  if (to.producerIds !== null && !equalValues(from.producerIds, to.producerIds)) {
    yield producerIdsRecord(to.producerIds);
  }
}

/** The difference in configs, except those of topics to be created. */
function* changedConfigs(from: MetadataState, to: MetadataState): Generator<MetadataRecord | null> {
  for (const type of [...from.configuredTypes()]) {
    for (const name of [...from.configuredNames(type)]) {
      const after = to.configs(type, name);
      for (const key of from.configs(type, name).keys()) {
        if (!after.has(key)) yield configRecord(type, name, key, null);
      }
      yield null;
    }
  }
  for (const type of to.configuredTypes()) {
    for (const name of to.configuredNames(type)) {
      const topic = type === ConfigResourceType.TOPIC ? to.topicByName(name) : undefined;
      if (isCreated(topic, from)) continue;
      const before = from.configs(type, name);
      for (const [key, value] of to.configs(type, name)) {
        if (before.get(key) !== value) yield configRecord(type, name, key, value);
      }
      yield null;
    }
  }
}

function isCreated(topic: TopicImage | undefined, from: MetadataState): boolean {
  return topic !== undefined && from.topicById(topic.id) === undefined;
}

function* changedQuotas(from: MetadataState, to: MetadataState): Generator<MetadataRecord | null> {
  for (const quota of [...from.clientQuotas()]) {
    const after = to.clientQuota(quota.entity)?.limits;
    for (const key of quota.limits.keys()) {
      if (!after?.has(key)) yield quotaRecord(quota, key, null);
    }
    yield null;
  }
  for (const quota of to.clientQuotas()) {
    const before = from.clientQuota(quota.entity)?.limits;
    for (const [key, limit] of quota.limits) {
      if (!Object.is(before?.get(key), limit)) yield quotaRecord(quota, key, limit);
    }
    yield null;
  }
}

/** The difference in ACLs, credentials and delegation tokens. */
function* changedSecurity(
  from: MetadataState,
  to: MetadataState,
): Generator<MetadataRecord | null> {
  for (const { id } of [...from.acls()]) {
    if (to.acl(id) !== undefined) yield null;
    else yield { name: "RemoveAccessControlEntryRecord", version: 0, value: { id } };
  }
  for (const acl of to.acls()) {
    yield equalValues(from.acl(acl.id), acl) ? null : aclRecord(acl);
  }
  for (const name of [...from.scramUsers()]) {
    const after = to.scramCredentials(name);
    for (const mechanism of from.scramCredentials(name).keys()) {
      if (after.has(mechanism)) yield null;
      else {yield {
          name: "RemoveUserScramCredentialRecord",
          version: 0,
          value: { name, mechanism },
        };}
    }
  }
  for (const name of to.scramUsers()) {
    const before = from.scramCredentials(name);
    for (const [mechanism, credential] of to.scramCredentials(name)) {
      const isSame = before.get(mechanism)?.equals(credential) ?? false;
      yield isSame ? null : scramRecord(name, mechanism, credential);
    }
  }
  for (const { tokenId } of [...from.delegationTokens()]) {
    if (to.delegationToken(tokenId) !== undefined) yield null;
    else yield { name: "RemoveDelegationTokenRecord", version: 0, value: { tokenId } };
  }
  for (const token of to.delegationTokens()) {
    const isSame = equalValues(from.delegationToken(token.tokenId), token);
    yield isSame ? null : delegationTokenRecord(token);
  }
}

/** Groups records. Null counts as a comparison without a record. */
function* inGroups(
  changes: Generator<MetadataRecord | null>,
): Generator<TransitionStep, void, undefined> {
  let group: MetadataRecord[] = [];
  let compared = 0;
  for (const record of changes) {
    if (record !== null) group.push(record);
    if (++compared % RECORDS_PER_STEP !== 0) continue;
    yield group.length > 0 ? group : null;
    group = [];
  }
  if (group.length > 0) yield group;
}
