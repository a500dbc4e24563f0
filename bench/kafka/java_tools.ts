/**
 * Apache Kafka's own performance tools, and our small `Latency.java`, run against a broker.
 *
 * @module
 */
import { java } from "./environment.ts";
import { run } from "./process.ts";

/** The heap that Kafka's scripts use for its tools. */
const TOOL_HEAP = ["-Xmx512M"];

/** Sends `count` records of `size` bytes as fast as possible. Returns the records per second. */
export async function producerPerformance(
  address: string,
  topic: string,
  count: number,
  size: number,
  acks: string,
): Promise<number> {
  const text = await run([
    ...java(TOOL_HEAP, "org.apache.kafka.tools.ProducerPerformance"),
    ...["--bootstrap-server", address, "--topic", topic],
    ...["--num-records", String(count), "--record-size", String(size), "--throughput", "-1"],
    ...["--command-property", `acks=${acks}`],
  ]);
  const summary = new RegExp(`^${count} records sent, ([\\d.]+) records/sec`, "m").exec(text);
  if (summary === null) throw new Error(`ProducerPerformance did not send everything: ${text}`);
  return Number(summary[1]);
}

/** Reads `count` records from the start of the topic in a group. Returns the records per second after joining. */
export async function consumerPerformance(
  address: string,
  topic: string,
  count: number,
): Promise<number> {
  const text = await run([
    ...java(TOOL_HEAP, "org.apache.kafka.tools.ConsumerPerformance"),
    ...["--bootstrap-server", address, "--topic", topic, "--num-records", String(count)],
    ...["--timeout", "30000", "--hide-header"],
  ]);
  // start, end, MB, MB/s, records, records/s, joining ms, fetching ms, fetched MB/s, fetched records/s
  const values = text.trim().split("\n").at(-1)!.split(",").map((value) => value.trim());
  if (values.length < 10 || Number(values[4]) < count) {
    throw new Error(`ConsumerPerformance did not read everything: ${text}`);
  }
  return Number(values[9]);
}

/** Percentiles in milliseconds. */
export interface Percentiles {
  readonly p50: number;
  readonly p99: number;
}

/** Returns the number of records that {@linkcode latency} sends to measure `count`. */
export function sentFor(count: number): number {
  return count + Math.max(100, Math.floor(count / 5));
}

/** Sends records of 100 bytes one at a time; see `Latency.java`. */
export async function latency(
  kind: "roundtrips" | "endtoend",
  address: string,
  topic: string,
  count: number,
): Promise<Percentiles> {
  const text = await run([
    ...java(TOOL_HEAP, "Latency"),
    ...[kind, address, topic, String(count), "100", "1"],
  ]);
  const [p50, p99] = text.trim().split("\n").at(-1)!.split(" ").map((value) =>
    Number(value) / 1000
  );
  return { p50: p50!, p99: p99! };
}
