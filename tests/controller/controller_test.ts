import { assertEquals, assertRejects } from "@std/assert";
import { BrokerConfig } from "../../src/config/broker_config.ts";
import { ConfigResourceType } from "../../src/config/definition.ts";
import { ConfigOperation } from "../../src/controller/configs.ts";
import { Controller } from "../../src/controller/controller.ts";
import type { MetadataDelta } from "../../src/metadata/image.ts";
import { MetadataLog, type MetadataStorage } from "../../src/metadata/metadata_log.ts";
import { encodeMetadataRecord } from "../../src/metadata/records/metadata_record.ts";
import { ErrorCode, KafkaError } from "../../src/protocol/errors.ts";
import { MAX_INT64 } from "../../src/protocol/int64.ts";
import { encodeBatch } from "../../src/protocol/records/batch.ts";
import { MemoryDisk } from "../../src/runtime/memory_files.ts";
import { test } from "../harness.ts";
import { CHAT, countingFlushes, EVENTS, memoryRuntime, openStorage } from "../metadata/fixture.ts";
import { outcomes } from "./fixture.ts";

const REGISTRATION = {
  nodeId: 1,
  incarnationId: EVENTS,
  endpoints: [{ name: "PLAINTEXT", host: "h", port: 9092, securityProtocol: 0 }],
  rack: null,
  logDirs: [CHAT],
};
const { TOPIC, BROKER } = ConfigResourceType;

interface Fixture {
  readonly controller: Controller;
  readonly config: BrokerConfig;
  readonly messages: string[];
  readonly storage: MetadataStorage;
  readonly flushes: () => number;
}

/** Runs `use` with a controller whose log is on `disk`. */
async function withController(
  use: (fixture: Fixture) => Promise<void>,
  disk: MemoryDisk = new MemoryDisk(),
): Promise<void> {
  const runtime = memoryRuntime(disk);
  const log = openStorage(runtime);
  const { storage, flushes } = countingFlushes(log);
  const config = new BrokerConfig();
  const messages: string[] = [];
  const controller = new Controller({
    runtime,
    metadataLog: await MetadataLog.open(storage),
    config,
    logger: { log: (level, message) => messages.push(`${level}: ${message}`) },
  });
  try {
    await controller.start(REGISTRATION);
    await use({ controller, config, messages, storage, flushes });
  } finally {
    log.close();
  }
}

/** Allocates a block to the registered broker. */
function allocate(controller: Controller) {
  const { nodeId: brokerId } = REGISTRATION;
  const brokerEpoch = controller.image.broker(brokerId)!.epoch;
  return controller.allocateProducerIds({ brokerId, brokerEpoch });
}

function setBroker(name: string, value: string) {
  return [{
    resourceType: BROKER,
    resourceName: "",
    changes: [{ name, operation: ConfigOperation.SET, value }],
  }];
}

test("createTopics() resolves after listeners have processed the topic", async () => {
  await withController(async ({ controller }) => {
    const events: string[] = [];
    const listen = (what: string) => async ({ createdTopics }: MetadataDelta) => {
      await Promise.resolve();
      for (const { name } of createdTopics) {
        const isShown = controller.image.topicByName(name) !== undefined;
        events.push(`${what} ${name}, in image: ${isShown}`);
      }
    };
    controller.addListener({
      prepare: listen("prepare"),
      apply: listen("apply"),
      finish: () => void events.push("finish"),
    });
    await controller.createTopics([{ name: "events" }]);
    events.push("answered");
    assertEquals(events, [
      "prepare events, in image: false",
      "apply events, in image: true",
      "finish",
      "answered",
    ]);
  });
});

test("concurrent requests are processed one at a time", async () => {
  await withController(async ({ controller }) => {
    const results = await Promise.all(
      Array.from({ length: 5 }, () => controller.createTopics([{ name: "events" }])),
    );
    assertEquals(outcomes(results.flat()), [
      "events: NONE",
      ...Array.from({ length: 4 }, () => "events: TOPIC_ALREADY_EXISTS"),
    ]);
    assertEquals(controller.image.topicCount, 1);
  });
});

test("answered changes are durable", async () => {
  await withController(async ({ controller, flushes }) => {
    const before = flushes();
    await controller.createTopics([{ name: "events" }]);
    assertEquals(flushes(), before + 1);
  });
});

test("validateOnly returns the results without making changes", async () => {
  await withController(async ({ controller, storage }) => {
    await controller.createTopics([{ name: "events" }]);
    const { logEndOffset } = storage;
    const validateOnly = { validateOnly: true };
    const created = await controller.createTopics([{ name: "chat" }], validateOnly);
    assertEquals([created[0]!.errorCode, created[0]!.numPartitions], [0, 1]);
    assertEquals(
      outcomes(await controller.createTopics([{ name: "events" }], validateOnly)),
      ["events: TOPIC_ALREADY_EXISTS"],
    );
    await controller.createPartitions([{ name: "events", count: 9 }], validateOnly);
    await controller.incrementalAlterConfigs(setBroker("max.connections", "1"), validateOnly);
    assertEquals(storage.logEndOffset, logEndOffset);
  });
});

