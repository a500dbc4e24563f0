/** `start --brokers`: real nodes in processes of their own. They start Deno, so other runtimes skip them. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { Admin } from "../../src/client/mod.ts";
import { test } from "../harness.ts";

const MAIN = new URL("../../cli/main.ts", import.meta.url).pathname;

/** A running `start --brokers`. */
class ClusterProcess {
  readonly #child: Deno.ChildProcess;
  readonly #lines: ReadableStreamDefaultReader<string>;
  readonly #errors: ReadableStreamDefaultReader<string>;
  /** What was printed on stderr. */
  errors = "";

  constructor(directory: string, args: readonly string[]) {
    this.#child = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--quiet", MAIN, "start", "--port", "0", ...args],
      cwd: directory,
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
      env: { NO_COLOR: "1" },
    }).spawn();
    this.#lines = this.#child.stdout.pipeThrough(new TextDecoderStream()).getReader();
    this.#errors = this.#child.stderr.pipeThrough(new TextDecoderStream()).getReader();
  }

  /** Resolves with the ready line. */
  async ready(): Promise<string> {
    let out = "";
    for (let next = await this.#lines.read(); !next.done; next = await this.#lines.read()) {
      out += next.value;
      if (out.endsWith("\n")) return out;
    }
    await this.waitFor(/(?!)/);
    throw new Error(`The cluster ended: ${this.errors}`);
  }

  /** Reads stderr until it has `wanted`, or ends. */
  async waitFor(wanted: RegExp): Promise<void> {
    while (!wanted.test(this.errors)) {
      const { value, done } = await this.#errors.read();
      if (done) return;
      this.errors += value;
    }
  }

  /** The processes of the nodes. */
  get nodes(): number[] {
    const { pid } = this.#child;
    return [...Deno.readDirSync(`/proc/${pid}/task`)]
      .flatMap(({ name }) =>
        Deno.readTextFileSync(`/proc/${pid}/task/${name}/children`).match(/\d+/g) ?? []
      )
      .map(Number);
  }

  /** Sends a signal. Resolves with the exit code when it has ended. */
  async end(signal: Deno.Signal): Promise<number> {
    this.#child.kill(signal);
    return await this.ended();
  }

  /** Resolves with the exit code. */
  async ended(): Promise<number> {
    await this.waitFor(/(?!)/);
    await this.#lines.cancel();
    return (await this.#child.status).code;
  }
}

/** Registers a test with its own directory, where there is `/proc`. */
function clusterTest(name: string, body: (directory: string) => Promise<void>): void {
  if (!("Deno" in globalThis) || Deno.build.os !== "linux") return;
  test(name, async () => {
    const directory = await Deno.makeTempDir({ prefix: "millrace-" });
    try {
      await body(directory);
    } finally {
      await Deno.remove(directory, { recursive: true });
    }
  });
}

/** Returns whether the process runs. */
function isRunning(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(Deno.readTextFileSync(`/proc/${pid}/status`));
  } catch {
    return false;
  }
}

clusterTest("start --brokers runs a cluster and stops all of it", async (directory) => {
  await Deno.writeTextFile(
    `${directory}/topic.json`,
    `[{"name": "chat", "partitions": 4, "replication_factor": 2}]`,
  );
  const cluster = new ClusterProcess(directory, ["--brokers", "2"]);
  const ready = await cluster.ready();
  const [, bootstrapServers] =
    /^millrace ready on (\S+, \S+) \(2 brokers, data in data, cluster \S{22}, topics chat, \d+ ms\)\n$/
      .exec(ready)!;
  const admin = new Admin({ bootstrapServers: bootstrapServers!.replaceAll(" ", "") });
  const { brokers } = await admin.describeCluster();
  assertEquals(brokers.map(({ nodeId }) => nodeId), [1, 2]);
  const [topic] = await admin.describeTopics(["chat"]);
  assertEquals(new Set(topic!.partitions.map(({ leader }) => leader)), new Set([1, 2]));
  await admin.close();
  const { nodes } = cluster;
  assertEquals([nodes.length, nodes.every(isRunning)], [2, true]);
  assertEquals(await cluster.end("SIGTERM"), 0);
  assertEquals(nodes.some(isRunning), false);
  assertEquals(
    cluster.errors,
    'Topic "chat" has replication factor 1 instead of 2: partitions have one replica in this version\n',
  );
  for (const node of ["node-1", "node-2"]) {
    assert(Deno.statSync(`${directory}/data/${node}/meta.properties`).isFile);
  }
});

