/**
 * The brokers in their own processes, each a single node on a free port of 127.0.0.1, with Kafka's
 * defaults except for a few settings that would distort a short run.
 *
 * @module
 */
import { dataDirectory, java } from "./environment.ts";
import { run } from "./process.ts";

/**
 * Kafka, this tree, another tree of Millrace (`--before`), or the server that does nothing (`floor.ts`).
 */
export type Side = "kafka" | "millrace" | "before" | "floor";

/** Settings of both: no wait for more group members, and fast removal of deleted topics. */
const COMMON = [
  "auto.create.topics.enable=false",
  "group.initial.rebalance.delay.ms=0",
  "log.segment.delete.delay.ms=1000",
];

const READY_WITHIN_MS = 120_000;

let treeBefore = "";

/** Names the tree that the side `before` runs. */
export function setTreeBefore(path: string): void {
  treeBefore = path;
}

/** A running broker. */
export interface RunningBroker extends AsyncDisposable {
  readonly side: Side;
  readonly pid: number;
  /** `host:port` */
  readonly address: string;
  /** Time of the launch of its process, by `performance.now()`. */
  readonly launchedMs: number;
  /** Time from the launch to the response to an ApiVersions request, ms. */
  readonly readyAfterMs: number;
  /** Its data directory. */
  readonly directory: string;
  /** Ends it as a crash does. */
  kill(): Promise<void>;
  /** Starts another process on its data, once it has ended. */
  restart(): Promise<RunningBroker>;
}

/** What else a broker of Millrace is started with. */
export interface StartOptions {
  /** A module that is loaded before its program. */
  readonly preload?: string;
  /** Environment variables. */
  readonly env?: Readonly<Record<string, string>>;
  /** Kafka's keys, as `name=value`. */
  readonly settings?: readonly string[];
}

/** The tree of Millrace that `side` runs. */
export function treeOf(side: "millrace" | "before"): string {
  return side === "before" ? treeBefore : programPath("../..").replace(/\/$/, "");
}

/** Starts a broker on an empty data directory. Resolves when it responds. */
export async function startBroker(side: Side, options: StartOptions = {}): Promise<RunningBroker> {
  const port = freePort();
  const directory = await dataDirectory(side);
  const command = side === "kafka"
    ? await kafkaCommand(port, directory)
    : side === "millrace" || side === "before"
    ? millraceCommand(treeOf(side), port, directory, options)
    : [Deno.execPath(), "run", "-A", programPath("./floor.ts"), String(port)];
  return await launch(side, port, directory, command, options.env ?? {});
}

async function launch(
  side: Side,
  port: number,
  directory: string,
  command: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<RunningBroker> {
  const [program, ...args] = command;
  const launchedMs = performance.now();
  const child = new Deno.Command(program!, {
    args,
    // Its own directory, so that no topic.json is found.
    cwd: directory,
    env,
    stdin: "null",
    stdout: "null",
    stderr: "inherit",
  }).spawn();
  let hasEnded = false;
  const ended = child.status.then(() => void (hasEnded = true));
  const stop = async () => {
    if (!hasEnded) child.kill("SIGTERM");
    const timer = setTimeout(() => hasEnded || child.kill("SIGKILL"), 30_000);
    await ended;
    clearTimeout(timer);
  };
  while (!await answers(port)) {
    if (hasEnded) throw new Error(`${side} ended before it served`);
    if (performance.now() - launchedMs > READY_WITHIN_MS) {
      await stop();
      throw new Error(`${side} did not serve within ${READY_WITHIN_MS / 1000} s`);
    }
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  return {
    side,
    pid: child.pid,
    address: `127.0.0.1:${port}`,
    directory: `${directory}/log`,
    launchedMs,
    readyAfterMs: performance.now() - launchedMs,
    async kill() {
      if (!hasEnded) child.kill("SIGKILL");
      await ended;
    },
    restart: () => launch(side, port, directory, command, env),
    [Symbol.asyncDispose]: stop,
  };
}

function programPath(relative: string): string {
  return new URL(relative, import.meta.url).pathname;
}

function millraceCommand(
  tree: string,
  port: number,
  directory: string,
  { preload, settings: own = [] }: StartOptions,
): string[] {
  const settings = [...COMMON, ...own].flatMap((setting) => ["--set", setting]);
  return [
    ...[Deno.execPath(), "run", "-A", ...(preload === undefined ? [] : ["--preload", preload])],
    ...[`${tree}/cli/main.ts`, "start"],
    ...["--port", String(port), "--data-dir", `${directory}/log`, ...settings],
  ];
}

async function kafkaCommand(port: number, directory: string): Promise<string[]> {
  const controllerPort = freePort();
  const properties = `${directory}/server.properties`;
  await Deno.writeTextFile(
    properties,
    [
      "process.roles=broker,controller",
      "node.id=1",
      `controller.quorum.voters=1@127.0.0.1:${controllerPort}`,
      `listeners=PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}`,
      "controller.listener.names=CONTROLLER",
      "listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
      `log.dirs=${directory}/log`,
      "offsets.topic.replication.factor=1",
      "transaction.state.log.replication.factor=1",
      "transaction.state.log.min.isr=1",
      "share.coordinator.state.topic.replication.factor=1",
      "share.coordinator.state.topic.min.isr=1",
      ...COMMON,
    ].join("\n"),
  );
  const format = ["format", "-t", "MkU3OEVBNTcwNTJENDM2Qk", "-c", properties];
  await run([...java(["-Xmx256M"], "kafka.tools.StorageTool"), ...format]);
  // The heap of Kafka's own kafka-server-start.sh.
  return [...java(["-Xmx1G", "-Xms1G"], "kafka.Kafka"), properties];
}

function freePort(): number {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  return port;
}

/** Returns whether `port` responds to an ApiVersions request. */
async function answers(port: number): Promise<boolean> {
  try {
    using connection = await Deno.connect({ hostname: "127.0.0.1", port });
    await askApiVersions(connection);
    return true;
  } catch {
    return false;
  }
}

/** ApiVersions, version 0, from a client without a name. */
const API_VERSIONS_REQUEST = new Uint8Array([0, 0, 0, 10, 0, 18, 0, 0, 0, 0, 0, 1, 255, 255]);

/** Sends an ApiVersions request. Resolves with the first bytes of the response. */
export async function askApiVersions(connection: Deno.TcpConn): Promise<void> {
  await connection.write(API_VERSIONS_REQUEST);
  if (await connection.read(new Uint8Array(4096)) === null) throw new Error("closed");
}
