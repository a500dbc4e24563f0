/**
 * `broker`: a broker in its own process. Reserved for a later version.
 *
 * @module
 */
import type { Arguments, CommandSpec } from "./args.ts";
import { CommandError } from "./fail.ts";

/** The command's declaration. */
export const spec: CommandSpec = {
  name: "broker",
  summary: "Runs a broker of a cluster (not available in this version: use start)",
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
    { name: "id", value: "<number>", help: "node id of the broker", default: "2" },
    { name: "host", value: "<ip>", help: "address to listen on", default: "127.0.0.1" },
    { name: "port", value: "<port>", help: "port to listen on", default: "9092" },
    { name: "controller-id", value: "<number>", help: "node id of the controller", default: "1" },
    {
      name: "controller-host",
      value: "<ip>",
      help: "address of the controller",
      default: "127.0.0.1",
    },
    { name: "controller-port", value: "<port>", help: "port of the controller", default: "9093" },
    { name: "data-dir", value: "<directory>", help: "data directory", default: "data" },
    { name: "debug", value: "<1|0>", help: "log each request", default: "0" },
  ],
  examples: ["millrace broker 2 127.0.0.1 9092 1 127.0.0.1 9093 data/broker-2 0"],
};

/** Checks the arguments, then fails with the command to run instead. */
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
    "This version has no cluster of separate controllers and brokers: run " +
      '"millrace start", a controller and broker in one process',
  );
}
