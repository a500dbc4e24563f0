/**
 * The load tests: many records sent and read by Kafka's own tools, and single records in sequence.
 *
 * @module
 */
import { Admin } from "../../mod.ts";
import type { RunningBroker } from "./brokers.ts";
import { consumerPerformance, latency, producerPerformance, sentFor } from "./java_tools.ts";
import { cpuSeconds, machineUse } from "./process.ts";
import { ACKS, consumeTest, produceTest, SIZES } from "./rows.ts";
import type { Samples } from "./samples.ts";

/** Enough that the client's warm-up affects less than 1% of them. */
const LATENCY_COUNT = 20_000;

/** Time after which the files of a deleted topic are removed: `log.segment.delete.delay.ms` is 1 s. */
const FILES_REMOVED_MS = 2_000;

/** Options of the tests. */
export interface LoadOptions {
  /** Factor for the number of records. */
  readonly scale: number;
  isWanted(test: string): boolean;
}

/** A group of tests on one topic. The brokers alternate group by group. */
export type LoadGroup = (broker: RunningBroker, samples: Samples) => Promise<void>;

/** Returns the groups that contain a selected test. */
export function loadGroups({ scale, isWanted }: LoadOptions): LoadGroup[] {
  const groups: LoadGroup[] = [];
  for (const { size, count, name } of SIZES) {
    const records = Math.ceil(count * scale);
    const consumes = isWanted(consumeTest(name));
    const acks = ACKS.filter((acks) => isWanted(produceTest(name, acks)));
    if (acks.length === 0 && !consumes) continue;
    groups.push((broker, samples) =>
      withTopic(broker, async (topic) => {
        for (const one of acks.length === 0 ? ACKS : acks) {
          await measure(broker, samples, produceTest(name, one), async () => ({
            rate: await producerPerformance(broker.address, topic, records, size, one),
          }));
        }
        if (!consumes || broker.side === "floor") return;
        const stored = records * (acks.length || ACKS.length);
        await measure(broker, samples, consumeTest(name), async () => ({
          rate: await consumerPerformance(broker.address, topic, stored),
        }));
      })
    );
  }
  const count = Math.max(500, Math.ceil(LATENCY_COUNT * scale));
  for (const [test, kind] of [["round trips", "roundtrips"], ["end to end", "endtoend"]] as const) {
    if (!isWanted(test)) continue;
    groups.push(async (broker, samples) => {
      // It stores nothing for a consumer.
      if (broker.side === "floor" && kind === "endtoend") return;
      await withTopic(broker, (topic) =>
        measure(broker, samples, test, async (cpu) => {
          const { p50, p99 } = await latency(kind, broker.address, topic, count);
          return { p50, p99, "broker CPU each": cpu() * 1e6 / sentFor(count) };
        }));
    });
  }
  return groups;
}

let topicCount = 0;

async function withTopic(
  { address }: RunningBroker,
  use: (topic: string) => Promise<void>,
): Promise<void> {
  const name = `bench-${++topicCount}`;
  await using admin = new Admin({ bootstrapServers: address });
  await admin.createTopics([{ name, partitions: 1, replicationFactor: 1 }]);
  await use(name);
  await admin.deleteTopics([name]);
  // Otherwise the broker would remove the files during its next test.
  await new Promise((resolve) => setTimeout(resolve, FILES_REMOVED_MS));
}

/** Runs `work` and records its figures and the broker's CPU time. */
async function measure(
  { side, pid }: RunningBroker,
  samples: Samples,
  test: string,
  work: (brokerCpu: () => number) => Promise<Record<string, number>>,
): Promise<void> {
  const began = performance.now();
  const cpuBefore = cpuSeconds(pid);
  const machineBefore = machineUse();
  const brokerCpu = () => cpuSeconds(pid) - cpuBefore;
  const figures = await work(brokerCpu);
  const cpu = brokerCpu();
  const machine = machineUse();
  const clients = machine.children - machineBefore.children;
  const others = machine.busy - machineBefore.busy - cpu - clients;
  const capacity = navigator.hardwareConcurrency * (performance.now() - began) / 1000;
  samples.add(side, test, "broker CPU", cpu, others / capacity);
  for (const [figure, value] of Object.entries(figures)) samples.add(side, test, figure, value);
}
