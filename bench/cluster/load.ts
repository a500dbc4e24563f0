/**
 * A large change of the metadata, and no change at all.
 *
 * @module
 */
import { clearReport, longestTurnSince, PROBE } from "../loop_report.ts";
import { treeOf } from "../kafka/brokers.ts";
import { cpuSeconds } from "../kafka/process.ts";
import type { Samples } from "../kafka/samples.ts";
import { type ClusterSide, COMBINED, elapse, ProcessCluster, SEPARATE } from "./nodes.ts";
import { FIGURE, TEST } from "./rows.ts";

const TOPICS = 1_000;
const PARTITIONS = 3;
const CREATED_WITHIN_MS = 120_000;
/** The probe reports a turn when it ends. */
const REPORTED_MS = 100;

/** Time before idle CPU is measured: each node collects garbage once, about 30 s after its start. */
const SETTLE_MS = 40_000;
/** Time for which idle CPU is measured. */
const IDLE_MS = 20_000;

/** Creates 1,000 topics in one request, and measures the event loops of Millrace's nodes meanwhile. */
export async function measureTopics(side: ClusterSide, samples: Samples): Promise<void> {
  const directory = await Deno.makeTempDir({ prefix: "millrace-bench-loop-" });
  const reportOf = (id: number) => `${directory}/${id}`;
  try {
    for (const id of [1, 2, 3, 101, 102, 103]) clearReport(reportOf(id));
    await using cluster = await ProcessCluster.start({
      side,
      nodes: SEPARATE,
      ...(side === "millrace" && {
        preload: PROBE,
        env: (id) => ({ MILLRACE_LOOP_REPORT: reportOf(id), MILLRACE_LOOP_TREE: treeOf(side) }),
      }),
    });
    await using admin = cluster.admin(CREATED_WITHIN_MS);
    const { leaderId } = await admin.describeQuorum();
    await elapse(REPORTED_MS);
    const beganAt = Date.now();
    const began = performance.now();
    await admin.createTopics(
      Array.from({ length: TOPICS }, (_, i) => ({
        name: `many-${i}`,
        partitions: PARTITIONS,
        replicationFactor: 1,
      })),
    );
    samples.add(side, TEST.topics, FIGURE.created, performance.now() - began);
    if (side === "kafka") return;
    await elapse(REPORTED_MS);
    const longest = (id: number) => longestTurnSince(reportOf(id), beganAt);
    samples.add(side, TEST.topics, FIGURE.controllerTurn, longest(leaderId));
    samples.add(side, TEST.topics, FIGURE.brokerTurn, Math.max(...cluster.brokers.map(longest)));
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

/** Measures the CPU time of three nodes with both roles, without clients. */
export async function measureIdle(side: ClusterSide, samples: Samples): Promise<void> {
  await using cluster = await ProcessCluster.start({ side, nodes: COMBINED });
  await elapse(SETTLE_MS);
  const { pids } = cluster;
  const cpu = () => sum(pids.map(cpuSeconds));
  const switches = () => sum(pids.map(voluntarySwitches));
  const [cpuBefore, switchesBefore] = [cpu(), switches()];
  await elapse(IDLE_MS);
  const seconds = IDLE_MS / 1000;
  samples.add(side, TEST.idle, FIGURE.cpu, (cpu() - cpuBefore) / seconds * 100);
  samples.add(side, TEST.idle, FIGURE.switches, (switches() - switchesBefore) / seconds);
}

/** Returns how often threads of the process have waited for something. */
function voluntarySwitches(pid: number): number {
  const tasks = `/proc/${pid}/task`;
  return sum(
    [...Deno.readDirSync(tasks)].map(({ name }) => {
      try {
        const status = Deno.readTextFileSync(`${tasks}/${name}/status`);
        return Number(/^voluntary_ctxt_switches:\s+(\d+)/m.exec(status)?.[1]);
      } catch (error) {
        // The thread has ended since.
        if (error instanceof Deno.errors.NotFound) return 0;
        throw error;
      }
    }),
  );
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
