/**
 * `server.max.startup.time.ms`: what a node says that does not start in time, and what it leaves.
 *
 * @module
 */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { silentLogger } from "../../src/logger.ts";
import { Node } from "../../src/node/node.ts";
import { ALL_PARTS } from "../../src/node/parts/all_parts.ts";
import { errorName, KafkaError } from "../../src/protocol/errors.ts";
import { hostRuntime } from "../../src/runtime/host.ts";
import { KillableRuntime } from "../../src/runtime/killable_runtime.ts";
import { MemoryFileSystem } from "../../src/runtime/memory_files.ts";
import { test } from "../harness.ts";
import { closedPort } from "../network/closed_port.ts";

const CONTROLLER = 1;
const BROKER = 2;

function newProcess(): KillableRuntime {
  return new KillableRuntime({ ...hostRuntime(), files: new MemoryFileSystem() });
}

/** Starts a broker of the controllers at `port` that has 200 ms. Returns the rejection. */
async function startBroker(
  { runtime }: KillableRuntime,
  port: number,
  clusterId?: string,
): Promise<string> {
  const error = await assertRejects(
    () =>
      Node.start({
        runtime,
        directory: "/data",
        config: {
          "process.roles": "broker",
          "node.id": String(BROKER),
          "listeners": "PLAINTEXT://127.0.0.1:0",
          "controller.listener.names": "CONTROLLER",
          "controller.quorum.voters": `${CONTROLLER}@127.0.0.1:${port}`,
          "server.max.startup.time.ms": "200",
        },
        logger: silentLogger,
        parts: ALL_PARTS,
        ...(clusterId !== undefined && { clusterId }),
      }),
    KafkaError,
  );
  assertEquals(errorName(error.code), "REQUEST_TIMED_OUT");
  return error.message;
}

const messageOf = (reason: string, port: number) =>
  `Cannot start node 2 within server.max.startup.time.ms, 200 ms: it still waits for ${reason}; start ` +
  `the controllers 127.0.0.1:${port} or raise it`;

test("Node.start() rejects in time if no controller names the cluster", async () => {
  const process = newProcess();
  const port = await closedPort();
  assertEquals(
    await startBroker(process, port),
    messageOf("a controller that names the cluster", port),
  );
  assertEquals(process.held(), []);
});

test("Node.start() rejects in time if no controller registers the broker", async () => {
  const process = newProcess();
  const port = await closedPort();
  assertEquals(
    await startBroker(process, port, "MkU3OEVBNTcwNTJENDM2Qk"),
    messageOf("an active controller to register it", port),
  );
  assertEquals(process.held(), []);
});

test("Node.start() rejects in time if the broker stays fenced", async () => {
  const port = await closedPort();
  const controller = await Node.start({
    runtime: newProcess().runtime,
    directory: "/data",
    config: {
      "process.roles": "controller",
      "node.id": String(CONTROLLER),
      "listeners": `CONTROLLER://127.0.0.1:${port}`,
      "controller.listener.names": "CONTROLLER",
      "controller.quorum.voters": `${CONTROLLER}@127.0.0.1:${port}`,
    },
    logger: silentLogger,
    parts: ALL_PARTS,
    controllerInterceptors: [({ name, request }, next) => {
      const { wantShutDown } = request as { readonly wantShutDown?: boolean };
      if (name !== "BrokerHeartbeat" || wantShutDown) return next();
      return { errorCode: 0, isCaughtUp: true, isFenced: true, shouldShutDown: false };
    }],
  });
  const process = newProcess();
  try {
    assertEquals(
      await startBroker(process, port),
      messageOf("the active controller to unfence it", port),
    );
    assertEquals(process.held(), []);
  } finally {
    await controller.shutdown();
  }
});

test("Node.start() leaves no timer of the bound behind", async () => {
  const process = newProcess();
  const node = await Node.start({
    runtime: process.runtime,
    directory: "/data",
    config: { "listeners": "PLAINTEXT://127.0.0.1:0", "server.max.startup.time.ms": "60000" },
    logger: silentLogger,
    parts: ALL_PARTS,
  });
  assert(process.held().length > 0);
  await node.shutdown();
  assertEquals(process.held(), []);
});
