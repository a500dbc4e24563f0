/**
 * The rows of the table: measurements, units and targets.
 *
 * @module
 */

/** A target: a bound on the ratio to Kafka's figure, or on Millrace's figure. */
export interface Target {
  readonly of: "ratio" | "figure";
  readonly most?: number;
  readonly least?: number;
}

/** A row of the table. */
export interface Row {
  /** The test that measures it, selected by `--only`. */
  readonly test: string;
  readonly figure: string;
  readonly unit: string;
  readonly target: Target | null;
}

/** The tests with many records: names, sizes and numbers. */
export const SIZES = [
  { size: 100, count: 2_000_000, name: "100 B × 2 M" },
  { size: 1000, count: 500_000, name: "1 KB × 500 k" },
] as const;

/** `acks` of the producer. */
export const ACKS = ["1", "all"] as const;

/** Returns the name of a produce test. */
export function produceTest(name: string, acks: string): string {
  return `produce ${name}, acks=${acks}`;
}

/** Returns the name of a consume test. */
export function consumeTest(name: string): string {
  return `consume ${name}`;
}

/** Number of partitions of the test with many partitions. */
export const MANY_PARTITIONS = 2_000;

/** Names of the restart tests. */
export const RESTART_KILLED = "restart after kill -9, 2 GB in 20 partitions";
export const RESTART_MANY = "restart in order, 2,000 partitions";

const most = (bound: number, of: Target["of"] = "ratio"): Target => ({ of, most: bound });
const least = (bound: number): Target => ({ of: "ratio", least: bound });

/** Every row, in the order of the table. */
export const ROWS: readonly Row[] = [
  ...SIZES.flatMap(({ name }) =>
    ACKS.flatMap((acks): Row[] => [
      row(produceTest(name, acks), "broker CPU", "s", most(0.45)),
      row(produceTest(name, acks), "rate", "records/s", least(1.4)),
    ])
  ),
  ...SIZES.flatMap(({ name }): Row[] => [
    row(consumeTest(name), "broker CPU", "s", most(1.2)),
    row(consumeTest(name), "rate", "records/s", least(0.9)),
  ]),
  row("round trips", "broker CPU each", "µs", most(0.2)),
  row("round trips", "p50", "ms", null),
  row("round trips", "p99", "ms", null),
  row("end to end", "p50", "ms", most(0.7)),
  row("end to end", "p99", "ms", most(1)),
  row("end to end", "broker CPU each", "µs", most(0.2)),
  row("start", "launch to ready", "ms", most(100, "figure")),
  row("start", "launch to first acknowledged record", "ms", null),
  row("in process", "first startCluster()", "ms", null),
  row("in process", "startCluster() from then on", "ms", most(10, "figure")),
  row("idle", "resident when fresh", "MB", most(60, "figure")),
  row("idle", "CPU of a core", "%", most(0.5, "figure")),
  row("idle connections", "resident each", "KB", most(16, "figure")),
  row(RESTART_KILLED, "launch to ready", "ms", most(1000, "figure")),
  row(RESTART_KILLED, "launch to a record in every partition", "ms", most(1000, "figure")),
  row(RESTART_MANY, "launch to ready", "ms", most(1000, "figure")),
  row(RESTART_MANY, "launch to a record", "ms", null),
  row(RESTART_MANY, "resident", "MB", most(200, "figure")),
  row("memory", "resident after everything", "MB", most(130, "figure")),
];

function row(test: string, figure: string, unit: string, target: Target | null): Row {
  return { test, figure, unit, target };
}

/** The name of every test. */
export const TESTS: readonly string[] = [...new Set(ROWS.map(({ test }) => test))];
