/**
 * `start` with the settings of a node that belongs to a cluster of several: a controller, a broker, or both.
 *
 * @module
 */
import type { Arguments } from "./args.ts";
import { UsageError } from "./fail.ts";
import { print } from "./output.ts";
import { addressOf, runRole } from "./role.ts";

/** The flags that are about a cluster of one node. */
const OF_ONE_NODE: readonly string[] = ["memory", "topics", "port", "host", "flush"];

/** Runs the node. `needsDirectory`: its settings name none, so `--data-dir` does. */
export function runNodeOfCluster(args: Arguments, needsDirectory: boolean): Promise<number> {
  const excluded = OF_ONE_NODE.find((name) => args.has(name));
  if (excluded !== undefined) {
    throw new UsageError(
      `--${excluded} is for a cluster of one node, and these settings name others: remove it`,
    );
  }
  return runRole(args, {
    config: needsDirectory ? { "log.dirs": args.text("data-dir") } : {},
    onReady: ({ config, clusterId }) => {
      const { roles, nodeId, brokerListeners, controllerListeners } = config;
      const addresses = [...brokerListeners, ...controllerListeners]
        .map(({ host, port }) => addressOf(host, port));
      print(
        `millrace ready on ${addresses.join(", ")} (${roles.join(" and ")} ${nodeId}, cluster ` +
          `${clusterId}, data in ${config.logDirs.join(", ")}, ${
            Math.round(performance.now())
          } ms)`,
      );
      return Promise.resolve();
    },
  });
}
