/**
 * The records that describe the values of a metadata image, in the versions of Apache Kafka 4.4. Every
 * supported level of `metadata.version` allows these versions.
 *
 * @module
 */
import type { ClientQuota } from "./client_quotas.ts";
import type {
  AclImage,
  BrokerImage,
  ControllerImage,
  DelegationTokenImage,
  FeatureRange,
  PartitionImage,
  ProducerIdsImage,
  TopicImage,
} from "./image.ts";
import type { MetadataRecord } from "./records/metadata_record.ts";
import type { ScramCredential } from "./scram_credentials.ts";

/** The version of RegisterBrokerRecords that adds cordoned log directories. */
const VERSION_WITH_CORDONED_DIRECTORIES = 4;

/** Returns the record of a feature's level; level 0 removes it. */
export function featureRecord(name: string, featureLevel: number): MetadataRecord {
  return { name: "FeatureLevelRecord", version: 0, value: { name, featureLevel } };
}

/**
 * Returns the record of a broker's registration in its current state, of `version` unless that lacks a field
 * that is set.
 */
export function brokerRecord(broker: BrokerImage, version: number): MetadataRecord {
  return {
    name: "RegisterBrokerRecord",
    version: broker.cordonedLogDirs === null ? version : VERSION_WITH_CORDONED_DIRECTORIES,
    value: {
      brokerId: broker.id,
      isMigratingZkBroker: broker.isMigratingZkBroker,
      incarnationId: broker.incarnationId,
      brokerEpoch: broker.epoch,
      endPoints: [...broker.endpoints],
      features: featureList(broker.features),
      rack: broker.rack,
      fenced: broker.fenced,
      inControlledShutdown: broker.inControlledShutdown,
      logDirs: [...broker.logDirs],
      cordonedLogDirs: broker.cordonedLogDirs && [...broker.cordonedLogDirs],
    },
  };
}

/** Returns the record of a controller's registration. */
export function controllerRecord(controller: ControllerImage): MetadataRecord {
  return {
    name: "RegisterControllerRecord",
    version: 0,
    value: {
      controllerId: controller.id,
      incarnationId: controller.incarnationId,
      zkMigrationReady: controller.zkMigrationReady,
      endPoints: [...controller.endpoints],
      features: featureList(controller.features),
    },
  };
}

/** Returns the record of a topic, without its partitions. */
export function topicRecord({ name, id }: TopicImage): MetadataRecord {
  return { name: "TopicRecord", version: 0, value: { name, topicId: id } };
}

/** Returns the record of a partition in its current state. */
export function partitionRecord(topicId: string, partition: PartitionImage): MetadataRecord {
  return {
    name: "PartitionRecord",
    version: 2,
    value: {
      partitionId: partition.partition,
      topicId,
      replicas: [...partition.replicas],
      isr: [...partition.isr],
      removingReplicas: [...partition.removingReplicas],
      addingReplicas: [...partition.addingReplicas],
      leader: partition.leader,
      leaderRecoveryState: partition.leaderRecoveryState,
      leaderEpoch: partition.leaderEpoch,
      partitionEpoch: partition.partitionEpoch,
      directories: [...partition.directories],
      eligibleLeaderReplicas: orNull(partition.eligibleLeaderReplicas),
      lastKnownElr: orNull(partition.lastKnownElr),
    },
  };
}

/** Returns the record of a config; null removes it. */
export function configRecord(
  resourceType: number,
  resourceName: string,
  name: string,
  value: string | null,
): MetadataRecord {
  return { name: "ConfigRecord", version: 0, value: { resourceType, resourceName, name, value } };
}

/** Returns the record of one limit of an entity; null removes it. */
export function quotaRecord(
  { entity }: ClientQuota,
  key: string,
  limit: number | null,
): MetadataRecord {
  return {
    name: "ClientQuotaRecord",
    version: 0,
    value: {
      entity: Array.from(entity, ([entityType, entityName]) => ({ entityType, entityName })),
      key,
      value: limit ?? 0,
      remove: limit === null,
    },
  };
}

/** Returns the record of the last allocation of producer ids. */
export function producerIdsRecord(value: ProducerIdsImage): MetadataRecord {
  return { name: "ProducerIdsRecord", version: 0, value };
}

/** Returns the record of an ACL. */
export function aclRecord(value: AclImage): MetadataRecord {
  return { name: "AccessControlEntryRecord", version: 0, value };
}

/** Returns the record of a user's credential. */
export function scramRecord(
  name: string,
  mechanism: number,
  { salt, storedKey, serverKey, iterations }: ScramCredential,
): MetadataRecord {
  return {
    name: "UserScramCredentialRecord",
    version: 0,
    value: { name, mechanism, salt, storedKey, serverKey, iterations },
  };
}

/** Returns the record of a delegation token. */
export function delegationTokenRecord(value: DelegationTokenImage): MetadataRecord {
  return { name: "DelegationTokenRecord", version: 0, value };
}

function featureList(features: ReadonlyMap<string, FeatureRange>) {
  return Array.from(features, ([name, { min, max }]) => ({
    name,
    minSupportedVersion: min,
    maxSupportedVersion: max,
  }));
}

/** Returns null for an empty list, as Kafka omits the field then. */
function orNull<Item>(list: readonly Item[]): Item[] | null {
  return list.length === 0 ? null : [...list];
}
