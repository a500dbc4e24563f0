/**
 * Defects that the simulation of the control plane has found, as short scenarios.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { errorName } from "../../../src/protocol/errors.ts";
import { test } from "../../harness.ts";
import { World } from "../world.ts";
import { ControlPlane } from "./control_plane_machines.ts";

const TOPIC = "events";
const LIMIT_MS = 10_000;

/** Runs `play` with a cluster whose nodes serve. */
async function story(play: (cluster: ControlPlane, world: World) => Promise<void>): Promise<void> {
  const world = new World(1, {}, {});
  const cluster = new ControlPlane(world);
  const { failures } = await world.play(async () => {
    cluster.start(cluster.nodes);
    await serving(cluster, world);
    await play(cluster, world);
    await cluster.shutdown();
  });
  assertEquals(failures, []);
}

async function serving(cluster: ControlPlane, world: World): Promise<void> {
  await world.waitFor(
    "all nodes serve",
    LIMIT_MS,
    () => cluster.nodes.every(({ serving }) => serving !== null),
  );
}

test("a topic that was created again while its broker was down is served by it", () =>
  story(async (cluster, world) => {
    const [broker] = cluster.brokers;
    const { controller } = cluster.active!.opened!;
    const brokerIds = [Number(cluster.idOf(broker!))];
    const assignments = [{ partitionIndex: 0, brokerIds }];
    const hosted = () => [...broker!.partitions].some(({ name }) => name === `${TOPIC}-0`);
    await controller.createTopics([{ name: TOPIC, assignments }]);
    await world.waitFor("the partition exists", LIMIT_MS, hosted);
    // Both are decided before the end of the broker is noticed.
    const deleted = controller.deleteTopics([{ name: TOPIC }]);
    const created = controller.createTopics([{ name: TOPIC, assignments }]);
    broker!.replace(1_000);
    const outcomes = [...await deleted, ...await created];
    assertEquals(outcomes.map(({ errorCode }) => errorName(errorCode)), ["NONE", "NONE"]);
    await serving(cluster, world);
    await world.waitFor("it exists again", LIMIT_MS, hosted);
    assertEquals(broker!.hasOfflinePartition, false);
  }));

test("a node that has loaded its log again after a snapshot does not write it again", () =>
  story(async (cluster, world) => {
    const { controller } = cluster.active!.opened!;
    await controller.createTopics([{ name: TOPIC, numPartitions: 1 }]);
    for (const broker of cluster.brokers) {
      await broker.replace(0);
      await serving(cluster, world);
    }
  }));
