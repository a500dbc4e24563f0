import { assertEquals } from "@std/assert";
import { ListenerSet } from "../../../src/network/server/listener_set.ts";
import { hostRuntime } from "../../../src/runtime/host.ts";
import type { Connection, Network } from "../../../src/runtime/runtime.ts";
import { test } from "../../harness.ts";

test("ListenerSet accepts from all listeners, and closes them", async () => {
  const { network } = hostRuntime();
  const listeners = await ListenerSet.open(network, [
    { name: "A", host: "127.0.0.1", port: 0 },
    { name: "B", host: "127.0.0.1", port: 0 },
  ]);
  const [a, b] = [...listeners.addresses.values()];
  const clients = await Promise.all([a, a, b].map((address) => network.connect(address!)));
  const accepted = [await listeners.accept(), await listeners.accept(), await listeners.accept()];
  assertEquals(accepted.map((one) => one!.listener).toSorted(), ["A", "A", "B"]);
  const waiting = listeners.accept();
  await listeners.close();
  assertEquals(await waiting, null);
  for (const { host, port } of listeners.addresses.values()) {
    (await network.listen({ host, port })).close();
  }
  assertEquals(await listeners.accept(), null);
  for (const one of accepted) one!.connection.close();
  for (const client of clients) client.close();
});

/** A listener that accepts a connection when the test says so, and adds closed ones to `closed`. */
function scriptedListener(closed: string[], name: string) {
  const waiting: ((connection: Connection | null) => void)[] = [];
  const connection = { close: () => void closed.push(name) } as unknown as Connection;
  return {
    address: { host: name, port: 1 },
    accept: () => new Promise<Connection | null>((resolve) => void waiting.push(resolve)),
    close: () => {},
    arrive: () => waiting.shift()!(connection),
  };
}

test("ListenerSet closes a connection that waits for the next call, and one that is accepted too late", async () => {
  const closed: string[] = [];
  const scripted = ["A", "B", "C"].map((name) => scriptedListener(closed, name));
  const network = {
    listen: ({ host }: { host: string }) =>
      Promise.resolve(scripted.find(({ address }) => address.host === host)!),
  } as unknown as Network;
  const listeners = await ListenerSet.open(
    network,
    scripted.map(({ address }) => ({ name: address.host, ...address })),
  );
  const [a, b, c] = scripted;
  const first = listeners.accept();
  a!.arrive();
  b!.arrive();
  assertEquals((await first)!.listener, "A");
  const ended = listeners.close();
  assertEquals(closed, ["B"]);
  c!.arrive();
  await ended;
  assertEquals(closed, ["B", "C"]);
});
