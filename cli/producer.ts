/**
 * `producer`: sends records that are typed or piped in.
 *
 * @module
 */
import { Producer, type RecordMetadata } from "../src/client/mod.ts";
import { TextLineStream } from "@std/streams/text-line-stream";
import type { Arguments, CommandSpec } from "./args.ts";
import { BOOTSTRAP_FLAGS, BOOTSTRAP_POSITIONALS } from "./client_flags.ts";
import { explain } from "./fail.ts";
import { host } from "./host.ts";
import { columns, print, printError, whole } from "./output.ts";

const PROMPT = "producer> ";

/** The command's declaration. */
export const spec: CommandSpec = {
  name: "producer",
  summary: "Sends records typed or piped in",
  details: [
    "Input lines: send <topic> <key> <value…>, batch <topic> <key> <v1,v2,…>, help, quit.",
  ],
  positionals: [{ name: "<my_id>", flag: "id" }, ...BOOTSTRAP_POSITIONALS],
  flags: [
    {
      name: "id",
      value: "<number>",
      help: "number in this client's name, producer-<id>",
      default: "1",
    },
    ...BOOTSTRAP_FLAGS,
    {
      name: "acks",
      value: "<all|1|0>",
      help: "acknowledgements required for a record",
      default: "all",
    },
  ],
  examples: [
    "millrace producer 1 127.0.0.1 9092",
    'echo "send chat alice hello there" | millrace producer',
  ],
};

/** A parsed input line. */
export type ProducerLine =
  | { readonly kind: "nothing" }
  | { readonly kind: "help" }
  | { readonly kind: "quit" }
  | { readonly kind: "wrong"; readonly message: string }
  | {
    readonly kind: "send";
    readonly topic: string;
    readonly key: string;
    readonly values: readonly string[];
  };

const USAGE = {
  send: "send <topic> <key> <value…>",
  batch: "batch <topic> <key> <v1,v2,…>",
} as const;

/** Parses an input line. The value of `send` keeps its blanks. */
export function parseLine(line: string): ProducerLine {
  const [, word = "", rest = ""] = /^\s*(\S*)\s*(.*)$/s.exec(line) ?? [];
  switch (word) {
    case "":
      return { kind: "nothing" };
    case "help":
      return { kind: "help" };
    case "quit":
    case "exit":
      return { kind: "quit" };
    case "send":
    case "batch": {
      const match = /^(\S+)\s+(\S+)\s(.+)$/s.exec(rest);
      if (match === null) return { kind: "wrong", message: `Write it as: ${USAGE[word]}` };
      const [, topic = "", key = "", value = ""] = match;
      const values = word === "send" ? [value] : value.split(",").map((one) => one.trim());
      return { kind: "send", topic, key, values };
    }
    default:
      return { kind: "wrong", message: `"${word}" is not a command: try help` };
  }
}

/** Sends records until the end of the input or `quit`. */
export async function run(args: Arguments): Promise<number> {
  const id = args.whole("id", 0, 2_147_483_647);
  const bootstrapServers = args.bootstrapServers();
  const acks = args.oneOf("acks", ["all", "1", "0"]);
  const producer = await Producer.connect({
    bootstrapServers,
    clientId: `producer-${id}`,
    acks: acks === "all" ? "all" : acks === "1" ? 1 : 0,
  });
  if (host.isInputTerminal) print(`Connected to ${bootstrapServers}, "help" lists the commands`);
  // No prompt in the output of a script.
  const prompt = () => host.isInputTerminal && host.write(PROMPT);
  let failures = 0;
  const lines = host.input()
    .pipeThrough(new TextDecoderStream() as TransformStream<Uint8Array<ArrayBuffer>, string>)
    .pipeThrough(new TextLineStream());
  let isSending = false;
  host.onInterrupt(() => {
    // No record is in flight between two lines.
    if (host.isInputTerminal) print();
    producer.close().finally(() => host.exit(isSending ? 1 : 0));
  });
  prompt();
  for await (const text of lines) {
    const line = parseLine(text);
    if (line.kind === "quit") break;
    isSending = true;
    if (!await answer(producer, line)) failures++;
    isSending = false;
    prompt();
  }
  await producer.close();
  if (failures > 0 && !host.isInputTerminal) return 1;
  return 0;
}

/** Executes a line. Returns whether it succeeded. */
async function answer(producer: Producer, line: ProducerLine): Promise<boolean> {
  switch (line.kind) {
    case "help":
      for (
        const row of columns([
          [USAGE.send, "send one record"],
          [USAGE.batch, "send one record for each value"],
          ["help", "show this help"],
          ["quit", "exit, like the end of the input"],
        ], 2)
      ) print(row);
      return true;
    case "wrong":
      printError(line.message);
      return false;
    case "send": {
      const { topic, key, values } = line;
      const sent = await Promise.allSettled(
        values.map((value) => producer.send({ topic, key, value })),
      );
      const failed = sent.find((one) => one.status === "rejected");
      if (failed !== undefined) {
        printError(explain(failed.reason).message);
        return false;
      }
      print(receipt(sent.map((one) => (one as PromiseFulfilledResult<RecordMetadata>).value)));
      return true;
    }
    default:
      return true;
  }
}

/** Describes where records were written. All have the same key, so the same partition. */
function receipt(records: readonly RecordMetadata[]): string {
  const { topic, partition, offset } = records[0]!;
  const count = records.length === 1 ? "1 record" : `${whole(records.length)} records`;
  if (offset < 0) return `sent ${count} to ${topic}-${partition}`;
  const last = records.at(-1)!.offset;
  const place = last === offset ? `offset ${offset}` : `offsets ${offset} to ${last}`;
  return `sent ${count} to ${topic}-${partition} at ${place}`;
}
