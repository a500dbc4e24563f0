import { assertEquals } from "@std/assert";
import type { Controller } from "../../src/controller/controller.ts";
import type { MetadataImage } from "../../src/metadata/image.ts";
import type { ConnectionInfo } from "../../src/network/server/handler.ts";
import { BrokerWatch } from "../../src/node/broker_watch.ts";
import { hostRuntime } from "../../src/runtime/host.ts";
import { KillableRuntime } from "../../src/runtime/killable_runtime.ts";
import { test } from "../harness.ts";

const BROKER = { endpoints: [{ name: "PLAINTEXT", host: "broker", port: 9092 }] };

test("stop() of a watch ends an attempt to connect that is not answered", async () => {
  const host = hostRuntime();
  const connecting = Promise.withResolvers<void>();
  const process = new KillableRuntime({
    ...host,
    network: {
      ...host.network,
      connect: () => {
        connecting.resolve();
        return new Promise(() => {});
      },
    },
  });
  const connection = { id: 7 } as ConnectionInfo;
  const watch = new BrokerWatch({
    runtime: process.runtime,
    controller: { active: { connectionsClosed: () => true } } as unknown as Controller,
    image: { broker: () => BROKER } as unknown as MetadataImage,
  });
  const request = { brokerId: 1 };
  const intercepted = { name: "BrokerHeartbeat", request, context: { connection } };
  watch.interceptor(intercepted as unknown as Parameters<typeof watch.interceptor>[0], () => null);
  watch.onEnd(connection);
  await connecting.promise;
  assertEquals(process.held(), ["a timer of 500 ms"]);
  watch.stop();
  assertEquals(process.held(), []);
});
