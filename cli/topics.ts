/**
 * `topics`: lists, creates, describes and deletes topics.
 *
 * @module
 */
import { Admin, type NewTopic } from "../src/client/mod.ts";
import { inQuorum } from "./active_controller.ts";
import type { Arguments, CommandSpec } from "./args.ts";
import { BOOTSTRAP_FLAGS, parseSettings } from "./client_flags.ts";
import { UsageError } from "./fail.ts";
import { bold, columns, print } from "./output.ts";

/** The command's declaration. */
export const spec: CommandSpec = {
  name: "topics",
  summary: "Lists, creates, describes and deletes topics",
  details: ["<action> is list, create, describe or delete. All but list need a <topic>."],
  positionals: [{ name: "<action>", flag: "action" }, { name: "<topic>", flag: "topic" }],
  optionalPositionals: 1,
  flags: [
    {
      name: "action",
      value: "<action>",
      help: "list, create, describe or delete",
      default: "list",
    },
    { name: "topic", value: "<topic>", help: "name of the topic" },
    ...BOOTSTRAP_FLAGS,
    {
      name: "partitions",
      value: "<number>",
      help: "create: number of partitions (default: the broker's num.partitions)",
    },
    {
      name: "replication-factor",
      value: "<number>",
      help: "create: replicas per partition (default: the broker's)",
    },
    {
      name: "config",
      value: "<key=value>",
      help: "create: a topic key and its value",
      isList: true,
    },
  ],
  examples: [
    "millrace topics list",
    "millrace topics create orders --partitions 3 --config retention.ms=3600000",
  ],
};

/** Executes one action. */
export async function run(args: Arguments): Promise<number> {
  const action = args.oneOf("action", ["list", "create", "describe", "delete"]);
  const bootstrapServers = args.bootstrapServers();
  if (action !== "create") {
    args.reject(["partitions", "replication-factor", "config"], `with "topics ${action}"`);
  }
  if (action === "list" && args.has("topic")) {
    throw new UsageError(
      '"topics list" takes no <topic>: it lists all topics, "topics describe" shows one',
    );
  }
  const topic = action === "list" ? null : newTopic(args.text("topic"), args);
  const admin = new Admin({ bootstrapServers, ...(isChange(action) && { retries: 0 }) });
  try {
    await change(admin, action, topic);
  } finally {
    await admin.close();
  }
  return 0;
}

/** A broker forwards a change until it is answered or timed out, so a repetition would only take longer. */
function isChange(action: "list" | "create" | "describe" | "delete"): boolean {
  return action === "create" || action === "delete";
}

async function change(
  admin: Admin,
  action: "list" | "create" | "describe" | "delete",
  topic: NewTopic | null,
): Promise<void> {
  if (topic === null) {
    for (const name of await admin.listTopics()) print(name);
  } else if (action === "create") {
    await inQuorum(admin.createTopics([topic]));
    print(`created ${topic.name}`);
  } else if (action === "delete") {
    await inQuorum(admin.deleteTopics([topic.name]));
    print(`deleted ${topic.name}`);
  } else await describe(admin, topic.name);
}

function newTopic(name: string, args: Arguments): NewTopic {
  const partitions = args.optionalWhole("partitions", 1, 100_000);
  const replicationFactor = args.optionalWhole("replication-factor", 1, 32_767);
  return {
    name,
    configs: parseSettings("config", args.list("config")),
    ...(partitions === undefined ? {} : { partitions }),
    ...(replicationFactor === undefined ? {} : { replicationFactor }),
  };
}

async function describe(admin: Admin, name: string): Promise<void> {
  for (const { topicId, partitions } of await admin.describeTopics([name])) {
    print(`${bold(name)}${topicId === null ? "" : `  id ${topicId}`}`);
    const rows = partitions.map(({ partition, leader, leaderEpoch, replicas, isr }) => [
      String(partition),
      leader < 0 ? "none" : String(leader),
      String(leaderEpoch),
      replicas.join(" "),
      isr.join(" "),
    ]);
    for (const line of columns([["partition", "leader", "epoch", "replicas", "isr"], ...rows], 2)) {
      print(line);
    }
  }
}
