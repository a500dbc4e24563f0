/**
 * Starts of a cluster and of a single node.
 *
 * @module
 */
import { type Side, startBroker } from "../kafka/brokers.ts";
import { residentMb, run } from "../kafka/process.ts";
import type { Samples } from "../kafka/samples.ts";
import { type ClusterSide, elapse, ProcessCluster, SEPARATE } from "./nodes.ts";
import { FIGURE, TEST } from "./rows.ts";

/** Time after which the memory of a new node is read. */
const SETTLE_MS = 1_000;

/** Starts three controllers and three brokers as processes, and with Millrace also in one process. */
export async function measureClusterStart(side: ClusterSide, samples: Samples): Promise<void> {
  await using cluster = await ProcessCluster.prepare({ side, nodes: SEPARATE });
  samples.add(side, TEST.start, FIGURE.processes, await cluster.startAll());
}

/** Starts a cluster several times in one process. */
export async function measureInProcess(samples: Samples): Promise<void> {
  const program = new URL("./in_process.ts", import.meta.url).pathname;
  const times = JSON.parse(await run([Deno.execPath(), "run", "-A", program])) as number[];
  const [first, ...next] = times;
  samples.add("millrace", TEST.start, FIGURE.firstInProcess, first!);
  for (const time of next) samples.add("millrace", TEST.start, FIGURE.inProcess, time);
}

/** Starts a node that is alone. */
export async function measureSingleNode(side: Side, samples: Samples): Promise<void> {
  await using broker = await startBroker(side);
  samples.add(side, TEST.single, FIGURE.ready, broker.readyAfterMs);
  await elapse(SETTLE_MS);
  samples.add(side, TEST.single, FIGURE.resident, residentMb(broker.pid));
}
