/**
 * A large cluster of which one broker dies: how long it takes until every broker has the metadata without
 * it, in simulated time, and what that costs in real time. Three controllers are whole nodes; the brokers are
 * their requests only (`control_plane/light_broker.ts`).
 *
 * `deno run -A tests/simulation/large_cluster.ts [BROKERS] [PARTITIONS] [REPLICAS]`
 *
 * @module
 */
import { Simulation } from "../../src/simulator/simulation.ts";
import { ALL_PARTS } from "../../src/node/parts/all_parts.ts";
import { Node } from "../../src/node/node.ts";
import { type ControllerLocation, LightBroker } from "./control_plane/light_broker.ts";

const [brokers = 100, partitions = 100_000, replicas = 3] = Deno.args.map(Number);
const CONTROLLERS = 3;
const PORT = 9093;
const FIRST_BROKER = 101;
const PARTITIONS_PER_TOPIC = 1_000;
/** The longest time that is acceptable, ms. */
const LIMIT_MS = 2_000;

const simulation = new Simulation(1, { transcriptLines: 0 });
const names = Array.from({ length: CONTROLLERS }, (_, index) => `controller-${index + 1}`);
const voters = names.map((name, index) => `${index + 1}@${name}:${PORT}`).join(",");

await simulation.run(play(), { limitMs: 3_600_000 });
Deno.exit(0);

async function play(): Promise<void> {
  const nodes = await Promise.all(names.map(startController));
  await until(() => nodes.some(({ controller }) => controller.active !== null));
  const active = nodes.find(({ controller }) => controller.active !== null)!;
  const { replica } = active.quorum;
  const { nodeId } = active.config;
  const location: ControllerLocation = {
    id: nodeId,
    address: { host: names[nodeId - 1]!, port: PORT },
    epoch: replica.status.epoch,
  };
  const light = Array.from({ length: brokers }, (_, index) => {
    const id = FIRST_BROKER + index;
    return new LightBroker(simulation.runtime(`broker-${id}`), id, active.clusterId);
  });
  for (const broker of light) await broker.join(location);
  const unfenced = () => [...active.image.brokers()].filter(({ fenced }) => !fenced).length;
  await until(() => unfenced() === brokers);
  report(`${brokers} brokers are in service`);
  for (let topic = 0; topic < partitions / PARTITIONS_PER_TOPIC; topic++) {
    const [created] = await active.controller.createTopics([{
      name: `topic-${topic}`,
      numPartitions: PARTITIONS_PER_TOPIC,
      replicationFactor: replicas,
    }]);
    if (created!.errorCode !== 0) throw new Error(created!.errorMessage ?? "No topic was created");
  }
  await until(() => light.every(({ endOffset }) => endOffset >= replica.status.highWatermark));
  report(`${active.image.partitionCount} partitions exist everywhere`);
  const dead = FIRST_BROKER + Math.floor(brokers / 2);
  const startedMs = simulation.nowMs;
  const startedAt = performance.now();
  const end = replica.status.logEndOffset;
  simulation.kill(`broker-${dead}`);
  await until(() => active.image.broker(dead)!.fenced);
  const fencedMs = simulation.nowMs - startedMs;
  const target = active.image.offset;
  const living = light.filter((_, index) => FIRST_BROKER + index !== dead);
  await until(() => living.every(({ endOffset }) => endOffset > target));
  const tookMs = simulation.nowMs - startedMs;
  report(
    `broker ${dead} was fenced after ${fencedMs.toFixed(1)} ms with ${target + 1 - end} records, ` +
      `and all brokers have them after ${tookMs.toFixed(1)} ms of simulated time, ` +
      `${(performance.now() - startedAt).toFixed(0)} ms of real time`,
  );
  if (tookMs > LIMIT_MS) throw new Error(`That took longer than ${LIMIT_MS} ms`);
}

function startController(name: string, index: number): Promise<Node> {
  return Node.start({
    parts: ALL_PARTS,
    // Controllers decide about more replicas than brokers keep in this version.
    maxReplicas: Infinity,
    runtime: simulation.runtime(name),
    directory: "/data",
    config: {
      "node.id": String(index + 1),
      "process.roles": "controller",
      "controller.listener.names": "CONTROLLER",
      "controller.quorum.voters": voters,
      "listeners": `CONTROLLER://${name}:${PORT}`,
    },
    logger: {
      log: (level, message) => {
        if (level === "warn" || level === "error") console.log(`${name} ${level}: ${message}`);
      },
    },
  });
}

async function until(isTrue: () => boolean): Promise<void> {
  while (!isTrue()) {
    await new Promise<void>((resolve) => void simulation.schedule(1, resolve));
  }
}

function report(text: string): void {
  const { heapUsed } = Deno.memoryUsage();
  console.log(
    `${(performance.now() / 1_000).toFixed(1)} s: ${text} (heap ${
      Math.round(heapUsed / 2 ** 20)
    } MB)`,
  );
}
