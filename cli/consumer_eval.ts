/**
 * `consumer_eval`: how fast, and how soon, records are read.
 *
 * @module
 */
import { Consumer, type ConsumerOptions, type ConsumerRecord } from "../src/client/mod.ts";
import type { Arguments, CommandSpec } from "./args.ts";
import { BOOTSTRAP_FLAGS, FROM_FLAG, parseFrom } from "./client_flags.ts";
import { formatRecord } from "./consumer.ts";
import { csvRow } from "./csv.ts";
import { BOUND_FLAGS, Evaluation } from "./evaluation.ts";
import { CommandError } from "./fail.ts";
import { createTextFile, host, type TextFile } from "./host.ts";
import { whyUnreadable } from "./topics_file.ts";

/** How it is called. */
export const spec: CommandSpec = {
  name: "consumer_eval",
  summary: "Measures reading: so many consumers, each all of the topic, or sharing it with --group",
  details: [
    "Each consumer writes what it reads to consumer_<id>.txt, as rows of topic,partition,key,value,",
    "or prints it. It ends at Ctrl-C, or as --records or --seconds say. Latency is from a record's",
    "timestamp to its arrival.",
  ],
  positionals: [
    { name: "<num_consumer>", flag: "consumers" },
    { name: "<topic>", flag: "topic" },
    { name: "<write_to_file>", flag: "write" },
    { name: "<file dir>", flag: "file-dir" },
    { name: "<bootstrap ip>", flag: "host" },
    { name: "<bootstrap port>", flag: "port" },
  ],
  flags: [
    { name: "consumers", value: "<number>", help: "how many read", default: "1" },
    { name: "topic", value: "<topic>", help: "what they read" },
    { name: "write", value: "<true|false>", help: "write to files, or print", default: "true" },
    { name: "file-dir", value: "<directory>", help: "where the files go", default: "." },
    ...BOOTSTRAP_FLAGS,
    ...BOUND_FLAGS,
    FROM_FLAG,
    { name: "group", value: "<id>", help: "share the partitions as members of this group" },
    { name: "quiet", help: "neither write nor print, only measure" },
  ],
  examples: [
    "millrace consumer_eval 2 chat true out 127.0.0.1 9092",
    "millrace consumer_eval --topic chat --quiet --records 1000000",
  ],
};

/** Where one consumer's records go. */
type Sink = (records: readonly ConsumerRecord[]) => void;

/** Reads until a bound is reached or it is told to end. */
export async function run(args: Arguments): Promise<number> {
  const workers = args.whole("consumers", 1, 1_000);
  const group = args.optional("group");
  const isWriting = args.truth("write");
  const directory = args.text("file-dir");
  if (args.isOn("quiet")) args.refuse(["write", "file-dir"], "with --quiet");
  if (!isWriting) args.refuse(["file-dir"], "without --write true");
  const options: ConsumerOptions = {
    bootstrapServers: args.bootstrapServers(),
    topics: args.text("topic"),
    from: parseFrom(args.text("from")),
    ...(group === undefined ? {} : { groupId: group }),
  };
  const evaluation = new Evaluation("Consumer", args);
  const files: TextFile[] = [];
  const consumers: Consumer[] = [];
  try {
    const sinks = Array.from({ length: workers }, (_, i): Sink => {
      if (args.isOn("quiet")) return () => {};
      if (!isWriting) return (records) => host.write(records.map(formatRecord).join(""));
      const file = createFile(directory, `consumer_${i + 1}.txt`);
      files.push(file);
      return (records) => records.forEach((record) => file.write(rowOf(record)));
    });
    for (let i = 1; i <= workers; i++) {
      consumers.push(new Consumer({ ...options, clientId: `consumer_eval-${i}` }));
    }
    evaluation.begin();
    evaluation.onStop(() => consumers.forEach((consumer) => consumer.close()));
    await Promise.all(consumers.map((consumer, i) => read(consumer, sinks[i]!, evaluation)));
  } finally {
    evaluation.stop();
    await Promise.all(consumers.map((consumer) => consumer.close()));
    for (const file of files) file.close();
  }
  evaluation.report();
  return 0;
}

async function read(consumer: Consumer, sink: Sink, evaluation: Evaluation): Promise<void> {
  try {
    await consumer.start();
  } catch (error) {
    if (evaluation.isStopped) return;
    throw error;
  }
  evaluation.started();
  for await (const records of consumer.batches) {
    // The last batch may go beyond what was asked for.
    const taken = records.slice(0, Math.min(records.length, evaluation.limit - evaluation.count));
    const now = Date.now();
    for (const { timestamp } of taken) evaluation.latencies.add(now - timestamp);
    sink(taken);
    evaluation.counted(taken.length);
    if (evaluation.isStopped) return;
  }
}

/** A record as a row of its file. */
export function rowOf({ topic, partition, keyText, valueText }: ConsumerRecord): string {
  return csvRow([topic, partition, keyText ?? "", valueText ?? ""]);
}

function createFile(directory: string, name: string): TextFile {
  const path = `${directory}/${name}`;
  try {
    host.makeDirectory(directory);
    return createTextFile(path);
  } catch (error) {
    throw new CommandError(`Cannot write "${path}": ${whyUnwritable(error)}`);
  }
}

function whyUnwritable(error: unknown): string {
  switch ((error as { code?: string }).code) {
    case "EEXIST":
    case "ENOTDIR":
      return "a part of the path is a file, name a directory";
    case "EACCES":
    case "EPERM":
    case "EROFS":
      return "permission denied, choose another directory";
    default:
      return whyUnreadable(error);
  }
}
