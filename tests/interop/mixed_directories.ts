/**
 * One controller and one broker of different programs. A broker of Kafka registers with a controller of ours
 * and serves a topic, then the other way round; each carries on the directories of the other, after an orderly
 * end and after SIGKILL.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { Consumer, Producer } from "../../src/client/mod.ts";
import { Kafka } from "./kafka.ts";
import { MixedCluster, type Program } from "./mixed_cluster.ts";
import type { Setup } from "./setup.ts";

const CONTROLLER = 1;
const BROKER = 2;
const TOPIC = "carried";
const PARTITIONS = 3;
/** Records of each phase. */
const RECORDS = 60;

/** Who runs in a phase, and how it ends. */
interface Phase {
  readonly controller: Program;
  readonly broker: Program;
  readonly end: "stop" | "kill";
}

const PHASES: readonly Phase[] = [
  { controller: "millrace", broker: "kafka", end: "stop" },
  { controller: "kafka", broker: "millrace", end: "kill" },
  { controller: "millrace", broker: "kafka", end: "kill" },
  { controller: "kafka", broker: "millrace", end: "stop" },
  { controller: "millrace", broker: "millrace", end: "stop" },
];

/** Runs the checks. Each check prints a line; installation errors are thrown. */
export async function mixedDirectories(setup: Setup, print: (line: string) => void): Promise<void> {
  const kafka = await Kafka.install(setup);
  const root = await Deno.makeTempDir({ prefix: "millrace-mixed-" });
  const cluster = new MixedCluster({
    kafka,
    root,
    nodes: { [CONTROLLER]: "millrace controller", [BROKER]: "kafka broker" },
    settings: ["metadata.log.max.record.bytes.between.snapshots=2000"],
  });
  try {
    await new MixedDirectoriesTest(cluster, print).run();
  } catch (error) {
    const text = `${(error as Error).message}; ${cluster.tails()}`;
    print(`not ok directories: ${text.replace(/\s+/g, " ")}`);
  } finally {
    await cluster.close();
    await Deno.remove(root, { recursive: true });
  }
}

class MixedDirectoriesTest {
  #records = 0;
  #configuredMs = 0;

  constructor(readonly cluster: MixedCluster, readonly print: (line: string) => void) {}

  async run(): Promise<void> {
    for (const [index, phase] of PHASES.entries()) {
      const { controller, broker, end } = phase;
      this.cluster.setProgram(CONTROLLER, controller);
      this.cluster.setProgram(BROKER, broker);
      // A new broker of Kafka is formatted with the id that the controller has drawn.
      await this.cluster.start(CONTROLLER);
      await this.cluster.start(BROKER);
      await this.#untilServing();
      await this.#checkMetadata(index);
      await this.#produce(controller);
      await this.#consumeInGroup(index);
      await this.#checkAllRecords();
      if (end === "kill") await this.cluster.kill(BROKER, CONTROLLER);
      else {
        // The controller lets the broker go first.
        await this.cluster.stop(BROKER);
        await this.cluster.stop(CONTROLLER);
      }
      const before = PHASES[index - 1];
      const carried = before === undefined
        ? "both are new"
        : `after ${before.controller} and ${before.broker}, ` +
          (before.end === "kill" ? "which were killed" : "which were stopped");
      this.print(
        `ok directories: controller of ${controller}, broker of ${broker}, ${carried}: ` +
          `${this.#records} records`,
      );
    }
  }

  /** Resolves when the broker is in service, as it says itself. */
  #untilServing(): Promise<void> {
    return this.cluster.until(
      "the broker's service",
      () =>
        this.cluster.withAdmin(BROKER, async (admin) => {
          const { brokers } = await admin.describeCluster();
          return brokers.some(({ nodeId, isFenced }) => nodeId === BROKER && !isFenced);
        }),
    );
  }

  /** Creates the topic in the first phase, finds it in the others, and changes its configuration. */
  async #checkMetadata(phase: number): Promise<void> {
    await this.cluster.withAdmin(BROKER, async (admin) => {
      if (phase === 0) {
        await admin.createTopics([{ name: TOPIC, partitions: PARTITIONS, replicationFactor: 1 }]);
      }
      await admin.createTopics([{ name: `other${phase}`, partitions: 1, replicationFactor: 1 }]);
      if (phase > 0) await admin.deleteTopics([`other${phase - 1}`]);
      await this.cluster.until("the topics", async () => {
        const topics = await admin.listTopics();
        return JSON.stringify(topics.sort()) === JSON.stringify([TOPIC, `other${phase}`].sort());
      });
    });
    const where = ["--bootstrap-server", this.cluster.address(BROKER)];
    const what = ["--entity-type", "topics", "--entity-name", TOPIC];
    const command = "org.apache.kafka.tools.ConfigCommand";
    if (phase > 0) {
      const out = await this.cluster.tool(command, [...where, "--describe", ...what]);
      assert(out.includes(`retention.ms=${this.#configuredMs} `), out);
    }
    this.#configuredMs = 100_000_000 + phase;
    const change = ["--alter", "--add-config", `retention.ms=${this.#configuredMs}`];
    await this.cluster.tool(command, [...where, ...change, ...what]);
  }

  /** Produces with a client of the controller's program. */
  async #produce(program: Program): Promise<void> {
    const values = Array.from({ length: RECORDS }, (_, i) => textOf(this.#records + i));
    const bootstrapServers = this.cluster.address(BROKER);
    if (program === "kafka") {
      await this.cluster.tool("org.apache.kafka.tools.ConsoleProducer", [
        ...["--bootstrap-server", bootstrapServers, "--topic", TOPIC],
        ...["--reader-property", "parse.key=true"],
      ], values.map((value) => `${value}\t${value}\n`).join(""));
    } else {
      const producer = new Producer({ bootstrapServers });
      try {
        await Promise.all(
          values.map((value) => producer.send({ topic: TOPIC, key: value, value })),
        );
      } finally {
        await producer.close();
      }
    }
    this.#records += RECORDS;
  }

  /** Consumes all records in a new group of Kafka's console consumer. */
  async #consumeInGroup(phase: number): Promise<void> {
    const out = await this.cluster.tool("org.apache.kafka.tools.consumer.ConsoleConsumer", [
      ...["--bootstrap-server", this.cluster.address(BROKER), "--topic", TOPIC],
      ...["--group", `readers${phase}`, "--from-beginning"],
      ...["--max-messages", String(this.#records), "--timeout-ms", "20000"],
    ]);
    const values = out.split("\n").filter((line) => line.startsWith("record ")).sort();
    assertEquals(values, this.#expected());
  }

  async #checkAllRecords(): Promise<void> {
    const consumer = new Consumer({
      bootstrapServers: this.cluster.address(BROKER),
      topics: TOPIC,
    });
    const values: string[] = [];
    try {
      for await (const { keyText, valueText } of consumer) {
        assertEquals(keyText, valueText);
        values.push(valueText!);
        if (values.length === this.#records) break;
      }
    } finally {
      await consumer.close();
    }
    assertEquals(values.sort(), this.#expected());
  }

  #expected(): string[] {
    return Array.from({ length: this.#records }, (_, i) => textOf(i));
  }
}

function textOf(index: number): string {
  return `record ${String(index).padStart(6, "0")}`;
}