clusterTest("start --restart starts a node again that was killed", async (directory) => {
  const cluster = new ClusterProcess(directory, ["--restart"]);
  const [, port] = /127\.0\.0\.1:(\d+) \(1 broker, /.exec(await cluster.ready())!;
  const [node] = cluster.nodes;
  Deno.kill(node!, "SIGKILL");
  await cluster.waitFor(/Node 1 serves again\n/);
  assertMatch(
    cluster.errors,
    /^Node 1 ended: killed by SIGKILL; it is started again in 200 ms\n(node 1: .*\n)*Node 1 serves/,
  );
  const admin = new Admin({ bootstrapServers: `127.0.0.1:${port}` });
  assertEquals(await admin.listTopics(), []);
  await admin.close();
  assertEquals(await cluster.end("SIGINT"), 0);
});

clusterTest(
  "start --controllers reports a node that was killed, and ends with the last",
  async (directory) => {
    const cluster = new ClusterProcess(directory, ["--controllers", "0", "--memory"]);
    await cluster.ready();
    Deno.kill(cluster.nodes[0]!, "SIGKILL");
    assertEquals(await cluster.ended(), 1);
    assertEquals(
      cluster.errors,
      "Node 1 ended: killed by SIGKILL\nmillrace start: All nodes have ended\n",
    );
  },
);

clusterTest("the nodes of a killed supervisor stop", async (directory) => {
  const cluster = new ClusterProcess(directory, ["--restart", "--memory"]);
  const [, port] = /127\.0\.0\.1:(\d+) /.exec(await cluster.ready())!;
  const [node] = cluster.nodes;
  const connection = await Deno.connect({ hostname: "127.0.0.1", port: Number(port) });
  assertEquals(isRunning(node!), true);
  await cluster.end("SIGKILL");
  // The node closes its connections when it stops.
  assertEquals(await connection.read(new Uint8Array(1)), null);
  connection.close();
});

clusterTest("start --brokers says what is wrong in one sentence", async (directory) => {
  const taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = taken.addr as Deno.NetAddr;
  await Deno.mkdir(`${directory}/data/node-1`, { recursive: true });
  await Deno.mkdir(`${directory}/data/node-2`);
  const calls: [string[], number, RegExp][] = [
    [
      ["--restart", "--memory", "--port", String(port)],
      1,
      new RegExp(`^millrace start: Node 1 did not start: .*127\\.0\\.0\\.1:${port}.* taken`),
    ],
    [["--brokers", "3"], 1, /the controllers of its cluster are nodes 1, and would become 1, 2, 3/],
    [["--brokers", "3", "--host", "0.0.0.0"], 2, /name an address at which the nodes can reach/],
    [["--brokers", "3", "--data-dir", "a,b"], 2, /each node of a cluster has one directory in it/],
    [["--brokers", "3", "--port", "65533"], 2, /--port 65533 is too high: the nodes need 6 ports/],
    [["--brokers", "3", "--set", "node.id=4"], 2, /--set node\.id excludes --brokers/],
    [["--brokers", "3", "--memory", "--data-dir", "a"], 2, /exclude each other/],
    [["--brokers", "101"], 2, /--brokers cannot be "101": it takes a whole number from 1 to 100/],
    [["--restart", "--set", "num.partitons=3", "--memory"], 1, /Node 1 did not start: .*partitons/],
  ];
  const results = await Promise.all(calls.map(async ([args]) => {
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--quiet", MAIN, "start", ...args],
      cwd: directory,
      stdin: "null",
    }).output();
    const text = new TextDecoder();
    return { code, out: text.decode(stdout), err: text.decode(stderr) };
  }));
  taken.close();
  results.forEach(({ code, out, err }, i) => {
    const [args, expected, message] = calls[i]!;
    assertEquals([code, out], [expected, ""], `${args.join(" ")}: ${err}`);
    assertMatch(err, message);
    assertEquals(err.trimEnd().split("\n").length, 1, err);
  });
});
