/**
 * `controller`: a controller in its own process. Reserved for a later version.
 *
 * @module
 */
import type { Arguments, CommandSpec } from "./args.ts";
import { CommandError } from "./fail.ts";
import { readTopicsFile } from "./topics_file.ts";

/** The command's declaration. */
export const spec: CommandSpec = {
  name: "controller",
  summary: "Runs the controller of a cluster (not available in this version: use start)",
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
    { name: "id", value: "<number>", help: "node id of the controller", default: "1" },
    { name: "host", value: "<ip>", help: "address to listen on", default: "127.0.0.1" },
    { name: "port", value: "<port>", help: "port to listen on", default: "9093" },
    { name: "brokers", value: "<number>", help: "number of brokers to wait for", default: "1" },
    {
      name: "topics",
      value: "<file>",
      help: "topics to create once they have registered",
      default: "topic.json",
    },
    { name: "log", value: "<path>", help: "location of the metadata log", default: "data" },
    {
      name: "balance-leaders",
      value: "<1|0>",
      help: "spread leaders over the brokers (1) or not (0)",
      default: "1",
    },
  ],
  examples: ["millrace controller 1 127.0.0.1 9093 3 topic.json controller.log 1"],
};

/** Checks the arguments, then fails with the command to run instead. */
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
    "This version has no cluster of separate controllers and brokers: run " +
      '"millrace start", a controller and broker in one process',
  );
}
