/**
 * The tools of Apache Kafka against a cluster of ours: two controllers in a dynamic quorum, and two brokers. At
 * its end a controller of Kafka joins it.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { formattedWith } from "../../src/raft/storage/format_directory.ts";
import { hostRuntime } from "../../src/runtime/host.ts";
import { Kafka, run, type ToolResult } from "./kafka.ts";
import { MixedCluster } from "./mixed_cluster.ts";
import type { Setup } from "./setup.ts";

const TOOLS = "org.apache.kafka.tools";
const QUORUM = `${TOOLS}.MetadataQuorumCommand`;
const FEATURES = `${TOOLS}.FeatureCommand`;
const TOPICS = `${TOOLS}.TopicCommand`;
const CONFIGS = `${TOOLS}.ConfigCommand`;
const CLUSTER = `${TOOLS}.ClusterTool`;
const API_VERSIONS = `${TOOLS}.BrokerApiVersionsCommand`;
const SHELL = "org.apache.kafka.shell.MetadataShell";

/** The controller that the cluster begins with, and one that joins. */
const FIRST = 1;
const SECOND = 2;
/** A controller of Kafka that joins, too. */
const THEIRS = 3;
const BROKER = 4;
/** Another broker, which is killed. */
const OTHER = 5;
/** What Kafka's tool prints for a file that it finds fault with. */
const FAULT = /isvalid: false|invalid bytes|Could not|Exception/;

/** Runs the checks. Each check prints a line; installation errors are thrown. */
export async function clusterTools(setup: Setup, print: (line: string) => void): Promise<void> {
  const kafka = await Kafka.install(setup);
  const shell = (await setup.kafkaShell()).command;
  const root = await Deno.makeTempDir({ prefix: "millrace-tools-" });
  const cluster = new MixedCluster({
    kafka,
    root,
    nodes: {
      [FIRST]: "millrace controller",
      [SECOND]: "millrace controller",
      [THEIRS]: "kafka controller",
      [BROKER]: "millrace broker",
      [OTHER]: "millrace broker",
    },
    isDynamic: true,
    settings: ["metadata.log.max.record.bytes.between.snapshots=600"],
  });
  try {
    await new ClusterToolsTest(cluster, kafka, shell, (what) => print(`ok tools: ${what}`)).run();
  } catch (error) {
    const text = `${(error as Error).message}; ${cluster.tails()}`;
    print(`not ok tools: ${text.replace(/\s+/g, " ")}`);
  } finally {
    await cluster.close();
    await Deno.remove(root, { recursive: true });
  }
}

class ClusterToolsTest {
  /** The arguments that lead a tool to a broker, to the first controller, and to the second. */
  readonly #server: readonly string[];
  readonly #controller: readonly string[];
  readonly #second: readonly string[];

  constructor(
    readonly cluster: MixedCluster,
    readonly kafka: Kafka,
    readonly shell: readonly string[],
    readonly ok: (what: string) => void,
  ) {
    this.#server = ["--bootstrap-server", cluster.address(BROKER)];
    this.#controller = ["--bootstrap-controller", cluster.address(FIRST)];
    this.#second = ["--bootstrap-controller", cluster.address(SECOND)];
  }

  async run(): Promise<void> {
    // The shell reads metadata of Apache Kafka 4.3.
    await this.cluster.format(FIRST, "--standalone", "--release-version", "4.3");
    await this.cluster.start(FIRST, SECOND, BROKER, OTHER);
    await this.cluster.until("the brokers", () =>
      this.cluster.withAdmin(BROKER, async (admin) => {
        const { brokers } = await admin.describeCluster();
        return brokers.length === 2;
      }));
    await this.#describeQuorum();
    await this.#addController();
    await this.#topics();
    await this.#configs();
    await this.#files();
    await this.#features();
    await this.#endpoints();
    await this.#removeController();
    await this.#unregister();
    await this.#handOver();
  }

