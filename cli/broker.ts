/**
 * `broker`: a broker in a process of its own.
 *
 * @module
 */
import type { Arguments, CommandSpec } from "./args.ts";
import { CommandError } from "./fail.ts";

/** How it is called. */
export const spec: CommandSpec = {
  name: "broker",
  summary: "Runs a broker of a cluster (not in this version: use start)",
  positionals: [
    { name: "<my_id>", flag: "id" },
    { name: "<my_ip>", flag: "host" },
    { name: "<my_port>", flag: "port" },
    { name: "<controller_id>", flag: "controller-id" },
    { name: "<controller_ip>", flag: "controller-host" },
    { name: "<controller_port>", flag: "controller-port" },
    { name: "<broker_log_folder>", flag: "data-dir" },
    { name: "<debug_print_flag>", flag: "debug" },
  ],
  flags: [
    { name: "id", value: "<number>", help: "the broker's node id", default: "2" },
    { name: "host", value: "<ip>", help: "the address to listen on", default: "127.0.0.1" },
    { name: "port", value: "<port>", help: "its port", default: "9092" },
    { name: "controller-id", value: "<number>", help: "the controller's node id", default: "1" },
    { name: "controller-host", value: "<ip>", help: "its address", default: "127.0.0.1" },
    { name: "controller-port", value: "<port>", help: "its port", default: "9093" },
    { name: "data-dir", value: "<directory>", help: "where the data are kept", default: "data" },
    { name: "debug", value: "<1|0>", help: "show each request", default: "0" },
  ],
  examples: ["millrace broker 2 127.0.0.1 9092 1 127.0.0.1 9093 data/broker-2 0"],
};

/** Checks the arguments and says what to run instead. */
// deno-lint-ignore require-await -- every command is asynchronous
export async function run(args: Arguments): Promise<number> {
  args.whole("id", 0, 2_147_483_647);
  args.hostName("host");
  args.whole("port", 0, 65_535);
  args.whole("controller-id", 0, 2_147_483_647);
  args.hostName("controller-host");
  args.whole("controller-port", 1, 65_535);
  args.text("data-dir");
  args.truth("debug");
  throw new CommandError(
    "A controller and brokers in processes of their own are not in this version yet, they come with " +
      'the cluster: "millrace start" runs a whole node now',
  );
}
