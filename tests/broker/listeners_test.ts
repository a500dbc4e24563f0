/** Several listeners of one broker: each accepts connections and advertises its own address. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { ALL_PARTS } from "../../src/node/parts/all_parts.ts";
import { Node } from "../../src/node/node.ts";
import { silentLogger } from "../../src/logger.ts";
import { apiVersions } from "../../src/protocol/messages/api_versions.ts";
import { describeCluster } from "../../src/protocol/messages/describe_cluster.ts";
import { findCoordinator } from "../../src/protocol/messages/find_coordinator.ts";
import { metadata } from "../../src/protocol/messages/metadata.ts";
import { hostRuntime } from "../../src/runtime/host.ts";
import { MemoryFileSystem } from "../../src/runtime/memory_files.ts";
import { type Address, AddressInUseError, type Runtime } from "../../src/runtime/runtime.ts";
import { test } from "../harness.ts";
import { withBroker } from "./fixture.ts";
import { RawClient } from "./raw_client.ts";

const MAP = "listener.security.protocol.map";

/** Runs `use` with a connection to `address` and closes it afterwards. */
async function connected<T>(
  runtime: Runtime,
  address: Address,
  use: (client: RawClient) => Promise<T>,
): Promise<T> {
  const client = await RawClient.connect(runtime, address);
  try {
    return await use(client);
  } finally {
    client.close();
  }
}

/** Returns the address of the node in Metadata, DescribeCluster and FindCoordinator. */
async function advertisedAddresses(client: RawClient): Promise<string[]> {
  const { brokers } = await client.request(metadata, 9, { topics: [] });
  const cluster = await client.request(describeCluster, 0, {
    includeClusterAuthorizedOperations: false,
  });
  const { coordinators } = await client.request(findCoordinator, 4, {
    keyType: 0,
    coordinatorKeys: ["g"],
  });
  return [...brokers, ...cluster.brokers, ...coordinators].map(({ host, port }) =>
    `${host} ${port}`
  );
}

test("each listener serves requests and advertises its own address", () =>
  withBroker(async ({ broker, runtime }) => {
    const addresses = [...broker.addresses];
    assertEquals(addresses.map(([name]) => name), ["INSIDE", "OUTSIDE", "WILD"]);
    const advertised = [];
    for (const [, { port }] of addresses) {
      advertised.push(await connected(runtime, { host: "127.0.0.1", port }, advertisedAddresses));
    }
    const [inside, outside, wild] = addresses.map(([, { port }]) => port);
    assertEquals(advertised, [
      Array(3).fill(`127.0.0.1 ${inside}`),
      Array(3).fill("broker.example 19092"),
      Array(3).fill(`127.0.0.1 ${wild}`),
    ]);
    assert(outside !== inside);
    const [registered] = [...broker.image.brokers()];
    assertEquals(
      registered!.endpoints.map(({ name, port }) => `${name} ${port}`),
      [`INSIDE ${inside}`, "OUTSIDE 19092", `WILD ${wild}`],
    );
  }, {
    "listeners": "INSIDE://127.0.0.1:0,OUTSIDE://127.0.0.1:0,WILD://:0",
    "advertised.listeners": "OUTSIDE://broker.example:19092",
    [MAP]: "INSIDE:PLAINTEXT,OUTSIDE:PLAINTEXT,WILD:PLAINTEXT",
  }));

test("an advertised port of 0 is replaced by the port that the host has chosen", () =>
  withBroker(async ({ broker, client }) => {
    const expected = `broker.example ${broker.address.port}`;
    assertEquals(await advertisedAddresses(client), Array(3).fill(expected));
    assertEquals([...broker.image.brokers()][0]!.endpoints[0]!.port, broker.address.port);
  }, { "advertised.listeners": "PLAINTEXT://broker.example:0" }));

test("a wildcard listener advertises an IPv4 address to IPv4 clients", () =>
  withBroker(async ({ broker, runtime, messages }) => {
    const address = { host: "127.0.0.1", port: broker.address.port };
    const advertised = await connected(runtime, address, async (client) => {
      await client.sendBytes(Uint8Array.of(255, 255, 255, 255));
      assertEquals(await client.nextFrame(), null);
      return await connected(runtime, address, advertisedAddresses);
    });
    assertEquals(advertised, Array(3).fill(`127.0.0.1 ${address.port}`));
    assert(/^Closed 127\.0\.0\.1:\d+: /.test(messages[0]!.message), messages[0]!.message);
  }, { listeners: "PLAINTEXT://:0" }));

test("broker.rack is in the metadata", () =>
  withBroker(async ({ client }) => {
    const { brokers } = await client.request(metadata, 9, { topics: [] });
    assertEquals(brokers[0]!.rack, "rack-7");
  }, { "broker.rack": "rack-7" }));

test("max.connections limits the connections of all listeners together", () =>
  withBroker(async ({ broker, client, runtime }) => {
    assertEquals((await client.request(apiVersions, 0, {})).errorCode, 0);
    await connected(runtime, broker.addresses.get("B")!, async (other) => {
      await other.send(apiVersions, 0, {});
      client.close();
      assertEquals((await other.answer(apiVersions, 0)).errorCode, 0);
    });
  }, {
    "listeners": "A://127.0.0.1:0,B://127.0.0.1:0",
    [MAP]: "A:PLAINTEXT,B:PLAINTEXT",
    "max.connections": "1",
  }));

test("a broker whose second port is in use does not start, and releases the first one", async () => {
  const runtime = { ...hostRuntime(), files: new MemoryFileSystem() };
  const taken = await runtime.network.listen({ host: "127.0.0.1", port: 0 });
  const free = await runtime.network.listen({ host: "127.0.0.1", port: 0 });
  const { port } = free.address;
  free.close();
  await assertRejects(
    () =>
      Node.start({
        parts: ALL_PARTS,
        runtime,
        directory: "/data",
        logger: silentLogger,
        config: {
          listeners: `A://127.0.0.1:${port},B://127.0.0.1:${taken.address.port}`,
          [MAP]: "A:PLAINTEXT,B:PLAINTEXT",
        },
      }),
    AddressInUseError,
    `127.0.0.1:${taken.address.port}`,
  );
  taken.close();
  (await runtime.network.listen({ host: "127.0.0.1", port })).close();
});