  async #describeQuorum(): Promise<void> {
    const [byServer, byController] = await Promise.all(
      [this.#server, this.#controller].map((where) =>
        this.cluster.tool(QUORUM, [...where, "describe", "--status"])
      ),
    );
    for (const out of [byServer!, byController!]) {
      has(out, /^ClusterId: +\S{22}$/m, /^LeaderId: +1$/m, /^MaxFollowerLag: +\d+$/m);
      has(
        out,
        new RegExp(`CurrentVoters:.*"endpoints": \\["CONTROLLER://${this.#address(FIRST)}"`),
      );
      has(out, /CurrentObservers:(?=.*"id": 2, )(?=.*"id": 4, ).*"id": 5, /);
    }
    const out = await this.cluster.tool(QUORUM, [...this.#server, "describe", "--replication"]);
    has(out, /^1\s+\S{22}\s+\d+\s+0\s+\d+\s+\d+\s+Leader/m, /^2\s.*Observer/m, /^5\s.*Observer/m);
    this.ok("kafka-metadata-quorum describes the quorum through a broker and a controller");
  }

  async #addController(): Promise<void> {
    // The tool reads the id, the directory id and the listeners from the files of the new controller.
    const settings = ["--command-config", await this.cluster.toolSettings(SECOND)];
    const directoryId = this.#directoryId(SECOND);
    const out = await this.cluster.tool(QUORUM, [...this.#server, ...settings, "add-controller"]);
    has(out, `Added controller 2 with directory id ${directoryId} and endpoints: CONTROLLER://`);
    const again = [...this.#controller, ...settings, "add-controller"];
    has(await this.cluster.failingTool(QUORUM, again), /DuplicateVoterException/);
    const after = await this.cluster.tool(QUORUM, [...this.#second, "describe", "--replication"]);
    has(after, /^1\s.*Leader/m, new RegExp(`^2\\s+${directoryId}\\s.*Follower`, "m"));
    this.ok("kafka-metadata-quorum adds a controller");
  }

  async #topics(): Promise<void> {
    const create = (name: string, ...flags: string[]) =>
      this.cluster.tool(TOPICS, [...this.#server, "--create", "--topic", name, ...flags]);
    await Promise.all([
      create("spread", "--partitions", "4", "--config", "retention.ms=1000000"),
      create("assigned", "--replica-assignment", `${BROKER},${OTHER},${BROKER}`),
      create("deleted"),
    ]);
    await Promise.all([
      this.cluster.tool(TOPICS, [
        ...this.#server,
        ...["--alter", "--topic", "spread", "--partitions", "6"],
      ]),
      this.cluster.tool(TOPICS, [...this.#server, "--delete", "--topic", "deleted"]),
    ]);
    const out = await this.cluster.tool(TOPICS, [...this.#server, "--describe"]);
    has(
      out,
      /Topic: spread\s.*PartitionCount: 6\s+ReplicationFactor: 1\s+Configs: retention.ms=1000000$/m,
    );
    has(
      out,
      /Topic: assigned\s+Partition: 1\s+Leader: 5\s+Replicas: 5\s+Isr: 5\s+Elr: \s*LastKnownElr:/,
    );
    for (const id of [BROKER, OTHER]) {
      const led = out.match(new RegExp(`^\\tTopic: spread\\s.*Leader: ${id}\\s`, "gm")) ?? [];
      assertEquals(led.length, 3, out);
    }
    assert(!out.includes("Topic: deleted"), out);
    this.ok("kafka-topics creates, alters, describes and deletes topics on two brokers");
  }

  async #configs(): Promise<void> {
    const alter = (where: readonly string[], type: string, name: string | null, config: string) =>
      this.cluster.tool(CONFIGS, [
        ...where,
        ...["--alter", "--entity-type", type, "--add-config", config],
        ...(name === null ? ["--entity-default"] : ["--entity-name", name]),
      ]);
    const describe = (where: readonly string[], type: string, ...entity: string[]) =>
      this.cluster.tool(CONFIGS, [...where, "--describe", "--entity-type", type, ...entity]);
    const broker = String(BROKER);
    await Promise.all([
      alter(this.#server, "topics", "spread", "cleanup.policy=compact"),
      alter(this.#server, "brokers", broker, "log.cleaner.backoff.ms=15001"),
    ]);
    // By way of a controller that is not the active one.
    await Promise.all([
      alter(this.#second, "topics", "spread", "retention.ms=2000000"),
      alter(this.#controller, "brokers", null, "message.max.bytes=2000000"),
    ]);
    const topic = await describe(this.#server, "topics", "--entity-name", "spread");
    has(topic, "cleanup.policy=compact sensitive=false", "retention.ms=2000000 sensitive=false");
    const brokers = await describe(this.#server, "brokers");
    has(brokers, "log.cleaner.backoff.ms=15001 sensitive=false synonyms={DYNAMIC_BROKER_CONFIG");
    has(brokers, "message.max.bytes=2000000 sensitive=false");
    has(
      await describe(this.#controller, "brokers", "--entity-default"),
      "message.max.bytes=2000000",
    );
    this.ok("kafka-configs changes topics and brokers through a broker and both controllers");
  }

  /** Reads the files of the first controller while it runs. */
  async #files(): Promise<void> {
    const directory = `${this.cluster.directory(FIRST)}/__cluster_metadata-0`;
    const end = await this.cluster.withAdmin(
      FIRST,
      async (admin) => (await admin.describeQuorum()).highWatermark,
    );
    let path = "";
    await this.cluster.until("a snapshot", async () => {
      const last = (await this.cluster.snapshots(FIRST)).at(-1) ?? "";
      path = `${directory}/${last}`;
      return Number(last.slice(0, 20)) >= end;
    });
    // Now and then the shell carries out its command on the empty image, before it has loaded the snapshot.
    const shellOf = async (...command: string[]) => {
      let result: ToolResult;
      await this.cluster.until(`kafka-metadata-shell, ${command.join(" ")}`, async () => {
        result = await run([...this.shell, SHELL, "--snapshot", path, ...command]);
        return result.out.trim() !== "" && !result.out.includes("metadataVersion: Optional.empty");
      });
      return result!;
    };
    const tree = await shellOf("tree", "/image");
    has(tree.out, "spread:", "assigned:", "metadataVersion:", "Optional[4.3-IV0]");
    has(tree.out, "ControllerRegistration(id=1", "retention.ms:", "message.max.bytes:");
    const partition = await shellOf("cat", "/image/topics/byName/spread/5/data");
    assertEquals([tree.code, partition.code], [0, 0], tree.err + partition.err);
    this.ok(`kafka-metadata-shell shows our snapshot: ${tree.out.split("\n").length} lines`);

    const names: string[] = [];
    for await (const { name } of Deno.readDir(directory)) {
      if (/\.(log|checkpoint)$/.test(name)) names.push(`${directory}/${name}`);
    }
    const { code, out, err } = await this.kafka.dump(names, "--cluster-metadata-decoder");
    assert(code === 0 && !FAULT.test(out + err), out.match(FAULT)?.[0] ?? err);
    has(out, '"type":"TOPIC_RECORD"', '"type":"PARTITION_RECORD"', '"type":"CONFIG_RECORD"');
    has(out, "SnapshotFooter", "LeaderChange", "KRaftVoters", "REGISTER_CONTROLLER_RECORD");
    this.ok(`kafka-dump-log reads our metadata log and ${names.length - 1} snapshots`);
  }

  async #features(): Promise<void> {
    const change = (...args: string[]) => [...this.#server, ...args];
    has(
      await this.cluster.tool(FEATURES, [...this.#controller, "describe"]),
      /metadata\.version\s.*FinalizedVersionLevel: 4\.3-IV0/,
      /kraft\.version\s.*FinalizedVersionLevel: 1/,
    );
    const upgraded = await this.cluster.tool(
      FEATURES,
      change("upgrade", "--feature", "metadata.version=33"),
    );
    has(upgraded, "metadata.version was upgraded to 33.");
    has(
      await this.cluster.failingTool(FEATURES, change("upgrade", "--feature", "group.version=1")),
      'Cannot set feature "group.version" to level 1',
    );
    has(
      await this.cluster.failingTool(FEATURES, [
        ...this.#controller,
        ...["downgrade", "--feature", "metadata.version=30"],
      ]),
      "Could not downgrade metadata.version to 30",
    );
    has(
      await this.cluster.tool(FEATURES, [...this.#server, "describe"]),
      /metadata\.version\s.*FinalizedVersionLevel: 4\.4-IV2/,
    );
    this.ok("kafka-features describes and upgrades features");
  }

  async #endpoints(): Promise<void> {
    const [id, idOfControllers, brokers, controllers, versions] = await Promise.all([
      this.cluster.tool(CLUSTER, ["cluster-id", ...this.#server]),
      this.cluster.tool(CLUSTER, ["cluster-id", ...this.#controller]),
      this.cluster.tool(CLUSTER, ["list-endpoints", ...this.#server]),
      this.cluster.tool(CLUSTER, ["list-endpoints", ...this.#second]),
      this.cluster.tool(API_VERSIONS, this.#server),
    ]);
    has(id, /^Cluster ID: \S{22}$/m);
    assertEquals(idOfControllers, id);
    has(brokers, /^4 .*unfenced +broker/m, /^5 .*unfenced +broker/m);
    has(controllers, /^1 .*controller/m, /^2 .*controller/m);
    has(versions, `${this.#address(BROKER)} (id: 4`, `${this.#address(OTHER)} (id: 5`);
    has(versions, /Produce\(0\): 0 to 13 \[usable: 13\]/);
    this.ok("kafka-cluster and kafka-broker-api-versions show the nodes");
  }

  /** Removes the active controller, which hands over to the other one. */
  async #removeController(): Promise<void> {
    const directoryId = this.#directoryId(FIRST);
    const remove = ["--controller-id", "1", "--controller-directory-id", directoryId];
    has(
      await this.cluster.tool(QUORUM, [...this.#second, "remove-controller", ...remove]),
      `Removed KRaft controller 1 with directory id ${directoryId}`,
    );
    await this.cluster.until(
      "the removed controller as an observer",
      () =>
        this.cluster.withAdmin(
          SECOND,
          async (admin) =>
            (await admin.describeQuorum()).observers.some(({ nodeId }) => nodeId === FIRST),
        ),
    );
    const out = await this.cluster.tool(QUORUM, [...this.#server, "describe", "--replication"]);
    has(out, /^2\s.*Leader/m, /^1\s.*Observer/m);
    has(
      await this.cluster.failingTool(QUORUM, [...this.#server, "remove-controller", ...remove]),
      /VoterNotFoundException/,
    );
    this.ok("kafka-metadata-quorum removes the active controller");
  }

  /** Unregisters a controller and a broker that have been killed. */
  async #unregister(): Promise<void> {
    await this.cluster.kill(FIRST, OTHER);
    const unregister = (where: readonly string[], id: number) =>
      this.cluster.tool(CLUSTER, ["unregister", ...where, "--id", String(id)]);
    has(await unregister(this.#server, OTHER), "Broker 5 is no longer registered.");
    has(
      await this.cluster.failingTool(CLUSTER, ["unregister", ...this.#second, "--id", "5"]),
      /BrokerIdNotRegisteredException/,
    );
    has(
      await this.cluster.tool(CLUSTER, ["unregister-controller", ...this.#second, "--id", "1"]),
      "Controller 1 is no longer registered.",
    );
    const fenced = ["list-endpoints", ...this.#server, "--include-fenced-brokers"];
    const [brokers, controllers] = await Promise.all([
      this.cluster.tool(CLUSTER, fenced),
      this.cluster.tool(CLUSTER, ["list-endpoints", ...this.#second]),
    ]);
    assert(/^4 /m.test(brokers) && !/^5 /m.test(brokers), brokers);
    assert(/^2 /m.test(controllers) && !/^1 /m.test(controllers), controllers);
    this.ok("kafka-cluster unregisters a broker and a controller");
  }

  /** Lets a controller of Kafka join, and ours leave, so that Kafka's leads. */
  async #handOver(): Promise<void> {
    await this.cluster.start(THEIRS);
    const settings = ["--command-config", await this.cluster.toolSettings(THEIRS)];
    const add = [...this.#server, ...settings, "add-controller"];
    await this.cluster.until("a new controller that has caught up", async () => {
      has(await this.cluster.tool(QUORUM, add), "Added controller 3 with directory id");
      return true;
    });
    const voters = await this.cluster.tool(QUORUM, [...this.#second, "describe", "--replication"]);
    has(voters, /^2\s.*Leader/m, /^3\s.*Follower/m);
    const ours = ["--controller-id", "2", "--controller-directory-id", this.#directoryId(SECOND)];
    await this.cluster.tool(QUORUM, [...this.#server, "remove-controller", ...ours]);
    await this.cluster.until(
      "the leader of Kafka and its observers",
      () =>
        this.cluster.withAdmin(THEIRS, async (admin) => {
          const { leaderId, observers } = await admin.describeQuorum();
          const ids = observers.map(({ nodeId }) => nodeId);
          return leaderId === THEIRS && ids.includes(SECOND) && ids.includes(BROKER);
        }),
    );
    await this.cluster.tool(TOPICS, [...this.#server, "--create", "--topic", "last"]);
    const out = await this.cluster.tool(QUORUM, [...this.#server, "describe", "--replication"]);
    has(out, /^3\s.*Leader/m, /^2\s.*Observer/m, /^4\s.*Observer/m);
    this.ok("a controller of Kafka joins the quorum, and leads it when ours has left");
  }

  #directoryId(id: number): string {
    return formattedWith(hostRuntime().files, this.cluster.directory(id))!.directoryId;
  }

  #address(id: number): string {
    return this.cluster.address(id);
  }
}

/** Throws unless the text has each of the parts. */
function has(text: string, ...parts: readonly (string | RegExp)[]): void {
  for (const part of parts) {
    const found = typeof part === "string" ? text.includes(part) : part.test(text);
    if (!found) throw new Error(`${part} is missing in: ${text.slice(0, 1_500)}`);
  }
}
