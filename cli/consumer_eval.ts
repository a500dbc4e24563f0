/**
 * `consumer_eval`: measures throughput and latency of reading.
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

/** The command's declaration. */
export const spec: CommandSpec = {
  name: "consumer_eval",
  summary: "Measures reading with a number of consumers",
  details: [
    "Each consumer reads the whole topic, or its share of it with --group, and writes the records to",
    "consumer_<id>.txt as rows of topic,partition,key,value, or prints them. The command ends at",
    "Ctrl-C or at a limit given by --records or --seconds. Latency is the time from a record's",
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
    { name: "consumers", value: "<number>", help: "number of consumers", default: "1" },
    { name: "topic", value: "<topic>", help: "topic to read" },
    {
      name: "write",
      value: "<true|false>",
      help: "write records to files (true) or print them (false)",
      default: "true",
    },
    { name: "file-dir", value: "<directory>", help: "directory of the files", default: "." },
    ...BOOTSTRAP_FLAGS,
    ...BOUND_FLAGS,
    FROM_FLAG,
    { name: "group", value: "<id>", help: "group whose members share the partitions" },
    { name: "quiet", help: "measure only: neither write nor print records" },
  ],
  examples: [
    "millrace consumer_eval 2 chat true out 127.0.0.1 9092",
    "millrace consumer_eval --topic chat --quiet --records 1000000",
  ],
};

/** Receives the records of one consumer. */
type Sink = (records: readonly ConsumerRecord[]) => void;

/** Reads until a limit is reached or the process is interrupted. */
export async function run(args: Arguments): Promise<number> {
  const workers = args.whole("consumers", 1, 1_000);
  const group = args.optional("group");
  const isWriting = args.truth("write");
  const directory = args.text("file-dir");
  if (args.isOn("quiet")) args.reject(["write", "file-dir"], "with --quiet");
  if (!isWriting) args.reject(["file-dir"], "without --write true");
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
    // The last batch may exceed the limit.
    const taken = records.slice(0, Math.min(records.length, evaluation.limit - evaluation.count));
    const now = Date.now();
    for (const { timestamp } of taken) evaluation.latencies.add(now - timestamp);
    sink(taken);
    evaluation.counted(taken.length);
    if (evaluation.isStopped) return;
  }
}

/** Formats a record as a row of its file. */
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
      return "part of the path is a file, name a directory";
    case "EACCES":
    case "EPERM":
    case "EROFS":
      return "permission denied, choose another directory";
    default:
      return whyUnreadable(error);
  }
}
