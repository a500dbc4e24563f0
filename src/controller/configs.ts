/**
 * Decisions about the configs of topics, of single brokers and of all brokers.
 *
 * @module
 */
import type { BrokerConfig } from "../config/broker_config.ts";
import { BROKER_KEYS } from "../config/broker_keys.ts";
import { checkDynamicBrokerConfig } from "../config/dynamic_values.ts";
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
import type { Steps } from "../protocol/records/compression/steps.ts";
import {
  type Decision,
  duplicatesOf,
  failure,
  inSteps,
  type Outcome,
  outcomeOf,
  SUCCESS,
} from "./decision.ts";
import { checkTopicName } from "./topic_names.ts";

/** The operation of an incremental change, numbered as in KIP-339. */
export const ConfigOperation = { SET: 0, DELETE: 1, APPEND: 2, SUBTRACT: 3 } as const;

/** A change of one config. */
export interface ConfigChange {
  readonly name: string;
  /** One of {@linkcode ConfigOperation}. */
  readonly operation: number;
  /** Ignored for DELETE. */
  readonly value: string | null;
}

/** Changes of one resource's configs. They are applied together or not at all. */
export interface ConfigChanges {
  /** One of {@linkcode ConfigResourceType}. */
  readonly resourceType: number;
  /** A topic name, the id of a broker or a controller, or "" for all of them. */
  readonly resourceName: string;
  readonly changes: readonly ConfigChange[];
}

/** The complete new configs of a resource. */
export interface ConfigReplacement {
  readonly resourceType: number;
  readonly resourceName: string;
  readonly configs: readonly { readonly name: string; readonly value: string | null }[];
}

/** The outcome of changing a resource's configs. */
export interface AlterConfigsResult extends Outcome {
  readonly resourceType: number;
  readonly resourceName: string;
}

/** The inputs of config decisions. */
export interface ConfigContext {
  readonly image: MetadataImage;
  readonly config: BrokerConfig;
}

/**
 * Decides the changes of each resource independently. Errors: INVALID_REQUEST for a resource or key
 * named twice, a missing value, a broker key that is read-only at run time and a resource without
 * configs; INVALID_CONFIG for an invalid key or value; UNKNOWN_TOPIC_OR_PARTITION.
 */
export function decideIncrementalAlterConfigs(
  resources: readonly ConfigChanges[],
  context: ConfigContext,
): Steps<Decision<AlterConfigsResult>> {
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

/**
 * Like {@linkcode decideIncrementalAlterConfigs}, but removes the values of keys that are not
 * named.
 */
export function decideAlterConfigs(
  resources: readonly ConfigReplacement[],
  context: ConfigContext,
): Steps<Decision<AlterConfigsResult>> {
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

function* decideEach<R extends { readonly resourceType: number; readonly resourceName: string }>(
  resources: readonly R[],
  configsAfter: (resource: R) => ReadonlyMap<string, string>,
  context: ConfigContext,
): Steps<Decision<AlterConfigsResult>> {
  const { image } = context;
  const records: MetadataRecordInput[] = [];
  const results: AlterConfigsResult[] = [];
  const keyOf = (resource: R) => `${resource.resourceType} ${resource.resourceName}`;
  const duplicates = duplicatesOf(resources.map(keyOf));
  yield* inSteps(resources, (resource) => {
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
        checkConsistency(resource, after, context);
        records.push(...differences(resource, image.configs(resourceType, resourceName), after));
        outcome = SUCCESS;
      } catch (error) {
        outcome = outcomeOf(error);
      }
    }
    results.push({ resourceType, resourceName, ...outcome });
  });
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
  const action = `Cannot alter the configs of "${resourceName}"`;
  const [duplicate] = duplicatesOf(configs.map((config) => config.name));
  if (duplicate !== undefined) {
    throw new KafkaError(ErrorCode.INVALID_REQUEST, `${action}: "${duplicate}" is given twice`);
  }
  switch (resourceType) {
    case ConfigResourceType.TOPIC:
      if (resourceName === "") {
        throw new KafkaError(ErrorCode.INVALID_REQUEST, `${action}: the topic name is missing`);
      }
      checkTopicName(resourceName);
      if (image.topicByName(resourceName) === undefined) {
        throw new KafkaError(
          ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
          `${action}: no such topic exists`,
        );
      }
      break;
    case ConfigResourceType.BROKER:
      if (resourceName !== "") requireNode(action, resourceName, image);
      break;
    case ConfigResourceType.BROKER_LOGGER:
      throw new KafkaError(
        ErrorCode.INVALID_REQUEST,
        `${action}: setting log levels of broker loggers is not supported`,
      );
    case ConfigResourceType.CLIENT_METRICS:
    case ConfigResourceType.GROUP:
      throw new KafkaError(
        ErrorCode.INVALID_REQUEST,
        `${action}: this version does not support configs of ` +
          (resourceType === ConfigResourceType.GROUP ? "groups" : "client metrics"),
      );
    default:
      throw new KafkaError(
        ErrorCode.INVALID_REQUEST,
        `${action}: unknown resource type ${resourceType}`,
      );
  }
}

/** Throws unless `name` is the id of a registered broker or controller. */
function requireNode(action: string, name: string, image: MetadataImage): void {
  if (!/^\d{1,10}$/.test(name)) {
    throw new KafkaError(
      ErrorCode.INVALID_REQUEST,
      `${action}: it is no id of a broker or a controller; use "" for all of them`,
    );
  }
  const id = Number(name);
  if (image.broker(id) !== undefined || image.controller(id) !== undefined) return;
  const ids = [...image.brokers(), ...image.controllers()].map((node) => node.id);
  throw new KafkaError(
    ErrorCode.BROKER_ID_NOT_REGISTERED,
    `${action}: no such broker or controller is registered, the cluster has ${
      [...new Set(ids)].join(", ")
    }; use "" for all of them`,
  );
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
      `Cannot alter "${name}": unknown operation ${operation}`,
    );
  }
  const isTopic = resourceType === ConfigResourceType.TOPIC;
  const definition = (isTopic ? TOPIC_KEYS : BROKER_KEYS).get(name);
  if (definition === undefined) {
    checkValue(resourceType, name, value);
    return null;
  }
  if (definition.type !== "list") {
    throw invalidConfig(name, value, "only a list supports APPEND and SUBTRACT");
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

/** Checks that the new configs of a resource, `after`, are consistent with each other. */
function checkConsistency(
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
    `Cannot set "${name}": it has no value; delete it to restore the default`,
  );
}
