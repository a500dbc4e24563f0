/**
 * Decisions about configs: of topics, of brokers, and of every broker at once.
 *
 * @module
 */
import { type BrokerConfig, checkDynamicBrokerConfig } from "../config/broker_config.ts";
import { BROKER_KEYS } from "../config/broker_keys.ts";
import { ConfigResourceType, invalidConfig, splitList } from "../config/definition.ts";
import {
  checkTopicConfig,
  checkTopicConfigsTogether,
  describeTopicConfig,
} from "../config/topic_config.ts";
import { TOPIC_KEYS } from "../config/topic_keys.ts";
import type { MetadataImage } from "../metadata/image.ts";
import type { MetadataRecordInput } from "../metadata/records/metadata_record.ts";
import { ErrorCode, KafkaError } from "../protocol/errors.ts";
import {
  type Decision,
  duplicatesOf,
  failure,
  type Outcome,
  outcomeOf,
  SUCCESS,
} from "./decision.ts";
import { checkTopicName } from "./topic_names.ts";

/** What an incremental change does with a value: the numbers of KIP-339. */
export const ConfigOperation = { SET: 0, DELETE: 1, APPEND: 2, SUBTRACT: 3 } as const;

/** One change of a config. */
export interface ConfigChange {
  readonly name: string;
  /** One of {@linkcode ConfigOperation}. */
  readonly operation: number;
  /** Not looked at for DELETE. */
  readonly value: string | null;
}

/** Changes of one resource's configs, which happen together or not at all. */
export interface ConfigChanges {
  /** One of {@linkcode ConfigResourceType}. */
  readonly resourceType: number;
  /** A topic's name; a broker's id, or "" for every broker. */
  readonly resourceName: string;
  readonly changes: readonly ConfigChange[];
}

/** All configs that a resource is to have. */
export interface ConfigReplacement {
  readonly resourceType: number;
  readonly resourceName: string;
  readonly configs: readonly { readonly name: string; readonly value: string | null }[];
}

/** How changing a resource's configs went. */
export interface AlterConfigsResult extends Outcome {
  readonly resourceType: number;
  readonly resourceName: string;
}

/** What config changes are decided from. */
export interface ConfigContext {
  readonly image: MetadataImage;
  readonly config: BrokerConfig;
}

/**
 * Decides about each resource by itself. INVALID_REQUEST for a resource or key that is named twice,
 * a missing value, a broker key that is fixed while the broker runs and a resource without configs;
 * INVALID_CONFIG for a key or value that cannot be; UNKNOWN_TOPIC_OR_PARTITION.
 */
export function decideIncrementalAlterConfigs(
  resources: readonly ConfigChanges[],
  context: ConfigContext,
): Decision<AlterConfigsResult> {
  return decideEach(resources, (resource) => {
    checkResource(resource, resource.changes, context);
    const before = context.image.configs(resource.resourceType, resource.resourceName);
    const after = new Map(before);
    for (const change of resource.changes) {
      const value = newValue(resource, change, before.get(change.name) ?? null, context);
      if (value === null) after.delete(change.name);
      else {
        checkValue(resource.resourceType, change.name, value);
        after.set(change.name, value);
      }
    }
    return after;
  }, context);
}

/** Decides as {@linkcode decideIncrementalAlterConfigs} does; keys not named lose their value. */
export function decideAlterConfigs(
  resources: readonly ConfigReplacement[],
  context: ConfigContext,
): Decision<AlterConfigsResult> {
  return decideEach(resources, (resource) => {
    checkResource(resource, resource.configs, context);
    const after = new Map<string, string>();
    for (const { name, value } of resource.configs) {
      if (value === null) throw withoutValue(name);
      checkValue(resource.resourceType, name, value);
      after.set(name, value);
    }
    return after;
  }, context);
}

function decideEach<R extends { readonly resourceType: number; readonly resourceName: string }>(
  resources: readonly R[],
  configsAfter: (resource: R) => ReadonlyMap<string, string>,
  context: ConfigContext,
): Decision<AlterConfigsResult> {
  const { image } = context;
  const records: MetadataRecordInput[] = [];
  const results: AlterConfigsResult[] = [];
  const keyOf = (resource: R) => `${resource.resourceType} ${resource.resourceName}`;
  const duplicates = duplicatesOf(resources.map(keyOf));
  for (const resource of resources) {
    const { resourceType, resourceName } = resource;
    let outcome: Outcome;
    if (duplicates.has(keyOf(resource))) {
      outcome = failure(
        ErrorCode.INVALID_REQUEST,
        `Cannot alter the configs of "${resourceName}": the request names it more than once`,
      );
    } else {
      try {
        const after = configsAfter(resource);
        checkTogether(resource, after, context);
        records.push(...differences(resource, image.configs(resourceType, resourceName), after));
        outcome = SUCCESS;
      } catch (error) {
        outcome = outcomeOf(error);
      }
    }
    results.push({ resourceType, resourceName, ...outcome });
  }
  return { records, results };
}

