/**
 * Random changes of a cluster's metadata, and a text of everything that a state holds.
 *
 * @module
 */
import { ConfigResourceType } from "../../src/config/definition.ts";
import { collisionName, type TopicImage } from "../../src/metadata/image.ts";
import type { MetadataState } from "../../src/metadata/metadata_state.ts";
import type { MetadataRecordInput } from "../../src/metadata/records/metadata_record.ts";
import type { Chance } from "../protocol/chance.ts";
import { config, topic } from "./fixture.ts";

const NAMES = ["a", "b.c", "b_c", "d", "e", "f.g"];
const KEYS = ["retention.ms", "cleanup.policy", "segment.bytes"];
const TYPES = [ConfigResourceType.TOPIC, ConfigResourceType.BROKER, 16, 32];

/** Draws changes that are valid for the state to which all earlier ones have been applied. */
export class RandomRecords {
  readonly #chance: Chance;
  #ids = 0;

  constructor(chance: Chance) {
    this.#chance = chance;
  }

  /** Returns the records of one batch. */
  next(state: MetadataState): MetadataRecordInput[] {
    switch (this.#chance.below(16)) {
      case 0:
      case 1:
      case 2:
        return this.#createTopic(state);
      case 3:
      case 4:
        return this.#withTopic(state, (image) => [this.#changePartition(image)]);
      case 5:
        return this.#withTopic(
          state,
          ({ id, partitions }) => [this.#partition(id, partitions.length)],
        );
      case 6:
        return this.#withTopic(
          state,
          ({ id }) => [{ name: "RemoveTopicRecord", value: { topicId: id } }],
        );
      case 7:
        return this.#withTopic(state, ({ name }) => [
          { name: "ClearElrRecord", value: { topicName: this.#chance.oneIn(2) ? "" : name } },
        ]);
      case 8:
      case 9:
        return [this.#config(state)];
      case 10:
        return [this.#feature()];
      case 11:
        return [this.#quota()];
      case 12:
      case 13:
        return [this.#broker(state)];
      case 14:
        return [this.#security(state)];
      default:
        return [this.#other(state)];
    }
  }

  #pick<Item>(items: readonly Item[]): Item {
    return this.#chance.pick(items);
  }

  #newId(): string {
    return `${String(++this.#ids).padStart(21, "a")}A`;
  }

  #someIds(): string[] {
    return Array.from({ length: this.#chance.below(3) }, () => this.#newId());
  }

  #nodes(): number[] {
    return [1, 2, 3, 4].filter(() => this.#chance.oneIn(2));
  }

  #text(): string | null {
    return this.#chance.oneIn(3) ? null : String(this.#chance.below(3));
  }

  /** A controller accepts the configs of existing topics only; "orphan" stands for older logs. */
  #config(state: MetadataState): MetadataRecordInput {
    const type = this.#pick(TYPES);
    const names = type === ConfigResourceType.TOPIC
      ? [...Array.from(state.topics(), ({ name }) => name), "orphan"]
      : ["", "1", "a"];
    return config(type, this.#pick(names), this.#pick(KEYS), this.#text());
  }

  #withTopic(
    state: MetadataState,
    change: (topic: TopicImage) => MetadataRecordInput[],
  ): MetadataRecordInput[] {
    const topics = [...state.topics()];
    return topics.length === 0 ? this.#createTopic(state) : change(this.#pick(topics));
  }

  #createTopic(state: MetadataState): MetadataRecordInput[] {
    const name = this.#pick(NAMES);
    if (state.topicByName(name) !== undefined) return [{ name: "NoOpRecord", value: {} }];
    const id = this.#newId();
    return [
      topic(name, id),
      config(ConfigResourceType.TOPIC, name, this.#pick(KEYS), this.#text()),
      ...Array.from({ length: this.#chance.below(4) }, (_, index) => this.#partition(id, index)),
    ];
  }

  /** Returns a directory of each replica. */
  #directories(replicas: readonly number[]): string[] {
    return replicas.map(() => this.#newId());
  }

  #partition(topicId: string, partitionId: number): MetadataRecordInput {
    const replicas = this.#nodes();
    return {
      name: "PartitionRecord",
      value: {
        partitionId,
        topicId,
        replicas,
        isr: this.#nodes(),
        removingReplicas: this.#nodes(),
        addingReplicas: this.#nodes(),
        leader: this.#chance.below(4) - 1,
        leaderRecoveryState: this.#chance.below(2),
        leaderEpoch: this.#chance.below(5),
        partitionEpoch: this.#chance.below(5),
        directories: this.#directories(replicas),
        eligibleLeaderReplicas: this.#nodes(),
        lastKnownElr: this.#nodes(),
      },
    };
  }

  #changePartition({ id, partitions }: TopicImage): MetadataRecordInput {
    if (partitions.length === 0) return this.#partition(id, 0);
    const nodes = () => this.#chance.oneIn(3) ? this.#nodes() : null;
    const partition = this.#pick(partitions);
    const replicas = nodes();
    return {
      name: "PartitionChangeRecord",
      value: {
        partitionId: partition.partition,
        topicId: id,
        isr: nodes(),
        leader: this.#chance.below(5) - 2,
        replicas,
        removingReplicas: nodes(),
        addingReplicas: nodes(),
        leaderRecoveryState: this.#chance.below(3) - 1,
        directories: replicas !== null || this.#chance.oneIn(3)
          ? this.#directories(replicas ?? partition.replicas)
          : null,
        eligibleLeaderReplicas: nodes(),
        lastKnownElr: nodes(),
      },
    };
  }

  #feature(): MetadataRecordInput {
    const name = this.#pick(["group.version", "metadata.version", "share.version"]);
    const featureLevel = name === "metadata.version"
      ? 30 + this.#chance.below(4)
      : this.#chance.below(3);
    return { name: "FeatureLevelRecord", value: { name, featureLevel } };
  }

  #quota(): MetadataRecordInput {
    const user = { entityType: "user", entityName: this.#pick(["ann", null]) };
    const client = { entityType: "client-id", entityName: this.#pick(["app", null]) };
    return {
      name: "ClientQuotaRecord",
      value: {
        entity: this.#pick([[user], [client], [user, client], [client, user]]),
        key: this.#pick(["producer_byte_rate", "consumer_byte_rate"]),
        value: this.#chance.below(5) / 2,
        remove: this.#chance.oneIn(3),
      },
    };
  }

  #endpoints(): { name: string; host: string; port: number; securityProtocol: number }[] {
    return ["IN", "OUT"].filter(() => this.#chance.oneIn(2)).map((name) => ({
      name,
      host: this.#pick(["one", "two"]),
      port: this.#chance.below(65_536),
      securityProtocol: this.#chance.below(4),
    }));
  }

  #features(): { name: string; minSupportedVersion: number; maxSupportedVersion: number }[] {
    return ["kraft.version", "group.version"].filter(() => this.#chance.oneIn(2)).map((name) => ({
      name,
      minSupportedVersion: this.#chance.below(2),
      maxSupportedVersion: 1 + this.#chance.below(2),
    }));
  }

  #broker(state: MetadataState): MetadataRecordInput {
    const brokers = [...state.brokers()];
    if (brokers.length === 0 || this.#chance.oneIn(2)) {
      return {
        name: "RegisterBrokerRecord",
        value: {
          brokerId: 1 + this.#chance.below(4),
          isMigratingZkBroker: this.#chance.oneIn(2),
          incarnationId: this.#newId(),
          brokerEpoch: this.#chance.below(100),
          endPoints: this.#endpoints(),
          features: this.#features(),
          rack: this.#pick([null, "", "left"]),
          fenced: this.#chance.oneIn(2),
          inControlledShutdown: this.#chance.oneIn(2),
          logDirs: this.#someIds(),
          cordonedLogDirs: this.#pick([null, [], this.#someIds()]),
        },
      };
    }
    const { id, epoch } = this.#pick(brokers);
    switch (this.#chance.below(4)) {
      case 0:
        return { name: "UnregisterBrokerRecord", value: { brokerId: id, brokerEpoch: epoch } };
      case 1:
        return { name: "FenceBrokerRecord", value: { id, epoch } };
      case 2:
        return { name: "UnfenceBrokerRecord", value: { id, epoch } };
      default:
        return {
          name: "BrokerRegistrationChangeRecord",
          value: {
            brokerId: id,
            brokerEpoch: epoch,
            fenced: this.#chance.below(3) - 1,
            inControlledShutdown: this.#chance.below(2),
            logDirs: this.#someIds(),
            cordonedLogDirs: this.#pick([null, [], this.#someIds()]),
          },
        };
    }
  }

  #security(state: MetadataState): MetadataRecordInput {
    const user = { name: this.#pick(["ann", "bob"]), mechanism: 1 + this.#chance.below(2) };
    const acls = [...state.acls()];
    const tokenId = this.#pick(["t1", "t2"]);
    switch (this.#chance.below(6)) {
      case 0:
        return {
          name: "UserScramCredentialRecord",
          value: {
            ...user,
            salt: this.#chance.bytes(this.#chance.below(3)),
            storedKey: this.#chance.bytes(this.#chance.below(3)),
            serverKey: this.#chance.bytes(this.#chance.below(3)),
            iterations: 4096 + this.#chance.below(2),
          },
        };
      case 1:
        return { name: "RemoveUserScramCredentialRecord", value: user };
      case 2:
        return {
          name: "DelegationTokenRecord",
          value: {
            owner: "User:ann",
            requester: this.#pick(["User:ann", "User:bob"]),
            renewers: this.#pick([[], ["User:bob"]]),
            issueTimestamp: 1,
            maxTimestamp: 9,
            expirationTimestamp: this.#chance.below(9),
            tokenId,
          },
        };
      case 3:
        return { name: "RemoveDelegationTokenRecord", value: { tokenId } };
      case 4:
        if (acls.length > 0) {
          return {
            name: "RemoveAccessControlEntryRecord",
            value: { id: this.#pick(acls).id },
          };
        }
    }
    return {
      name: "AccessControlEntryRecord",
      value: {
        id: this.#newId(),
        resourceType: 2,
        resourceName: this.#pick(NAMES),
        patternType: 3,
        principal: this.#pick(["User:ann", "User:bob"]),
        host: "*",
        operation: this.#chance.below(9),
        permissionType: 3,
      },
    };
  }

  #other(state: MetadataState): MetadataRecordInput {
    const controllerId = 1 + this.#chance.below(3);
    switch (this.#chance.below(3)) {
      case 0:
        return {
          name: "RegisterControllerRecord",
          value: {
            controllerId,
            incarnationId: this.#newId(),
            zkMigrationReady: this.#chance.oneIn(2),
            endPoints: this.#endpoints(),
            features: this.#features(),
          },
        };
      case 1:
        return { name: "UnregisterControllerRecord", value: { controllerId } };
      default:
        return {
          name: "ProducerIdsRecord",
          value: {
            brokerId: controllerId,
            brokerEpoch: this.#chance.below(9),
            nextProducerId: state.nextProducerId + 1000,
          },
        };
    }
  }
}

