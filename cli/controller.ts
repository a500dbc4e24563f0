/**
 * `controller`: a controller in a process of its own.
 *
 * @module
 */
import type { Arguments, CommandSpec } from "./args.ts";
import { CommandError } from "./fail.ts";
import { readTopicsFile } from "./topics_file.ts";

/** How it is called. */
export const spec: CommandSpec = {
  name: "controller",
  summary: "Runs the controller of a cluster (not in this version: use start)",
  positionals: [
    { name: "<my_id>", flag: "id" },
    { name: "<my_ip>", flag: "host" },
    { name: "<my_port>", flag: "port" },
    { name: "<num_brokers>", flag: "brokers" },
    { name: "<topic json path>", flag: "topics" },
    { name: "<log file path>", flag: "log" },
    { name: "<load_balance_leaders_flag>", flag: "balance-leaders" },
  ],
  flags: [
    { name: "id", value: "<number>", help: "the controller's node id", default: "1" },
    { name: "host", value: "<ip>", help: "the address to listen on", default: "127.0.0.1" },
    { name: "port", value: "<port>", help: "its port", default: "9093" },
    { name: "brokers", value: "<number>", help: "how many brokers to wait for", default: "1" },
    { name: "topics", value: "<file>", help: "topics to create then", default: "topic.json" },
    { name: "log", value: "<path>", help: "where the metadata log is kept", default: "data" },
    {
      name: "balance-leaders",
      value: "<1|0>",
      help: "spread leaders over the brokers, or not",
      default: "1",
    },
  ],
  examples: ["millrace controller 1 127.0.0.1 9093 3 topic.json controller.log 1"],
};

/** Checks the arguments and says what to run instead. */
// deno-lint-ignore require-await -- every command is asynchronous
export async function run(args: Arguments): Promise<number> {
  args.whole("id", 0, 2_147_483_647);
  args.hostName("host");
  args.whole("port", 0, 65_535);
  args.whole("brokers", 1, 1_000);
  readTopicsFile(args.text("topics"));
  args.text("log");
  args.truth("balance-leaders");
  throw new CommandError(
    "A controller and brokers in processes of their own are not in this version yet, they come with " +
      'the cluster: "millrace start" runs a whole node now',
  );
}
