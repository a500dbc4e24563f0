/**
 * Apache Kafka: how to start it on a data directory, and its tools.
 *
 * @module
 */
import { type BrokerCommand, freePort } from "./broker.ts";
import type { Setup } from "./setup.ts";

/** Settings that make it clean, roll and snapshot soon, and keep its internal topics small. */
const SETTINGS = [
  "log.cleaner.backoff.ms=500",
  "log.initial.task.delay.ms=500",
  "log.segment.delete.delay.ms=100",
  "group.initial.rebalance.delay.ms=0",
  "offsets.topic.num.partitions=2",
  "offsets.topic.replication.factor=1",
  "transaction.state.log.num.partitions=2",
  "transaction.state.log.replication.factor=1",
  "transaction.state.log.min.isr=1",
  "share.coordinator.state.topic.replication.factor=1",
  "share.coordinator.state.topic.min.isr=1",
  "share.coordinator.state.topic.num.partitions=2",
  "metadata.log.max.record.bytes.between.snapshots=4000",
];

/** The result of running a tool. */
export interface ToolResult {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** An installation of Apache Kafka. */
export class Kafka {
  private constructor(readonly java: readonly string[]) {}

  /** Installs Apache Kafka. */
  static async install(setup: Setup): Promise<Kafka> {
    return new Kafka((await setup.kafka()).command);
  }

  /**
   * Returns the command of a node with its data in `dir`, which is formatted if necessary. Its
   * configuration is written to a file beside the directory; `settings`, `key=value` each, come
   * last.
   */
  async command(
    port: number,
    dir: string,
    settings: readonly string[] = [],
  ): Promise<BrokerCommand> {
    const controller = freePort();
    const properties = `${dir}.properties`;
    await Deno.writeTextFile(
      properties,
      [
        "process.roles=broker,controller",
        "node.id=1",
        `controller.quorum.voters=1@127.0.0.1:${controller}`,
        `listeners=PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controller}`,
        "controller.listener.names=CONTROLLER",
        "listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
        `log.dirs=${dir}`,
        ...SETTINGS,
        ...settings,
      ].join("\n"),
    );
    const isFormatted = await Deno.stat(`${dir}/meta.properties`).then(() => true, () => false);
    if (!isFormatted) {
      await Deno.mkdir(dir, { recursive: true });
      const { code, out, err } = await this.tool(
        "kafka.tools.StorageTool",
        ...["format", "-t", "MkU3OEVBNTcwNTJENDM2Qk", "-c", properties],
      );
      if (code !== 0) throw new Error(`the directory cannot be formatted: ${out} ${err}`);
    }
    return [...this.java, "kafka.Kafka", properties];
  }

  /** Runs a class and waits for its end. */
  async tool(className: string, ...args: string[]): Promise<ToolResult> {
    return await this.toolWith({}, className, ...args);
  }

  /** Runs a class that reads a text from its standard input, and waits for its end. */
  async toolWith(
    options: RunOptions,
    className: string,
    ...args: string[]
  ): Promise<ToolResult> {
    return await run([...this.java, className, ...args], options);
  }

  /**
   * Runs a member of the share group `sharing` that receives and acknowledges `count` records of
   * `topic`, then leaves. Throws if it does not receive them.
   */
  async share(bootstrap: string, topic: string, count: number): Promise<void> {
    const { out, err } = await this.tool(
      "org.apache.kafka.tools.consumer.ConsoleShareConsumer",
      ...["--bootstrap-server", bootstrap, "--topic", topic, "--group", "sharing"],
      ...["--max-messages", String(count), "--timeout-ms", "90000"],
    );
    if (`${out}${err}`.includes(`Processed a total of ${count} messages`)) return;
    throw new Error(`a member of a share group got nothing: ${err.slice(-400)}`);
  }

  /** Runs the tool that prints segments on `files`. */
  async dump(files: readonly string[], ...flags: string[]): Promise<ToolResult> {
    const name = "org.apache.kafka.tools.DumpLogSegments";
    return await this.tool(name, "--files", files.join(","), ...flags);
  }
}

/** How a command is run. */
export interface RunOptions {
  /** The text of its standard input. Defaults to none. */
  readonly input?: string | undefined;
}

/** Runs a command and waits for its end. */
export async function run(
  command: readonly string[],
  { input = "" }: RunOptions = {},
): Promise<ToolResult> {
  const [program, ...args] = command;
  const child = new Deno.Command(program!, {
    args,
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
    signal: AbortSignal.timeout(120_000),
  }).spawn();
  const writer = child.stdin.getWriter();
  // A command that does not read its input may end first.
  writer.write(new TextEncoder().encode(input)).then(() => writer.close()).catch(() => {});
  const { code, stdout, stderr } = await child.output();
  const decoder = new TextDecoder();
  return { code, out: decoder.decode(stdout), err: decoder.decode(stderr) };
}
