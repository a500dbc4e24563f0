import { assertEquals } from "@std/assert";
import { BrokerConfig } from "../../src/config/broker_config.ts";
import { silentLogger } from "../../src/logger.ts";
import { ControllerSide } from "../../src/node/controller_side.ts";
import type { MetadataQuorum } from "../../src/node/metadata_quorum.ts";
import { hostRuntime } from "../../src/runtime/host.ts";
import { settle } from "../broker/direct_broker.ts";
import { manualClock } from "../broker/manual_clock.ts";
import { test } from "../harness.ts";

test("a leader that is not active yet is not asked for what is committed", async () => {
  const config = new BrokerConfig({ "node.id": "1" });
  const controller: { active: object | null } = { active: null };
  const status = { highWatermark: 5 };
  const clock = manualClock();
  const side = new ControllerSide({
    runtime: { ...hostRuntime(), clock },
    config,
    logger: silentLogger,
    clusterId: "cluster",
    quorum: {
      controller,
      replica: { status },
      current: () => ({ id: 1, address: null }),
      changed: () => new Promise(() => {}),
    } as unknown as MetadataQuorum,
    listeners: null,
    maxConnections: 1,
    freeDescriptors: () => false,
    interceptors: [],
    handlers: [],
    cluster: null,
  });
  let offset = -1;
  const asked = side.channel.committedOffset().then((committed) => offset = committed);
  await settle();
  assertEquals(offset, -1);
  // It has committed the first record of its epoch.
  controller.active = {};
  status.highWatermark = 9;
  clock.advance(1_000);
  await asked;
  assertEquals(offset, 8);
  await side.stop();
});
