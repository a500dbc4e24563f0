/**
 * `consumer`: prints the records of a topic as they arrive.
 *
 * @module
 */
import { Consumer, type ConsumerRecord } from "../src/client/mod.ts";
import type { Arguments, CommandSpec } from "./args.ts";
import { BOOTSTRAP_FLAGS, BOOTSTRAP_POSITIONALS, FROM_FLAG, parseFrom } from "./client_flags.ts";
import { host } from "./host.ts";

/** The command's declaration. */
export const spec: CommandSpec = {
  name: "consumer",
  summary: "Prints a topic's records as [topic-partition-offset]: (key:value), until Ctrl-C",
  positionals: [
    { name: "<my_id>", flag: "id" },
    ...BOOTSTRAP_POSITIONALS,
    { name: "<topic>", flag: "topic" },
  ],
  flags: [
    {
      name: "id",
      value: "<number>",
      help: "number in this client's name, consumer-<id>",
      default: "1",
    },
    ...BOOTSTRAP_FLAGS,
    { name: "topic", value: "<topic>", help: "topic to read" },
    FROM_FLAG,
    {
      name: "group",
      value: "<id>",
      help: "read as a member of this group, which stores offsets",
    },
    { name: "count", value: "<number>", help: "exit after this number of records" },
  ],
  examples: [
    "millrace consumer 1 127.0.0.1 9092 chat",
    "millrace consumer --topic chat --from latest",
  ],
};

/** Prints records until the count is reached or the process is interrupted. */
export async function run(args: Arguments): Promise<number> {
  const id = args.whole("id", 0, 2_147_483_647);
  const count = args.optionalWhole("count", 1, 1_000_000_000) ?? Infinity;
  const group = args.optional("group");
  const consumer = new Consumer({
    bootstrapServers: args.bootstrapServers(),
    clientId: `consumer-${id}`,
    topics: args.text("topic"),
    from: parseFrom(args.text("from")),
    ...(group === undefined ? {} : { groupId: group }),
  });
  host.onInterrupt(() => {
    consumer.close();
  });
  try {
    let left = count;
    for await (const records of consumer.batches) {
      const shown = records.slice(0, left);
      host.write(shown.map(formatRecord).join(""));
      left -= shown.length;
      if (left === 0) break;
    }
  } finally {
    await consumer.close();
  }
  return 0;
}

/** Formats a record as a line. */
export function formatRecord(record: ConsumerRecord): string {
  const { topic, partition, offset, keyText, valueText } = record;
  return `[${topic}-${partition}-${offset}]: (${keyText}:${valueText})\n`;
}