/** Returns everything that the state holds, as text in an order that does not depend on its history. */
export function dump(state: MetadataState): string[] {
  const lines: unknown[] = [];
  for (const [name, level] of state.features) lines.push(["feature", name, level]);
  for (const broker of state.brokers()) lines.push(["broker", broker]);
  for (const controller of state.controllers()) lines.push(["controller", controller]);
  for (const image of state.topics()) {
    lines.push(["topic", image.name, image, state.topicByName(image.name) === image]);
    const other = state.topicCollidingWith(image.name);
    lines.push(["collides", image.name, other && collisionName(other)]);
  }
  for (const type of state.configuredTypes()) {
    for (const name of state.configuredNames(type)) {
      lines.push(["config", type, name, [...state.configs(type, name)].sort()]);
    }
  }
  for (const { entity, limits } of state.clientQuotas()) {
    lines.push(["quota", [...entity], [...limits].sort()]);
  }
  for (const user of state.scramUsers()) {
    for (const [mechanism, credential] of state.scramCredentials(user)) {
      const { salt, storedKey, serverKey, iterations } = credential;
      lines.push(["scram", user, mechanism, salt, storedKey, serverKey, iterations]);
    }
  }
  for (const acl of state.acls()) lines.push(["acl", acl]);
  for (const token of state.delegationTokens()) lines.push(["token", token]);
  lines.push(["producer ids", state.producerIds, state.nextProducerId]);
  lines.push(["counts", state.topicCount, state.partitionCount]);
  return lines.map((line) => JSON.stringify(line, plain)).sort();
}

/** Makes JSON of maps and bytes. */
function plain(_key: string, value: unknown): unknown {
  if (value instanceof Map) return [...value].sort();
  if (value instanceof Uint8Array) return [...value];
  return value;
}
