/**
 * The commands `controller` and `broker`: a node with one role in this process.
 *
 * @module
 */
import {
  type Interceptor,
  lineLogger,
  type Node,
  startNodeProcess,
} from "../src/cluster/node_process.ts";
import type { Arguments, Flag } from "./args.ts";
import { parseSettings } from "./client_flags.ts";
import { CommandError, UsageError } from "./fail.ts";
import { host } from "./host.ts";
import { NODE_FLAGS, readConfigFile, readLogLevel } from "./node_flags.ts";
import { printError } from "./output.ts";

/** Flags of both commands. */
export const ROLE_FLAGS: readonly Flag[] = [
  {
    name: "voters",
    value: "<id@ip:port,…>",
    help: "all controllers of the quorum, if there are several",
  },
  ...NODE_FLAGS,
];

/** How a node of one role is run. */
export interface RoleOptions {
  /** Kafka's keys that the arguments mean. */
  readonly config: Readonly<Record<string, string>>;
  readonly interceptors?: readonly Interceptor[];
  /** Called when the node serves. What it returns runs until the node stops. */
  readonly onReady: (node: Node) => Promise<void>;
}

/** Runs the node until the process is interrupted or the node fails. */
export async function runRole(args: Arguments, options: RoleOptions): Promise<number> {
  const file = readConfigFile(args);
  const given = parseSettings("set", args.list("set"));
  for (const key of Object.keys(options.config)) {
    const place = given[key] !== undefined
      ? `--set ${key}`
      : `${key} in ${args.optional("config")}`;
    if ((given[key] ?? file.settings[key]) === undefined) continue;
    throw new UsageError(
      `${place} means the same as an argument of "${args.spec.name}": remove it`,
    );
  }
  const logger = lineLogger({ level: readLogLevel(args), now: Date.now, write: printError });
  const interrupted = new Promise<"interrupted">((resolve) =>
    host.onInterrupt(() => resolve("interrupted"))
  );
  const starting = startNodeProcess({
    config: { ...file.settings, ...given, ...options.config },
    inMemory: false,
    logger,
    ...(options.interceptors !== undefined && { interceptors: options.interceptors }),
  });
  const node = await Promise.race([starting, interrupted]);
  // A start may wait for other nodes for ever, and can be given up at any moment.
  if (node === "interrupted") return 0;
  try {
    for (const notice of [...file.notices, ...node.notices]) logger.log("warn", notice);
    const working = options.onReady(node).then(() => new Promise<never>(() => {}));
    const end = await Promise.race([working, interrupted, node.failed]);
    if (end !== "interrupted") throw new CommandError(end.message);
    return 0;
  } finally {
    await node.shutdown();
  }
}

/** Returns a listener's text, with brackets around an IPv6 address. */
export function listenerOf(name: string, hostName: string, port: number): string {
  return `${name}://${addressOf(hostName, port)}`;
}

/** Returns `host:port`, with brackets around an IPv6 address. */
export function addressOf(hostName: string, port: number): string {
  return hostName.includes(":") ? `[${hostName}]:${port}` : `${hostName}:${port}`;
}
