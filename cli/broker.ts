/**
 * `broker`: a broker in its own process, which registers with a controller.
 *
 * @module
 */
import type { Arguments, CommandSpec } from "./args.ts";
import { print } from "./output.ts";
import { printRequests } from "./request_lines.ts";
import { addressOf, listenerOf, ROLE_FLAGS, runRole } from "./role.ts";

/** The command's declaration. */
export const spec: CommandSpec = {
  name: "broker",
  summary: "Runs a broker, which registers with a controller",
  details: [
    "It prints a line when clients can connect, and runs until Ctrl-C.",
  ],
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
    { name: "debug", value: "<1|0>", help: "print each request", default: "0" },
    ...ROLE_FLAGS,
  ],
  examples: ["millrace broker 2 127.0.0.1 9092 1 127.0.0.1 9093 data/broker-2 0"],
};

/** Runs the broker until the process is interrupted or the broker fails. */
export async function run(args: Arguments): Promise<number> {
  const id = args.whole("id", 0, 2_147_483_647);
  const name = args.hostName("host");
  const port = args.whole("port", 0, 65_535);
  const controllerId = args.whole("controller-id", 0, 2_147_483_647);
  const controller = addressOf(
    args.hostName("controller-host"),
    args.whole("controller-port", 1, 65_535),
  );
  const directory = args.text("data-dir");
  const voters = args.optional("voters") ?? `${controllerId}@${controller}`;
  return await runRole(args, {
    config: {
      "node.id": String(id),
      "process.roles": "broker",
      "listeners": listenerOf("PLAINTEXT", name, port),
      "controller.listener.names": "CONTROLLER",
      "controller.quorum.voters": voters,
      "log.dirs": directory,
    },
    interceptors: args.truth("debug") ? [printRequests(print, () => performance.now())] : [],
    onReady(node) {
      const addresses = node.config.brokerListeners.map(({ host, port }) => addressOf(host, port));
      print(
        `broker ${id} ready on ${addresses.join(", ")} (data in ${directory}, cluster ` +
          `${node.clusterId})`,
      );
      return Promise.resolve();
    },
  });
}
