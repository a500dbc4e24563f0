/**
 * The rows of the table: names, figures, units and targets.
 *
 * @module
 */

/** A row of the table. */
export interface Row {
  /** The test that measures it, selected by `--only`. */
  readonly test: string;
  readonly figure: string;
  readonly unit: string;
  /** The most that Millrace's median may be, or null. */
  readonly mostMedian?: number;
  /** The most that the worst of Millrace's figures may be, or null. */
  readonly mostWorst?: number;
  /** The most by which Millrace's median may exceed that of the tree before. */
  readonly mostMore?: number;
}

/** The names of the tests. */
export const TEST = {
  start: "3 controllers + 3 brokers",
  single: "single node",
  controllerKilled: "kill -9 of the active controller",
  brokerKilled: "kill -9 of a broker",
  brokerIsolated: "isolation of a broker",
  topics: "1,000 topics × 3 partitions, 3 brokers",
  idle: "idle cluster of 3 combined nodes",
} as const;

/** The names of the figures. */
export const FIGURE = {
  processes: "launch to all serving",
  firstInProcess: "in one process, first start",
  inProcess: "in one process, from then on",
  ready: "launch to ready",
  resident: "resident after 1 s",
  changed: "next metadata change acknowledged",
  fenced: "not in the metadata",
  serves: "launch to serving again",
  created: "created",
  controllerTurn: "longest turn, active controller",
  brokerTurn: "longest turn, brokers",
  cpu: "CPU of a core",
  switches: "voluntary context switches",
} as const;

/** Millrace's default of `broker.session.timeout.ms`. Kafka's is 9,000. */
const SESSION_TIMEOUT_MS = 3_000;

/** Every row, in the order of the table. */
export const ROWS: readonly Row[] = [
  { test: TEST.start, figure: FIGURE.processes, unit: "ms", mostMedian: 1_000 },
  { test: TEST.start, figure: FIGURE.firstInProcess, unit: "ms" },
  { test: TEST.start, figure: FIGURE.inProcess, unit: "ms", mostMedian: 150 },
  { test: TEST.single, figure: FIGURE.ready, unit: "ms", mostMore: 10 },
  { test: TEST.single, figure: FIGURE.resident, unit: "MB", mostMore: 4 },
  {
    test: TEST.controllerKilled,
    figure: FIGURE.changed,
    unit: "ms",
    mostMedian: 400,
    mostWorst: 1_000,
  },
  { test: TEST.brokerKilled, figure: FIGURE.fenced, unit: "ms", mostMedian: 300 },
  { test: TEST.brokerKilled, figure: FIGURE.serves, unit: "ms", mostMedian: 300 },
  {
    test: TEST.brokerIsolated,
    figure: FIGURE.fenced,
    unit: "ms",
    mostMedian: SESSION_TIMEOUT_MS + 500,
  },
  { test: TEST.topics, figure: FIGURE.created, unit: "ms", mostMedian: 1_000 },
  { test: TEST.topics, figure: FIGURE.controllerTurn, unit: "ms", mostWorst: 20 },
  { test: TEST.topics, figure: FIGURE.brokerTurn, unit: "ms", mostWorst: 20 },
  { test: TEST.idle, figure: FIGURE.cpu, unit: "%", mostMedian: 1.5 },
  { test: TEST.idle, figure: FIGURE.switches, unit: "1/s" },
];

/** The name of every test. */
export const TESTS: readonly string[] = Object.values(TEST);
