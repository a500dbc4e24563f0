/**
 * Sends the same requests to Apache Kafka and to Millrace, each a single node with equal settings
 * and contents. The responses must be equal in every field that is not explicitly ignored. For
 * intended differences, the case states the reason, and the responses must differ.
 *
 * @module
 */
import { hostRuntime } from "../../../src/runtime/host.ts";
import { findCoordinator } from "../../../src/protocol/messages/find_coordinator.ts";
import { deleteRecords } from "../../../src/protocol/messages/delete_records.ts";
import { produce } from "../../../src/protocol/messages/produce.ts";
import { encodeBatch } from "../../../src/protocol/records/batch.ts";
import { Broker, type BrokerCommand, freePort } from "../broker.ts";
import { Kafka } from "../kafka.ts";
import type { Setup } from "../setup.ts";
import type { Case } from "./case.ts";
import { CLUSTER_CASES } from "./cluster_cases.ts";
import { comparable, Peer } from "./peer.ts";
import { RECORDS_CASES } from "./records_cases.ts";

/** Options of a comparison. */
export interface CompareOptions {
  /** The command of our broker. */
  readonly command: BrokerCommand;
  /** Prints a line for each request, `ok compare …` or `not ok compare …: why`. */
  readonly print: (line: string) => void;
}

/** Settings of both brokers. */
const SETTINGS = [
  "auto.create.topics.enable=false",
  "group.initial.rebalance.delay.ms=0",
  "num.partitions=2",
];
const READY_WITHIN_MS = 60_000;
const RETRY_MS = 100;

/** Starts both brokers, fills them with data and compares their responses. */
export async function compare(setup: Setup, { command, print }: CompareOptions): Promise<void> {
  const kafka = await Kafka.install(setup);
  const root = await Deno.makeTempDir({ prefix: "millrace-compare-" });
  const brokers: Broker[] = [];
  const peers: Peer[] = [];
  try {
    const runtime = hostRuntime();
    const ours = [...command];
    for (const setting of SETTINGS) {
      if (!ours.includes(setting)) ours.push("--set", setting);
    }
    for (const name of ["Apache Kafka", "Millrace"]) {
      const port = freePort();
      const dir = `${root}/${name === "Millrace" ? "ours" : "kafkas"}`;
      const started = name === "Millrace" ? ours : await kafka.command(port, dir, SETTINGS);
      brokers.push(await Broker.start(started, port, dir));
      const peer = new Peer(name, runtime, port);
      peers.push(peer);
      await fill(peer);
    }
    const [theirs, own] = peers as [Peer, Peer];
    for (const each of [...RECORDS_CASES, ...CLUSTER_CASES]) {
      print(await compareOne(each, theirs, own));
    }
  } finally {
    for (const peer of peers) peer.close();
    for (const broker of brokers) await broker.kill();
    await Deno.remove(root, { recursive: true });
  }
}

async function compareOne(each: Case, theirs: Peer, own: Peer): Promise<string> {
  const { name, ignored = [], difference } = each;
  const answers: string[] = [];
  for (const peer of [theirs, own]) {
    try {
      answers.push(JSON.stringify(comparable(await each.run(peer), ignored)));
    } catch (error) {
      return `not ok compare ${name}: ${peer.name}: ${(error as Error).message}`;
    }
  }
  const [kafka, millrace] = answers;
  if (difference === undefined) {
    return kafka === millrace
      ? `ok compare ${name}`
      : `not ok compare ${name}: Kafka ${kafka}, Millrace ${millrace}`;
  }
  return kafka !== millrace
    ? `ok compare ${name} (differs: ${difference})`
    : `not ok compare ${name}: the responses are equal although a difference is expected`;
}

/** Creates the topics, records and groups that the cases use. */
async function fill(peer: Peer): Promise<void> {
  // The records are from 1970, so retention would delete them.
  await peer.createTopic("plain", 2, { "retention.ms": "-1" });
  await peer.createTopic("scratch", 1, { "retention.ms": "-1" });
  await peer.createTopic("compacted", 1, { "cleanup.policy": "compact" });
  await peer.createTopic("tiny", 1, { "max.message.bytes": "1000" });
  await peer.createTopic("dot.name", 1);
  // Apache Kafka's coordinator creates it automatically on the first request for a group.
  await peer.createTopic("__consumer_offsets", 2);
  for (let i = 0; i < 3; i++) {
    const records = [0, 1].map((n) => ({
      key: null,
      value: new TextEncoder().encode(`${i} ${n}`),
      timestamp: 1_000_000 + 1_000 * i,
    }));
    for (const index of [0, 1]) await append(peer, index, encodeBatch(records));
  }
  const trimmed = await peer.ask(deleteRecords, 2, {
    topics: [{ name: "plain", partitions: [{ partitionIndex: 1, offset: 2 }] }],
    timeoutMs: 5_000,
  });
  if (typeof trimmed === "string") throw new Error(`${peer.name}: DeleteRecords is ${trimmed}`);
  await until(`${peer.name} has a coordinator`, async () => {
    const answer = await peer.ask(findCoordinator, 4, {
      keyType: 0,
      coordinatorKeys: ["compared", "joined", "nothing"],
    });
    return typeof answer !== "string" &&
      answer.coordinators.every(({ errorCode }) => errorCode === 0);
  });
}

async function append(peer: Peer, index: number, records: Uint8Array): Promise<void> {
  await until(`${peer.name} accepts records`, async () => {
    const answer = await peer.ask(produce, 9, {
      acks: -1,
      timeoutMs: 5_000,
      topicData: [{ name: "plain", partitionData: [{ index, records }] }],
    });
    return typeof answer !== "string" &&
      answer.responses[0]!.partitionResponses[0]!.errorCode === 0;
  });
}

/** Waits for a leader or a coordinator. */
async function until(what: string, isTrue: () => Promise<boolean>): Promise<void> {
  const endMs = performance.now() + READY_WITHIN_MS;
  while (!await isTrue()) {
    if (performance.now() > endMs) throw new Error(`timed out waiting until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
  }
}
