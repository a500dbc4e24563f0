import { assertEquals, assertRejects } from "@std/assert";
import { Links } from "../../src/cluster/links.ts";
import { hostRuntime } from "../../src/runtime/host.ts";
import { ConnectionError } from "../../src/runtime/runtime.ts";
import { test } from "../harness.ts";

test("Links breaks and withholds connections between groups until it heals", async () => {
  const { network } = hostRuntime();
  const links = new Links();
  const listener = await network.listen({ host: "127.0.0.1", port: 0 });
  const { address } = listener;
  links.add(2, address.port);
  const open = async (from: number) => {
    const accepted = listener.accept();
    const connection = await links.of(from, network).connect(address);
    return { connection, accepted: (await accepted)! };
  };
  const one = await open(1);
  const three = await open(3);
  links.partition([[1], [2]]);
  // The peer sees the end of the broken connection; node 3 is in no group.
  assertEquals(await one.accepted.readInto!(new Uint8Array(1)), null);
  await three.connection.writeAll!(new Uint8Array(1));
  assertEquals(await three.accepted.readInto!(new Uint8Array(1)), 1);
  let isSettled = false;
  const unanswered = links.of(1, network).connect(address).finally(() => isSettled = true);
  unanswered.catch(() => {});
  await hostRuntime().clock.yieldToLoop();
  assertEquals(isSettled, false);
  links.heal();
  await assertRejects(() => unanswered, ConnectionError, "the address was cut off");
  const again = await open(1);
  for (const { connection, accepted } of [one, three, again]) {
    connection.close();
    accepted.close();
  }
  listener.close();
});