function differences(
  { resourceType, resourceName }: { readonly resourceType: number; readonly resourceName: string },
  before: ReadonlyMap<string, string>,
  after: ReadonlyMap<string, string>,
): MetadataRecordInput[] {
  const records: MetadataRecordInput[] = [];
  const add = (name: string, value: string | null) =>
    records.push({ name: "ConfigRecord", value: { resourceType, resourceName, name, value } });
  for (const [name, value] of after) if (before.get(name) !== value) add(name, value);
  for (const name of before.keys()) if (!after.has(name)) add(name, null);
  return records;
}

function checkResource(
  { resourceType, resourceName }: { readonly resourceType: number; readonly resourceName: string },
  configs: readonly { readonly name: string }[],
  { image }: ConfigContext,
): void {
  const what = `Cannot alter the configs of "${resourceName}"`;
  const [duplicate] = duplicatesOf(configs.map((config) => config.name));
  if (duplicate !== undefined) {
    throw new KafkaError(ErrorCode.INVALID_REQUEST, `${what}: "${duplicate}" is there twice`);
  }
  switch (resourceType) {
    case ConfigResourceType.TOPIC:
      if (resourceName === "") {
        throw new KafkaError(ErrorCode.INVALID_REQUEST, `${what}: name a topic`);
      }
      checkTopicName(resourceName);
      if (image.topicByName(resourceName) === undefined) {
        throw new KafkaError(
          ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
          `${what}: no such topic exists`,
        );
      }
      break;
    case ConfigResourceType.BROKER:
      if (resourceName !== "") requireBroker(what, resourceName, image);
      break;
    case ConfigResourceType.BROKER_LOGGER:
      throw new KafkaError(
        ErrorCode.INVALID_REQUEST,
        `${what}: the broker's loggers have no levels that could be set`,
      );
    case ConfigResourceType.CLIENT_METRICS:
    case ConfigResourceType.GROUP:
      throw new KafkaError(
        ErrorCode.INVALID_REQUEST,
        `${what}: this version has no configs of ` +
          (resourceType === ConfigResourceType.GROUP ? "groups" : "client metrics"),
      );
    default:
      throw new KafkaError(
        ErrorCode.INVALID_REQUEST,
        `${what}: resource type ${resourceType} is not known`,
      );
  }
}

function requireBroker(what: string, name: string, image: MetadataImage): void {
  if (!/^\d{1,10}$/.test(name) || image.broker(Number(name)) === undefined) {
    const ids = [...image.brokers()].map((broker) => broker.id).join(", ");
    throw new KafkaError(
      ErrorCode.INVALID_REQUEST,
      `${what}: it is no broker of this cluster, which has ${ids}; "" is for every broker`,
    );
  }
}

function newValue(
  { resourceType, resourceName }: ConfigChanges,
  { name, operation, value }: ConfigChange,
  before: string | null,
  context: ConfigContext,
): string | null {
  if (operation === ConfigOperation.DELETE) return null;
  if (value === null) throw withoutValue(name);
  if (operation === ConfigOperation.SET) return value;
  if (operation !== ConfigOperation.APPEND && operation !== ConfigOperation.SUBTRACT) {
    throw new KafkaError(
      ErrorCode.INVALID_REQUEST,
      `Cannot alter "${name}": operation ${operation} is not known`,
    );
  }
  const isTopic = resourceType === ConfigResourceType.TOPIC;
  const definition = (isTopic ? TOPIC_KEYS : BROKER_KEYS).get(name);
  if (definition === undefined) {
    checkValue(resourceType, name, value);
    return null;
  }
  if (definition.type !== "list") {
    throw invalidConfig(name, value, "only a list can be added to or taken from");
  }
  const inForce = before ??
    (isTopic
      ? describeTopicConfig(name, context.image.configs(resourceType, resourceName), context.config)
        .value
      : context.config.text(name));
  const elements = splitList(inForce ?? "");
  const operands = splitList(value);
  return operation === ConfigOperation.APPEND
    ? [...new Set([...elements, ...operands])].join(",")
    : elements.filter((element) => !operands.includes(element)).join(",");
}

function checkValue(resourceType: number, name: string, value: string): void {
  if (resourceType === ConfigResourceType.TOPIC) checkTopicConfig(name, value);
  else checkDynamicBrokerConfig(name, value);
}

/** Checks that what a resource is to have, `after`, fits together. */
function checkTogether(
  { resourceType, resourceName }: { readonly resourceType: number; readonly resourceName: string },
  after: ReadonlyMap<string, string>,
  { image, config }: ConfigContext,
): void {
  if (resourceType === ConfigResourceType.TOPIC) return checkTopicConfigsTogether(after, config);
  const nodeId = String(config.nodeId);
  const configsOf = (name: string) =>
    name === resourceName ? after : image.configs(resourceType, name);
  if (resourceName === "" || resourceName === nodeId) {
    config.checkDynamic(configsOf(""), configsOf(nodeId));
  }
}

function withoutValue(name: string): KafkaError {
  return new KafkaError(
    ErrorCode.INVALID_REQUEST,
    `Cannot set "${name}": it has no value; delete it to go back to its default`,
  );
}