test("topics, partitions and configs are restored after a restart", async () => {
  const disk = new MemoryDisk();
  let before: unknown;
  await withController(async ({ controller }) => {
    await controller.createTopics([
      {
        name: "events",
        configs: [{ name: "retention.ms", value: "5" }],
      },
      { name: "chat" },
      { name: "gone" },
    ]);
    await controller.createPartitions([{ name: "events", count: 3 }]);
    await controller.deleteTopics([{ name: "gone" }]);
    await controller.incrementalAlterConfigs(setBroker("max.connections", "7"));
    before = [...controller.image.topics()];
  }, disk);
  await withController(async ({ controller, config, storage }) => {
    assertEquals([...controller.image.topics()], before);
    assertEquals([...controller.image.configs(TOPIC, "events")], [["retention.ms", "5"]]);
    assertEquals(config.maxConnections, 7);
    const { logEndOffset } = storage;
    await controller.start({ ...REGISTRATION, incarnationId: CHAT });
    assertEquals(storage.logEndOffset, logEndOffset, "the registration is unchanged");
  }, disk);
});

test("broker configs take effect before listeners run and before the response", async () => {
  await withController(async ({ controller, config }) => {
    const heard: number[] = [];
    controller.addListener({ apply: () => void heard.push(config.messageMaxBytes) });
    await controller.incrementalAlterConfigs(setBroker("message.max.bytes", "5000"));
    assertEquals([config.messageMaxBytes, heard], [5_000, [5_000]]);
    await controller.alterConfigs([{ resourceType: BROKER, resourceName: "", configs: [] }]);
    assertEquals(config.messageMaxBytes, 1_048_588);
  });
});

test("allocateProducerIds() never returns an id twice, across restarts", async () => {
  const disk = new MemoryDisk();
  await withController(async ({ controller }) => {
    const blocks = await Promise.all([allocate(controller), allocate(controller)]);
    assertEquals(blocks, [
      { producerIdStart: 0, producerIdLen: 1_000 },
      { producerIdStart: 1_000, producerIdLen: 1_000 },
    ]);
  }, disk);
  await withController(async ({ controller }) => {
    const { producerIdStart } = await allocate(controller);
    assertEquals(producerIdStart, 2_000);
  }, disk);
});

test("allocateProducerIds() fails for producer ids above 2^53", async () => {
  for (const nextProducerId of [Number.MAX_SAFE_INTEGER - 999, MAX_INT64]) {
    const disk = new MemoryDisk();
    await withController(async ({ storage }) => {
      const value = encodeMetadataRecord({
        name: "ProducerIdsRecord",
        value: { brokerId: 1, brokerEpoch: 1, nextProducerId: 0 },
      });
      new DataView(value.buffer, value.byteOffset + value.length - 9)
        .setBigInt64(0, BigInt(nextProducerId));
      const batch = encodeBatch([{ value, timestamp: 0 }], { partitionLeaderEpoch: 1 });
      storage.append(batch, { leaderEpoch: 1, origin: "raft" });
      await storage.flush();
    }, disk);
    await withController(async ({ controller }) => {
      const error = await assertRejects(() => allocate(controller), KafkaError);
      assertEquals(error.code, ErrorCode.UNKNOWN_SERVER_ERROR);
    }, disk);
  }
});

test("a failing listener is logged, and the change remains", async () => {
  await withController(async ({ controller, messages }) => {
    const heard: string[] = [];
    controller.addListener({
      apply() {
        throw new Error("no space");
      },
    });
    controller.addListener({
      apply: ({ createdTopics }) => void heard.push(createdTopics[0]!.name),
    });
    assertEquals(outcomes(await controller.createTopics([{ name: "events" }])), ["events: NONE"]);
    assertEquals(heard, ["events"]);
    assertEquals(messages, ["error: Cannot process the metadata at offset 3: no space"]);
  });
});

test("a failed request does not block the next", async () => {
  await withController(async ({ controller, storage }) => {
    const append = storage.append;
    storage.append = () => {
      throw new KafkaError(ErrorCode.KAFKA_STORAGE_ERROR, "broken");
    };
    const failed = controller.createTopics([{ name: "events" }]);
    const next = controller.deleteTopics([{ name: "chat" }]);
    await assertRejects(() => failed, KafkaError, "broken");
    assertEquals(outcomes(await next), ["chat: UNKNOWN_TOPIC_OR_PARTITION"]);
    storage.append = append;
    assertEquals(outcomes(await controller.createTopics([{ name: "events" }])), ["events: NONE"]);
  });
});

test("a request with too many records is rejected as a whole", async () => {
  await withController(async ({ controller }) => {
    const names = Array.from({ length: 10_001 }, (_, i) => `t${i}`);
    for (let at = 0; at < names.length; at += 5_000) {
      await controller.createTopics(names.slice(at, at + 5_000).map((name) => ({ name })));
    }
    const error = await assertRejects(
      () => controller.deleteTopics(names.map((name) => ({ name }))),
      KafkaError,
    );
    assertEquals(error.code, ErrorCode.POLICY_VIOLATION);
    assertEquals(controller.image.topicCount, 10_001);
  });
});
