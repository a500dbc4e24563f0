/**
 * `cluster`: shows the nodes, the quorum and the features of a cluster, and changes its members.
 *
 * @module
 */
import { Admin, type ControllerListener, ErrorCode, KafkaError } from "../src/client/mod.ts";
import { inQuorum } from "./active_controller.ts";
import type { Arguments, CommandSpec } from "./args.ts";
import { BOOTSTRAP_FLAGS } from "./client_flags.ts";
import { reportLines, reportValue } from "./cluster_report.ts";
import { findNewVoter, findVoter } from "./cluster_voters.ts";
import { UsageError } from "./fail.ts";
import { print, printError } from "./output.ts";

const ACTIONS = ["describe", "add-controller", "remove-controller", "unregister"] as const;

/** The command's declaration. */
export const spec: CommandSpec = {
  name: "cluster",
  summary: "Shows the nodes, the quorum and the features of a cluster, and changes its members",
  details: [
    "<action> is describe, or with the <id> of a node:",
    "  add-controller     makes a running controller a voter of the quorum",
    "  remove-controller  removes a voter from the quorum",
    "  unregister         removes the registration of a broker that will not come back",
    "",
    "Both changes of the quorum need a dynamic one (kraft.version 1).",
  ],
  positionals: [{ name: "<action>", flag: "action" }, { name: "<id>", flag: "id" }],
  optionalPositionals: 1,
  flags: [
    {
      name: "action",
      value: "<action>",
      help: "describe, add-controller, remove-controller or unregister",
      default: "describe",
    },
    { name: "id", value: "<number>", help: "node id of the controller or broker" },
    ...BOOTSTRAP_FLAGS,
    {
      name: "listener",
      value: "<NAME://host:port>",
      help: "add-controller: a listener of the controller (default: what the cluster knows)",
      isList: true,
    },
    { name: "json", help: "describe: print JSON, for scripts" },
  ],
  examples: [
    "millrace cluster",
    "millrace cluster describe --json --bootstrap 127.0.0.1:9092",
    "millrace cluster add-controller 4",
  ],
};

/**
 * Bounds of a question to the quorum. A broker forwards it until a controller is active, so a repetition is
 * pointless: a cluster without a leader is to be shown, not waited for.
 */
const QUESTION = { requestTimeoutMs: 5_000, retries: 0 };
/** Bounds of a change, and of questions that a broker answers itself. */
const CHANGE = { requestTimeoutMs: 30_000, retries: 0 };

/** Executes one action. */
export async function run(args: Arguments): Promise<number> {
  const action = args.oneOf("action", ACTIONS);
  const bootstrapServers = args.bootstrapServers();
  const listeners = readListeners(args.list("listener"));
  if (action !== "add-controller") args.reject(["listener"], `with "cluster ${action}"`);
  if (action !== "describe") args.reject(["json"], `with "cluster ${action}"`);
  else if (args.has("id")) {
    throw new UsageError('"cluster describe" takes no <id>: it shows all nodes');
  }
  const id = action === "describe" ? -1 : args.whole("id", 0, 2_147_483_647);
  const connect = (bootstrapServers: string) => new Admin({ bootstrapServers, ...QUESTION });
  const reader = connect(bootstrapServers);
  const admin = new Admin({ bootstrapServers, ...CHANGE });
  try {
    switch (action) {
      case "describe":
        return await describe(reader, args.isOn("json"));
      case "add-controller": {
        const voter = await inQuorum(findNewVoter(reader, id, listeners, connect));
        await inQuorum(admin.addRaftVoter(voter));
        print(`added controller ${id} to the quorum`);
        break;
      }
      case "remove-controller": {
        const voter = await inQuorum(findVoter(reader, id));
        await inQuorum(admin.removeRaftVoter(voter));
        print(`removed controller ${id} from the quorum`);
        break;
      }
      case "unregister":
        await inQuorum(admin.unregisterBroker(id));
        print(`unregistered broker ${id}`);
    }
    return 0;
  } finally {
    await reader.close();
    await admin.close();
  }
}

async function describe(admin: Admin, asJson: boolean): Promise<number> {
  let missing: KafkaError | null = null;
  const cluster = await describeNodes(admin);
  const { features } = await admin.describeFeatures();
  const quorum = await inQuorum(admin.describeQuorum()).catch((error) => {
    if (!(error instanceof KafkaError)) throw error;
    missing = error;
    return null;
  });
  const report = { cluster, quorum, features };
  if (asJson) print(JSON.stringify(reportValue(report), null, 2));
  else for (const line of reportLines(report)) print(line);
  if (missing === null) return 0;
  printError(`millrace cluster: ${(missing as KafkaError).message}`);
  return 1;
}

/** Returns the brokers, with fenced ones if the cluster reports them. */
async function describeNodes(admin: Admin) {
  try {
    return await admin.describeCluster({ includeFenced: true });
  } catch (error) {
    if (!(error instanceof KafkaError) || error.code !== ErrorCode.UNSUPPORTED_VERSION) throw error;
    printError(`millrace cluster: ${error.message}: fenced brokers are not shown`);
    return await admin.describeCluster();
  }
}

function readListeners(texts: readonly string[]): ControllerListener[] {
  return texts.map((text) => {
    const match = /^([A-Za-z0-9._-]+):\/\/(?:\[([0-9A-Fa-f:.]+)\]|([^:/\s[\]]+)):(\d{1,5})$/
      .exec(text);
    const port = Number(match?.[4]);
    if (match !== null && port >= 1 && port <= 65_535) {
      return { name: match[1]!.toUpperCase(), host: match[2] ?? match[3]!, port };
    }
    throw new UsageError(
      `--listener cannot be "${text}": write it as NAME://host:port, such as CONTROLLER://10.0.0.4:9093`,
    );
  });
}
