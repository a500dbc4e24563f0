/**
 * A short text that is the same for two metadata images exactly if they describe the same cluster.
 *
 * @module
 */
import { ConfigResourceType } from "../../../src/config/definition.ts";
import type { MetadataImage } from "../../../src/metadata/image.ts";
import { markOf } from "../../../src/simulator/trace.ts";

const CONFIGURED = [ConfigResourceType.TOPIC, ConfigResourceType.BROKER];
const encoder = new TextEncoder();
/** The texts of immutable values. */
const texts = new WeakMap<object, string>();

/** Returns the digest of an image, without its offset. */
export function imageDigest(image: MetadataImage): string {
  const parts = [
    ...[...image.brokers()].map((broker) => `broker ${broker.id} ${textOf(broker)}`),
    ...[...image.controllers()].map((node) => `controller ${node.id} ${textOf(node)}`),
    ...[...image.topics()].map((topic) => `topic ${topic.id} ${textOf(topic)}`),
    ...CONFIGURED.flatMap((type) =>
      [...image.configuredNames(type)].map((name) =>
        `configs ${type} ${name} ${textOf(image.configs(type, name))}`
      )
    ),
    ...[...image.features].map(([name, level]) => `feature ${name} ${level}`),
  ];
  return markOf(encoder.encode(`${parts.sort().join("\n")}\n${image.nextProducerId}`));
}

function textOf(value: object): string {
  let text = texts.get(value);
  if (text === undefined) {
    const json = JSON.stringify(
      value,
      (_, inner) => inner instanceof Map ? [...inner].sort() : inner,
    );
    text = markOf(encoder.encode(json));
    texts.set(value, text);
  }
  return text;
}
