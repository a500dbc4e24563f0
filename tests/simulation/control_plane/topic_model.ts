/**
 * What a client knows about the topics and configs that it alone changes.
 *
 * @module
 */
import { ConfigResourceType } from "../../../src/config/definition.ts";
import type { MetadataImage } from "../../../src/metadata/image.ts";

/** The key of topics and brokers that clients change. */
export const CHANGED_KEY = "max.message.bytes";
export const CHANGED_BROKER_KEY = "message.max.bytes";

/** A topic in all the states in which it may be. After a request without an answer there are several. */
export interface KnownTopic {
  readonly name: string;
  /** The possible numbers of partitions; 0 if it does not exist. */
  partitions: readonly number[];
  /** The possible values of {@linkcode CHANGED_KEY}; "" for none. */
  values: readonly string[];
}

/** Whether only one state is possible. */
export function isSure({ partitions, values }: KnownTopic): boolean {
  return partitions.length === 1 && values.length === 1;
}

/** The topics of one client. */
export class TopicModel {
  readonly topics = new Map<string, KnownTopic>();
  /** The possible values of {@linkcode CHANGED_BROKER_KEY} by broker. */
  readonly brokerValues = new Map<string, readonly string[]>();

  /** Returns what contradicts the model in an image, in words. */
  contradictions(image: MetadataImage): string[] {
    return [
      ...[...this.topics.values()].flatMap((topic) => contradictionsOf(topic, image)),
      ...[...this.brokerValues].flatMap(([broker, values]) => {
        const found = image.configs(ConfigResourceType.BROKER, broker).get(CHANGED_BROKER_KEY) ??
          "";
        return values.includes(found)
          ? []
          : [`broker ${broker} has ${CHANGED_BROKER_KEY} "${found}", not ${list(values)}`];
      }),
    ];
  }
}

function contradictionsOf(
  { name, partitions, values }: KnownTopic,
  image: MetadataImage,
): string[] {
  const found = image.topicByName(name)?.partitions.length ?? 0;
  if (!partitions.includes(found)) {
    return [`topic ${name} has ${found} partitions, not ${list(partitions)}`];
  }
  if (found === 0) return [];
  const value = image.configs(ConfigResourceType.TOPIC, name).get(CHANGED_KEY) ?? "";
  return values.includes(value)
    ? []
    : [`topic ${name} has ${CHANGED_KEY} "${value}", not ${list(values)}`];
}

function list(values: readonly (string | number)[]): string {
  return values.map((value) => `"${value}"`).join(" or ");
}
