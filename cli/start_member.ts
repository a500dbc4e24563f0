/**
 * `start` with the configuration of a node that is one of several.
 *
 * @module
 */
import type { Arguments } from "./args.ts";
import { UsageError } from "./fail.ts";
import { print } from "./output.ts";
import { addressOf, listenerOf, runRole } from "./role.ts";

/** Runs the node until the process is interrupted or the node fails. `config` has all keys that are given. */
export async function runMember(
  args: Arguments,
  config: Readonly<Record<string, string>>,
  flush: Readonly<Record<string, string>>,
): Promise<number> {
  if (args.has("topics")) {
    throw new UsageError(
      '--topics has no effect on a node of a cluster of several: omit it, and use "millrace topics create"',
    );
  }
  const inMemory = args.isOn("memory");
  const directories = config["log.dirs"] ?? config["log.dir"];
  const isBroker = (config["process.roles"] ?? "broker").includes("broker");
  const listener = listenerOf("PLAINTEXT", args.hostName("host"), args.whole("port", 0, 65_535));
  return await runRole(args, {
    inMemory,
    config: {
      ...flush,
      ...(isBroker && config["listeners"] === undefined && { listeners: listener }),
      ...(!inMemory && directories === undefined && { "log.dirs": args.text("data-dir") }),
    },
    onReady({ clusterId, config: { brokerListeners, controllerListeners, roles, nodeId } }) {
      const addresses = [...brokerListeners, ...controllerListeners];
      const details = [
        `node ${nodeId}, ${roles.join(" and ")}`,
        inMemory ? "in memory" : `data in ${directories ?? args.text("data-dir")}`,
        `cluster ${clusterId}`,
        `${Math.round(performance.now())} ms`,
      ];
      const shown = addresses.map(({ host, port }) => addressOf(host, port)).join(", ");
      print(`millrace ready on ${shown} (${details.join(", ")})`);
      return Promise.resolve();
    },
  });
}
