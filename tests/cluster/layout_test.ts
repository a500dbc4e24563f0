import { assertEquals } from "@std/assert";
import { layoutSettings, type NodePorts, planNodes } from "../../src/cluster/layout.ts";
import { test } from "../harness.ts";

const planned = (brokers: number, controllers: number) =>
  planNodes(brokers, controllers).map(({ id, roles }) => `${id} ${roles.join("+")}`);

test("planNodes() makes one, or three brokers controllers unless there are controllers", () => {
  assertEquals(planned(1, 0), ["1 broker+controller"]);
  assertEquals(planned(2, 0), ["1 broker+controller", "2 broker"]);
  assertEquals(planned(4, 0), [
    "1 broker+controller",
    "2 broker+controller",
    "3 broker+controller",
    "4 broker",
  ]);
  assertEquals(planned(1, 3), ["101 controller", "102 controller", "103 controller", "1 broker"]);
});

test("layoutSettings() names all voters, and an address for a listener on every address", () => {
  const portsOf = new Map<number, NodePorts>([
    [1, new Map([["broker", 9001], ["controller", 9002]])],
    [2, new Map([["broker", 9003]])],
  ]);
  assertEquals(layoutSettings({ id: 1, roles: ["broker", "controller"] }, "::1", portsOf), {
    "process.roles": "broker,controller",
    "node.id": "1",
    "listeners": "PLAINTEXT://[::1]:9001,CONTROLLER://[::1]:9002",
    "controller.listener.names": "CONTROLLER",
    "controller.quorum.voters": "1@[::1]:9002",
  });
  const { listeners, "advertised.listeners": advertised } = layoutSettings(
    { id: 2, roles: ["broker"] },
    "0.0.0.0",
    portsOf,
  );
  assertEquals([listeners, advertised], [
    "PLAINTEXT://0.0.0.0:9003",
    "PLAINTEXT://127.0.0.1:9003",
  ]);
});
