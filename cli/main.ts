/**
 * The command line: `millrace <command> …`. Each command has its own file, loaded when it is called.
 *
 * @module
 */
import { type Arguments, type CommandSpec, parseCommand } from "./args.ts";
import { closest, explain, UsageError } from "./fail.ts";
import { host } from "./host.ts";
import { print, printError } from "./output.ts";
import { VERSION } from "./version.ts";

/** The exports of a command's file. */
export interface CommandModule {
  readonly spec: CommandSpec;
  /** Runs the command and returns its exit code. Throws a CommandError or an error of the library. */
  run(args: Arguments): Promise<number>;
}

/** A command and its loader. */
interface Command {
  readonly name: string;
  /** Null for a command that only other commands call. */
  readonly summary: string | null;
  load(): Promise<CommandModule>;
}

/** All commands, in the order of the help. */
const COMMANDS: readonly Command[] = [
  {
    name: "start",
    summary: "Run a node, or a cluster of several",
    load: () => import("./start.ts"),
  },
  {
    name: "format",
    summary: "Format the data directories of a node",
    load: () => import("./format.ts"),
  },
  {
    name: "topics",
    summary: "List, create, describe and delete topics",
    load: () => import("./topics.ts"),
  },
  {
    name: "cluster",
    summary: "Show a cluster's nodes and quorum, and change its members",
    load: () => import("./cluster.ts"),
  },
  {
    name: "log",
    summary: "Show and verify the files of a data directory",
    load: () => import("./log.ts"),
  },
  {
    name: "producer",
    summary: "Send records typed or piped in",
    load: () => import("./producer.ts"),
  },
  {
    name: "consumer",
    summary: "Print the records of a topic",
    load: () => import("./consumer.ts"),
  },
  { name: "producer_eval", summary: "Measure writing", load: () => import("./producer_eval.ts") },
  { name: "consumer_eval", summary: "Measure reading", load: () => import("./consumer_eval.ts") },
  {
    name: "controller",
    summary: "Run a controller of a cluster",
    load: () => import("./controller.ts"),
  },
  { name: "broker", summary: "Run a broker of a cluster", load: () => import("./broker.ts") },
  { name: "node", summary: null, load: () => import("./node.ts") },
];

/** The commands in the help. */
const LISTED = COMMANDS.flatMap(({ name, summary }) => summary === null ? [] : [{ name, summary }]);

/** Runs the command named by `args` and returns the exit code. Never throws. */
export async function main(args: readonly string[]): Promise<number> {
  const [first, ...rest] = args;
  let name = "";
  try {
    if (first === undefined || first === "--help" || first === "-h" || first === "help") {
      if (first === "help" && rest.length === 1) return await main([rest[0]!, "--help"]);
      rejectMore(first, rest);
      const { overview } = await import("./help.ts");
      for (const line of overview(LISTED)) (first === undefined ? printError : print)(line);
      return first === undefined ? 2 : 0;
    }
    if (first === "--version" || first === "-V") {
      rejectMore(first, rest);
      print(`millrace ${VERSION}`);
      return 0;
    }
    const command = COMMANDS.find((command) => command.name === first);
    if (command === undefined) throw unknownCommand(first);
    name = ` ${command.name}`;
    const { spec, run } = await command.load();
    const parsed = parseCommand(spec, rest);
    if (parsed === null) {
      const { commandHelp } = await import("./help.ts");
      for (const line of commandHelp(spec)) print(line);
      return 0;
    }
    return await run(parsed);
  } catch (error) {
    const { message, exitCode } = explain(error);
    printError(`millrace${name}: ${message}`);
    return exitCode;
  }
}

function rejectMore(first: string | undefined, rest: readonly string[]): void {
  if (rest.length === 0) return;
  throw new UsageError(`"${first}" takes no further arguments, "${rest.join(" ")}" was given`);
}

function unknownCommand(name: string): UsageError {
  const meant = closest(name, LISTED.map((command) => command.name));
  const suggestion = meant === null ? `see "millrace --help"` : `did you mean "${meant}"?`;
  return new UsageError(`There is no command "${name}", ${suggestion}`);
}

if (host.isMain(import.meta)) host.exit(await main(host.args));
