import { assertEquals } from "@std/assert";
import { BrokerConfig } from "../../src/config/broker_config.ts";
import { silentLogger } from "../../src/logger.ts";
import { findClusterId } from "../../src/node/cluster_id.ts";
import { errorName } from "../../src/protocol/errors.ts";
import { vote } from "../../src/protocol/messages/vote.ts";
import { hostRuntime } from "../../src/runtime/host.ts";
import { MemoryFileSystem } from "../../src/runtime/memory_files.ts";
import type { Address } from "../../src/runtime/runtime.ts";
import { RawClient } from "../broker/raw_client.ts";
import { test } from "../harness.ts";

const CLUSTER_ID = "MkU3OEVBNTcwNTJENDM2Qk";
const NODE_ID = 2;

/** A new controller that looks for its cluster, and a client of its listener. */
async function withNewController(
  use: (client: RawClient, found: Promise<string | undefined>) => Promise<void>,
): Promise<void> {
  const host = hostRuntime();
  const listening = Promise.withResolvers<Address>();
  const runtime = {
    ...host,
    files: new MemoryFileSystem(),
    network: {
      connect: host.network.connect.bind(host.network),
      // The configuration has a fixed port, the test any free one.
      listen: async (options: { host: string; port: number }) => {
        const listener = await host.network.listen({ ...options, port: 0 });
        listening.resolve(listener.address);
        return listener;
      },
    },
  };
  const config = new BrokerConfig({
    "process.roles": "controller",
    "node.id": String(NODE_ID),
    "log.dirs": "/data",
    // Nothing listens at the other voter.
    "controller.quorum.voters": `${NODE_ID}@127.0.0.1:1,3@127.0.0.1:2`,
    "listeners": "CONTROLLER://127.0.0.1:1",
    "controller.listener.names": "CONTROLLER",
  });
  const ended = new AbortController();
  const found = findClusterId({ runtime, config, logger: silentLogger, signal: ended.signal });
  found.catch(() => {});
  const client = await RawClient.connect(runtime, await listening.promise);
  try {
    await use(client, found);
  } finally {
    client.close();
    ended.abort();
    await found.catch(() => {});
  }
}

function voteOf(voterId: number, clusterId: string | null) {
  return { clusterId, voterId, topics: [] };
}

test("a new controller takes the cluster id from a request for its vote", () =>
  withNewController(async (client, found) => {
    const { errorCode } = await client.request(vote, 2, voteOf(NODE_ID, CLUSTER_ID));
    // The sender tries again when the node takes part in the quorum.
    assertEquals(errorName(errorCode), "BROKER_NOT_AVAILABLE");
    assertEquals(await found, CLUSTER_ID);
  }));

test("a new controller takes no cluster id from a request for another vote, or without one", () =>
  withNewController(async (client, found) => {
    await client.request(vote, 2, voteOf(NODE_ID + 1, "another-voters-clusterA"));
    await client.request(vote, 2, voteOf(NODE_ID, null));
    await client.request(vote, 2, voteOf(NODE_ID, CLUSTER_ID));
    assertEquals(await found, CLUSTER_ID);
  }));
