import { assertEquals } from "@std/assert";
import { BrokerConfig } from "../../src/config/broker_config.ts";
import { ConfigResourceType } from "../../src/config/definition.ts";
import {
  ConfigOperation,
  decideAlterConfigs,
  decideIncrementalAlterConfigs,
} from "../../src/controller/configs.ts";
import { decideElectLeaders, ElectionType } from "../../src/controller/elections.ts";
import { decideCreatePartitions } from "../../src/controller/partitions.ts";
import { decideCreateTopics, decideDeleteTopics } from "../../src/controller/topics.ts";
import type { Steps } from "../../src/protocol/records/compression/steps.ts";
import { test } from "../harness.ts";
import { broker, partition, topic } from "../metadata/fixture.ts";
import { imageOf, uuidOf } from "./fixture.ts";

const ITEMS = 160;
const NAMES = Array.from({ length: ITEMS }, (_, index) => `topic-${index}`);
const TOPIC = ConfigResourceType.TOPIC;

/** Returns the number of steps. */
function stepsOf(steps: Steps<unknown>): number {
  let count = 1;
  while (steps.next().done !== true) count++;
  return count;
}

test("decisions about many items are made in steps, whether the items are refused or not", () => {
  const config = new BrokerConfig();
  const empty = imageOf(broker(1));
  const full = imageOf(
    broker(1),
    ...NAMES.flatMap((name, index) => [
      topic(name, uuidOf(1_000 + index)),
      partition(uuidOf(1_000 + index), 0),
    ]),
  );
  const below = () => 0;
  for (const image of [empty, full]) {
    const create = { image, config, below, newTopicId: () => uuidOf(1) };
    const resources = NAMES.map((resourceName) => ({ resourceType: TOPIC, resourceName }));
    const change = { name: "retention.ms", operation: ConfigOperation.SET, value: "1" };
    const decisions: Steps<unknown>[] = [
      decideCreateTopics(NAMES.map((name) => ({ name, numPartitions: 1 })), create),
      decideDeleteTopics(NAMES.map((name) => ({ name })), { image, config }),
      decideCreatePartitions(NAMES.map((name) => ({ name, count: 2 })), { image, below }),
      decideAlterConfigs(resources.map((it) => ({ ...it, configs: [change] })), { image, config }),
      decideIncrementalAlterConfigs(
        resources.map((it) => ({ ...it, changes: [change] })),
        { image, config },
      ),
      decideElectLeaders(
        ElectionType.PREFERRED,
        [{ topic: "none", partitions: NAMES.map((_, index) => index) }],
        image,
      ),
      ...(image === full ? [decideElectLeaders(ElectionType.PREFERRED, null, image)] : []),
    ];
    const tooLong = decisions.map(stepsOf).flatMap((steps, index) => steps < 10 ? [index] : []);
    assertEquals(tooLong, []);
  }
});
