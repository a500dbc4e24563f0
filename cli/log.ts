/**
 * `log`: shows and verifies the files of a data directory.
 *
 * @module
 */
import {
  type DecoderName,
  describeDamage,
  dumpLogFile,
  verifyDataDirectory,
} from "../src/inspect/mod.ts";
import type { Arguments, CommandSpec } from "./args.ts";
import { UsageError } from "./fail.ts";
import { print, printError, whole } from "./output.ts";

const DECODERS: readonly DecoderName[] = [
  "offsets",
  "transaction-log",
  "cluster-metadata",
  "share-group-state",
];

/** The flags of dump that print records. */
const SHOW_RECORDS = [
  "deep",
  "deep-iteration",
  "print-data-log",
  ...DECODERS.map((name) => `${name}-decoder`),
];

/** The flags that apply to dump only. */
const DUMP_FLAGS = [
  "files",
  "deep-iteration",
  "print-data-log",
  ...DECODERS.map((name) => `${name}-decoder`),
  "skip-record-metadata",
  "max-bytes",
  "verify-index-only",
  "index-sanity-check",
];

/** The command's declaration. */
export const spec: CommandSpec = {
  name: "log",
  summary: "Shows and verifies the files of a data directory of Millrace or Apache Kafka",
  details: [
    "dump prints .log, .index, .timeindex, .snapshot, .txnindex and .checkpoint files as Kafka's dump",
    "tool does, and accepts its flags except --remote-log-metadata-decoder, decoder classes and",
    "--max-message-size. A decoder prints keys and values as the records of one of Kafka's internal",
    "topics; records that it cannot decode are reported as such.",
    "",
    "verify checks whole data directories: checksums and offsets of batches, indexes, snapshots and",
    "checkpoints. Its exit code is 1 if something is wrong.",
    "",
    "Neither changes any file.",
  ],
  positionals: [{ name: "<action>", flag: "action" }, { name: "<path>…", flag: "path" }],
  optionalPositionals: 1,
  flags: [
    { name: "action", value: "<action>", help: "dump or verify" },
    {
      name: "path",
      value: "<path>",
      help: "file to dump, or data directory to verify",
      isList: true,
    },
    {
      name: "files",
      value: "<a,b>",
      help: "dump: files separated by commas, as in Kafka's tool",
    },
    { name: "deep", help: "include records: dump prints them, verify decodes them" },
    { name: "deep-iteration", help: "dump: the same as --deep" },
    { name: "print-data-log", help: "dump: print keys and values as text" },
    {
      name: "offsets-decoder",
      help: "dump: print keys and values as records of __consumer_offsets",
    },
    {
      name: "transaction-log-decoder",
      help: "dump: print keys and values as records of __transaction_state",
    },
    { name: "cluster-metadata-decoder", help: "dump: print values as records of the metadata log" },
    {
      name: "share-group-state-decoder",
      help: "dump: print keys and values as records of __share_group_state",
    },
    { name: "skip-record-metadata", help: "dump: print only keys and values of records" },
    { name: "max-bytes", value: "<bytes>", help: "dump: number of bytes to read of a log" },
    { name: "verify-index-only", help: "dump: check an index against its log without printing it" },
    { name: "index-sanity-check", help: "dump: check only the internal consistency of an index" },
  ],
  examples: [
    "millrace log dump data/events-0/00000000000000000000.log --deep",
    "millrace log dump data/__cluster_metadata-0/*.log --print-data-log",
    "millrace log dump data/__consumer_offsets-7/*.log --offsets-decoder",
    "millrace log verify data",
  ],
};

/** Dumps files or verifies directories. */
export async function run(args: Arguments): Promise<number> {
  const action = args.oneOf("action", ["dump", "verify"]);
  const paths = [
    ...args.list("path"),
    ...(action === "dump" ? args.optional("files")?.split(",") ?? [] : []),
  ];
  if (action === "verify") args.reject(DUMP_FLAGS, 'with "log verify"');
  else rejectTogether(args);
  if (paths.length === 0) {
    const what = action === "dump" ? "a file" : "a data directory";
    throw new UsageError(`"log ${action}" needs ${what}, see "millrace log --help"`);
  }
  return action === "dump" ? await dump(args, paths) : await verify(args, paths);
}

/** Throws a UsageError for flags that exclude each other. */
function rejectTogether(args: Arguments): void {
  const choices = [
    DECODERS.map((name) => `${name}-decoder`),
    ["verify-index-only", "index-sanity-check"],
  ];
  for (const choice of choices) {
    const [one, other] = choice.filter((flag) => args.isOn(flag));
    if (other !== undefined) {
      throw new UsageError(`--${one} and --${other} exclude each other: give only one`);
    }
  }
  if (!SHOW_RECORDS.some((flag) => args.isOn(flag))) {
    args.reject(["skip-record-metadata"], "without --deep, --print-data-log or a decoder");
  }
}

async function dump(args: Arguments, paths: readonly string[]): Promise<number> {
  const problems: string[] = [];
  const decoder = DECODERS.find((name) => args.isOn(`${name}-decoder`));
  const maxBytes = args.optionalWhole("max-bytes", 1, Number.MAX_SAFE_INTEGER);
  for (const path of paths) {
    const lines = dumpLogFile(path, {
      deep: args.isOn("deep") || args.isOn("deep-iteration"),
      printData: args.isOn("print-data-log"),
      ...(decoder === undefined ? {} : { decoder }),
      skipRecordMetadata: args.isOn("skip-record-metadata"),
      verifyIndexOnly: args.isOn("verify-index-only"),
      indexSanityCheck: args.isOn("index-sanity-check"),
      ...(maxBytes === undefined ? {} : { maxBytes }),
      onProblem: (line) => void problems.push(line),
    });
    let text = "";
    for await (const line of lines) {
      text += `${line}\n`;
      if (text.length < 65_536) continue;
      print(text.slice(0, -1));
      text = "";
    }
    if (text !== "") print(text.slice(0, -1));
  }
  for (const problem of problems) printError(problem);
  return problems.length === 0 ? 0 : 1;
}

async function verify(args: Arguments, paths: readonly string[]): Promise<number> {
  let isWhole = true;
  for (const path of paths) {
    const { partitions, segments, batches, bytes, damages } = await verifyDataDirectory(path, {
      deep: args.isOn("deep"),
      onDamage: (damage) => print(describeDamage(damage)),
    });
    const checked = `${whole(partitions)} partitions, ${whole(segments)} segments, ` +
      `${whole(batches)} batches, ${whole(bytes)} bytes`;
    const count = damages.length;
    const found = count === 0 ? "no damage" : `${whole(count)} damage${count === 1 ? "" : "s"}`;
    print(`${path}: ${found} (${checked})`);
    isWhole &&= count === 0;
  }
  return isWhole ? 0 : 1;
}
