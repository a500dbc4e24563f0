/**
 * `node`: one node of `start --brokers N`, in a process that the supervisor starts. It serves until its
 * standard input ends, which also happens when the supervisor is killed.
 *
 * @module
 */
import { lineLogger, startNodeProcess } from "../src/cluster/node_process.ts";
import type { Arguments, CommandSpec } from "./args.ts";
import { parseSettings } from "./client_flags.ts";
import { CommandError } from "./fail.ts";
import { host } from "./host.ts";
import { NODE_FLAGS, readConfigFile, readLogLevel } from "./node_flags.ts";
import { print, printError } from "./output.ts";
import type { ReadyLine } from "./supervisor.ts";

/** The command's declaration. */
export const spec: CommandSpec = {
  name: "node",
  summary: "Runs a node until its standard input ends: a part of start --brokers",
  positionals: [],
  flags: [
    ...NODE_FLAGS,
    { name: "memory", help: "keep the data in memory; it is lost at exit" },
    { name: "cluster-id", value: "<id>", help: "the cluster of a directory that has none" },
  ],
};

/** How long a stop may take, ms. The supervisor does not wait longer, if it lives. */
const STOP_TIMEOUT_MS = 30_000;

/** Runs the node. */
export async function run(args: Arguments): Promise<number> {
  const stopped = Promise.race([
    inputEnded(),
    new Promise<void>((resolve) => host.onTermination(resolve)),
  ]);
  const logger = lineLogger({ level: readLogLevel(args), now: Date.now, write: printError });
  const clusterId = args.optional("cluster-id");
  const starting = startNodeProcess({
    // The supervisor has printed notices about the file.
    config: { ...readConfigFile(args).settings, ...parseSettings("set", args.list("set")) },
    inMemory: args.isOn("memory"),
    // The supervisor adds the id of the node to each line.
    logger: { log: (level, message) => logger.log(level, message) },
    ...(clusterId !== undefined && { clusterId }),
  });
  const node = await Promise.race([starting, stopped]);
  // A start may wait for other nodes for ever, and can be given up at any moment.
  if (node === undefined) return 0;
  const ready: ReadyLine = {
    clusterId: node.clusterId,
    addresses: node.config.brokerListeners.map(({ host, port }) =>
      host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`
    ),
    notices: node.notices,
  };
  print(JSON.stringify(ready));
  const failure = await Promise.race([stopped, node.failed]);
  // No orderly shutdown on a disk that has failed.
  if (failure !== undefined) throw new CommandError(failure.message);
  await Promise.race([
    // All nodes of the cluster stop together: there is no other to hand over to.
    node.shutdown({ handsOver: false }),
    new Promise((_, reject) => {
      const message = `It has not stopped in order within ${STOP_TIMEOUT_MS / 1_000} s`;
      setTimeout(() => reject(new CommandError(message)), STOP_TIMEOUT_MS - 1_000);
    }),
  ]);
  return 0;
}

/** Resolves when the standard input has ended. */
async function inputEnded(): Promise<void> {
  const reader = host.input().getReader();
  while (!(await reader.read().catch(() => ({ done: true }))).done);
}
