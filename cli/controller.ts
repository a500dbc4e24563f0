/**
 * `controller`: a controller in its own process. It waits until the brokers have registered and creates the
 * topics of a file.
 *
 * @module
 */
import type { TopicSpec } from "../src/cluster/mod.ts";
import type { Node } from "../src/cluster/node_process.ts";
import { ErrorCode, KafkaError } from "../src/client/mod.ts";
import type { Arguments, CommandSpec } from "./args.ts";
import { CommandError } from "./fail.ts";
import { checkReplicas, describePlacement, placeTopics } from "./first_topics.ts";
import { host } from "./host.ts";
import { print } from "./output.ts";
import { addressOf, listenerOf, ROLE_FLAGS, runRole } from "./role.ts";
import { readTopicsFile } from "./topics_file.ts";

/** The command's declaration. */
export const spec: CommandSpec = {
  name: "controller",
  summary: "Runs a controller, which creates the first topics once the brokers have registered",
  details: [
    "It prints what it does, until Ctrl-C. <log file path> is the directory of the metadata log. Partitions",
    "have one replica in this version.",
  ],
  positionals: [
    { name: "<my_id>", flag: "id" },
    { name: "<my_ip>", flag: "host" },
    { name: "<my_port>", flag: "port" },
    { name: "<num_brokers>", flag: "brokers" },
    { name: "<topic json path>", flag: "topics" },
    { name: "<log file path>", flag: "log" },
    { name: "<load_balance_leaders_flag>", flag: "balance-leaders" },
  ],
  flags: [
    { name: "id", value: "<number>", help: "node id of the controller", default: "1" },
    { name: "host", value: "<ip>", help: "address to listen on", default: "127.0.0.1" },
    { name: "port", value: "<port>", help: "port to listen on", default: "9093" },
    { name: "brokers", value: "<number>", help: "number of brokers to wait for", default: "1" },
    {
      name: "topics",
      value: "<file>",
      help: "topics to create once they have registered",
      default: "topic.json",
    },
    {
      name: "log",
      value: "<path>",
      help: "directory of the metadata log",
      default: "data",
    },
    {
      name: "balance-leaders",
      value: "<1|0>",
      help: "spread leaders over the brokers (1) or not (0)",
      default: "1",
    },
    ...ROLE_FLAGS,
  ],
  examples: ["millrace controller 1 127.0.0.1 9093 3 topic.json controller.log 1"],
};

/** Runs the controller until the process is interrupted or the controller fails. */
export async function run(args: Arguments): Promise<number> {
  const id = args.whole("id", 0, 2_147_483_647);
  const name = args.hostName("host");
  const port = args.whole("port", 1, 65_535);
  const brokers = args.whole("brokers", 1, 1_000);
  const path = args.text("topics");
  const topics = readTopicsFile(path);
  checkReplicas(topics, brokers, path);
  const log = args.text("log");
  const leaders = args.truth("balance-leaders") ? "spread" : "same";
  if (host.isFile(log)) {
    throw new CommandError(
      `Cannot keep the metadata log in "${log}": it is a file; name a directory, which need not exist`,
    );
  }
  return await runRole(args, {
    config: {
      "node.id": String(id),
      "process.roles": "controller",
      "listeners": listenerOf("CONTROLLER", name, port),
      "controller.listener.names": "CONTROLLER",
      "controller.quorum.voters": args.optional("voters") ?? `${id}@${addressOf(name, port)}`,
      "log.dirs": log,
    },
    async onReady(node) {
      print(
        `controller ${id} ready on ${addressOf(name, port)} (metadata log in ${log}, cluster ` +
          `${node.clusterId})`,
      );
      const registered = await waitForBrokers(node, brokers);
      await createTopics(node, topics, registered, leaders);
    },
  });
}

/** Resolves with the ids of the brokers when `count` are in service, and prints each. */
async function waitForBrokers(node: Node, count: number): Promise<number[]> {
  print(`waiting for ${count} broker${count === 1 ? "" : "s"}`);
  const seen = new Set<number>();
  for (;;) {
    const { image } = node;
    const inService = [...image.brokers()].filter(({ fenced }) => !fenced);
    for (const { id, endpoints } of inService) {
      if (seen.has(id)) continue;
      seen.add(id);
      const addresses = endpoints.map(({ host, port }) => addressOf(host, port)).join(", ");
      print(`broker ${id} registered at ${addresses} (${inService.length} of ${count})`);
    }
    for (const id of seen) {
      if (inService.some((broker) => broker.id === id)) continue;
      seen.delete(id);
      print(`broker ${id} left (${inService.length} of ${count})`);
    }
    if (inService.length >= count) return inService.map(({ id }) => id);
    await node.quorum.loader.waitFor(image.offset + 1);
  }
}

/** Creates the topics that do not exist, and prints where their partitions are. */
async function createTopics(
  node: Node,
  topics: readonly TopicSpec[],
  brokers: readonly number[],
  leaders: "spread" | "same",
): Promise<void> {
  for (const topic of placeTopics(topics, brokers, leaders)) {
    const { name } = topic;
    const asked = topics.find((one) => one.name === name)?.replicationFactor ?? 1;
    if (node.image.topicByName(name) !== undefined) {
      print(`topic ${name} exists`);
      continue;
    }
    const assignments = topic.leaders.map((leader, partitionIndex) => {
      return { partitionIndex, brokerIds: [leader] };
    });
    try {
      const [outcome] = await node.controller.createTopics([{ name, assignments }]);
      if (outcome!.errorCode === ErrorCode.NONE) {
        const reduced = asked > 1 ? `, 1 replica instead of ${asked}` : "";
        print(`created topic ${name}: ${describePlacement(topic)}${reduced}`);
        continue;
      }
      throw new CommandError(`Cannot create topic "${name}": ${outcome!.errorMessage}`);
    } catch (error) {
      if (!(error instanceof KafkaError) || error.code !== ErrorCode.NOT_CONTROLLER) throw error;
      print(`topic ${name} is left to the active controller`);
    }
  }
}
