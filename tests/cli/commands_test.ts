/**
 * The commands as processes, as a user calls them. They start Deno, so other runtimes skip them.
 *
 * @module
 */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { host } from "../../cli/host.ts";
import { main } from "../../cli/main.ts";
import { Producer } from "../../mod.ts";
import { test } from "../harness.ts";

const MAIN = new URL("../../cli/main.ts", import.meta.url).pathname;

interface Result {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

function command(args: readonly string[], options: Deno.CommandOptions = {}): Deno.Command {
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", MAIN, ...args],
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
    env: { NO_COLOR: "1" },
    ...options,
  });
}

/** Runs a command until it exits. */
async function millrace(args: readonly string[], input?: string, cwd?: string): Promise<Result> {
  const options = cwd === undefined ? {} : { cwd };
  const process = command(args, { stdin: input === undefined ? "null" : "piped", ...options })
    .spawn();
  if (input !== undefined) {
    const writer = process.stdin.getWriter();
    await writer.write(new TextEncoder().encode(input)).catch(() => {});
    await writer.close().catch(() => {});
  }
  const { code, stdout, stderr } = await process.output();
  return {
    code,
    out: new TextDecoder().decode(stdout),
    err: new TextDecoder().decode(stderr),
  };
}

/** Runs an invalid call in this process: it uses only the outputs of its process. */
async function millraceHere(args: readonly string[]): Promise<Result> {
  const { write, writeError } = host;
  let out = "";
  let err = "";
  host.write = (text) => out += text;
  host.writeError = (text) => err += text;
  try {
    return { code: await main(args), out, err };
  } finally {
    host.write = write;
    host.writeError = writeError;
  }
}

/** A node in its own process. */
interface Node {
  readonly port: string;
  readonly readyLine: string;
  /** Sends a signal and resolves with the result of the process. */
  end(signal: Deno.Signal): Promise<Result>;
}

/** Starts a node on a free port and waits for its ready line. */
function startNode(args: readonly string[], cwd: string): Promise<Node> {
  return startProcess(["start", "--port", "0", ...args], cwd);
}

/** Starts a command and waits for its first line. */
async function startProcess(args: readonly string[], cwd: string): Promise<Node> {
  const process = command(args, { cwd }).spawn();
  const errors = new Response(process.stderr).text();
  const reader = process.stdout.pipeThrough(new TextDecoderStream()).getReader();
  let out = "";
  while (!out.includes("\n")) {
    const { done, value } = await reader.read();
    if (done) throw new Error(`The node ended: ${await errors}`);
    out += value;
  }
  return {
    port: /:(\d+)/.exec(out)![1]!,
    readyLine: out,
    async end(signal) {
      process.kill(signal);
      for (let next = await reader.read(); !next.done; next = await reader.read()) {
        out += next.value;
      }
      const { code } = await process.status;
      return { code, out, err: await errors };
    },
  };
}

/** The time of a log line. */
const TIME = "\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{3}Z";
/** The part of a line before a notice, by length. */
const NOTICE_START = "2026-01-02T03:04:05.006Z WARN  ";

/** Returns a pattern for a text of one log line. */
function logLine(level: string, message: string): RegExp {
  return new RegExp(`^${TIME} ${level.padEnd(5)} ${message}\\n$`);
}

/** Registers a test with its own directory, on Deno only. */
function processTest(name: string, body: (directory: string) => Promise<void>): void {
  if (!("Deno" in globalThis)) return;
  test(name, async () => {
    const directory = await Deno.makeTempDir({ prefix: "millrace-" });
    try {
      await body(directory);
    } finally {
      await Deno.remove(directory, { recursive: true });
    }
  });
}

processTest("start keeps records across a restart", async (directory) => {
  await Deno.writeTextFile(
    `${directory}/topic.json`,
    `[{"name": "chat", "partitions": 2, "replication_factor": 3}]`,
  );
  const first = await startNode(["--data-dir", "kept"], directory);
  assertMatch(
    first.readyLine,
    /^millrace ready on 127\.0\.0\.1:\d+ \(data in kept, cluster \S{22}, topics chat, \d+ ms\)\n$/,
  );
  const lines = [
    "send chat alice hello there",
    "batch chat bob a,b,c",
    "nonsense",
    "quit",
    "send chat x y",
  ];
  const sent = await millrace(["producer", "1", "127.0.0.1", first.port], lines.join("\n"));
  assertMatch(
    sent.out,
    /^sent 1 record to chat-\d at offset 0\nsent 3 records to chat-\d at offsets \d to \d\n$/,
  );
  assertEquals([sent.err, sent.code], [`"nonsense" is not a command: try help\n`, 1]);
  const ended = await first.end("SIGTERM");
  assertEquals([ended.code, ended.out], [0, first.readyLine]);
  assertMatch(ended.err, logLine("WARN", 'Topic "chat" has replication factor 1 instead of 3.*'));

  const second = await startNode(["--data-dir", "kept"], directory);
  const args = ["consumer", "1", "127.0.0.1", second.port, "chat", "--count", "4"];
  const read = await millrace(args);
  assertEquals([read.code, read.err], [0, ""]);
  const values = read.out.trimEnd().split("\n").map((line) =>
    /^\[chat-\d-\d\]: \((.*)\)$/.exec(line)![1]!
  );
  assertEquals(values.sort(), ["alice:hello there", "bob:a", "bob:b", "bob:c"]);
  const again = await millrace(
    ["start", "--port", "0", "--data-dir", "kept"],
    undefined,
    directory,
  );
  assertEquals([again.code, again.out], [1, ""]);
  assert(again.err.includes("another process has it open"), again.err);
  const taken = await millrace(["start", "--port", second.port, "--memory"]);
  assertEquals([taken.code, taken.out], [1, ""]);
  assert(taken.err.includes("the port is taken"), taken.err);
  assertEquals((await second.end("SIGINT")).code, 0);
});

processTest(
  "producer_eval and consumer_eval measure, and consumer_eval writes its files",
  async (directory) => {
    const node = await startNode(["--memory"], directory);
    const place = ["127.0.0.1", node.port];
    const sent = await millrace([
      "producer_eval",
      "2",
      "0",
      "event",
      ...place,
      "--records",
      "5000",
    ]);
    assertEquals([sent.code, sent.err], [0, ""]);
    assertMatch(
      sent.out,
      /^Producer Throughput: [\d.]+ msg\/s\n5,000 records in [\d.]+ s, latency p50 [\d.]+ ms, p95 [\d.]+ ms, p99 [\d.]+ ms, max [\d.]+ ms\n$/,
    );
    const bounds = ["--records", "10000"];
    const read = await millrace(
      ["consumer_eval", "2", "event", "true", "out", ...place, ...bounds],
      undefined,
      directory,
    );
    assertEquals([read.code, read.err], [0, ""]);
    assertMatch(read.out, /^Consumer Throughput: [\d.]+ msg\/s\n10,000 records in /);
    let rows = 0;
    for (const id of [1, 2]) {
      const text = await Deno.readTextFile(`${directory}/out/consumer_${id}.txt`);
      const lines = text.slice(0, -1).split("\n");
      rows += lines.length;
      for (const line of lines) assertMatch(line, /^event,0,,.{100}$/);
    }
    assertEquals(rows, 10_000);
    const paced = await millrace([
      "producer_eval",
      "1",
      "20",
      "event",
      ...place,
      "--seconds",
      "0.3",
    ]);
    const count = Number(/\n(\d+) records/.exec(paced.out)![1]);
    assert(count >= 5 && count <= 16, paced.out);
    assertEquals((await node.end("SIGTERM")).code, 0);
  },
);

processTest("topics creates, lists, describes and deletes topics", async (directory) => {
  const node = await startNode(["--memory"], directory);
  const topics = async (...args: string[]) => {
    const { code, out, err } = await millrace(["topics", ...args, "--port", node.port]);
    return [code, out, err] as const;
  };
  assertEquals(await topics("create", "orders", "--partitions", "2"), [0, "created orders\n", ""]);
  assertEquals(await topics(), [0, "orders\n", ""]);
  const [, described] = await topics("describe", "orders");
  assertEquals(described.split("\n").length, 5);
  assertEquals(await topics("delete", "orders"), [0, "deleted orders\n", ""]);
  const [code, , error] = await topics("describe", "orders");
  assertEquals(code, 1);
  assertEquals(
    error,
    `millrace topics: Cannot describe topic "orders": UNKNOWN_TOPIC_OR_PARTITION, create it first\n`,
  );
  assertEquals((await node.end("SIGTERM")).code, 0);
});

processTest("consumer prints records as they arrive, and exits at Ctrl-C", async (directory) => {
  const node = await startNode(["--memory"], directory);
  const bootstrapServers = `127.0.0.1:${node.port}`;
  const producer = new Producer({ bootstrapServers });
  await producer.send({ topic: "chat", key: "k", value: "v" });
  await producer.close();
  const process = command(["consumer", "1", "127.0.0.1", node.port, "chat"]).spawn();
  const reader = process.stdout.getReader();
  const { value } = await reader.read();
  assertEquals(new TextDecoder().decode(value), "[chat-0-0]: (k:v)\n");
  process.kill("SIGINT");
  assertEquals((await reader.read()).done, true);
  assertEquals((await process.status).code, 0);
  assertEquals(await new Response(process.stderr).text(), "");
  assertEquals((await node.end("SIGINT")).code, 0);
});

processTest("format prints what it has formatted, and start uses it", async (directory) => {
  const id = (await millrace(["format", "--random-uuid"])).out.trim();
  const format = (...args: string[]) => millrace(["format", ...args], undefined, directory);
  const first = await format("--cluster-id", id, "--release-version", "4.3", "--data-dir", "kept");
  assertEquals([first.code, first.err], [0, ""]);
  assertMatch(
    first.out,
    new RegExp(
      `^formatted kept  node 1, cluster ${id}, directory id \\S{22}\n` +
        "features  metadata\\.version 30 \\(4\\.3-IV0\\), kraft\\.version 0\n$",
    ),
  );
  const properties = `${directory}/server.properties`;
  await Deno.writeTextFile(properties, "log.dirs=kept\nlog.drs=x\n");
  const again = await format("--config", properties, "--ignore-formatted");
  assertMatch(again.out, new RegExp(`^kept      kept  node 1, cluster ${id}, .*\n$`));
  assertMatch(again.err, /"log\.drs" has no effect: .* did you mean "log\.dirs"\?\n$/);
  const node = await startNode(["--data-dir", "kept"], directory);
  assert(node.readyLine.includes(`cluster ${id}`), node.readyLine);
  assertEquals((await node.end("SIGTERM")).code, 0);
});

processTest("cluster shows the nodes, the quorum and the features", async (directory) => {
  const node = await startNode(["--memory"], directory);
  const cluster = (...args: string[]) => millrace(["cluster", ...args, "--port", node.port]);
  const shown = await cluster();
  assertEquals([shown.code, shown.err], [0, ""]);
  assertMatch(
    shown.out,
    new RegExp(
      "^Cluster \\S{22}\n\nNodes\n.*\n {2}1 {3}broker, controller {2}127\\.0\\.0\\.1:\\d+ {2}- {5}running\n\n" +
        "Quorum {2}leader 1, epoch 1, high watermark \\d+\n.*\n {2}1 .*\n\n" +
        "Features\n.*\n(.*\n)* {2}metadata\\.version +33 +30 to 33\n",
    ),
  );
  const { out, code } = await cluster("describe", "--json");
  const { nodes, quorum } = JSON.parse(out);
  assertEquals(code, 0);
  assertEquals([nodes[0].roles, nodes[0].port], [["broker", "controller"], Number(node.port)]);
  assertEquals([quorum.leaderId, quorum.voters.length, quorum.observers], [1, 1, []]);
  const refused = await cluster("remove-controller", "1");
  assertEquals([refused.code, refused.out], [1, ""]);
  assertMatch(refused.err, /Cannot remove controller 1 from the quorum: it is the only voter/);
  assertEquals((await node.end("SIGTERM")).code, 0);
});

processTest("start distributes data over several directories", async (directory) => {
  const node = await startNode(["--set", "log.dirs=one,two/deep"], directory);
  assert(node.readyLine.includes("data in one,two/deep, "), node.readyLine);
  for (const place of ["one", "two/deep"]) {
    assertMatch(
      await Deno.readTextFile(`${directory}/${place}/meta.properties`),
      /^directory\.id=/m,
    );
  }
  assertEquals((await node.end("SIGTERM")).code, 0);
  const args = ["start", "--port", "0", "--data-dir", "two/deep,one"];
  const rejection = await millrace(args, undefined, directory);
  assertEquals([rejection.code, rejection.out], [1, ""]);
  assertMatch(rejection.err, /it lies in one; name that one first, or as metadata\.log\.dir\n$/);
});

processTest(
  "start opens the listeners of the configuration and prints notices about keys without effect",
  async (directory) => {
    const listeners = "listeners=PLAINTEXT://localhost:0,CONTROLLER://:9093,INSIDE://127.0.0.1:0";
    const map =
      "listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,INSIDE:PLAINTEXT";
    const settings = [listeners, map, "controller.listener.names=CONTROLLER", "num.io.threads=8"];
    const args = ["start", "--memory", ...settings.flatMap((setting) => ["--set", setting])];
    const node = await startProcess(args, directory);
    const [, first, second] = /^millrace ready on localhost:(\d+), 127\.0\.0\.1:(\d+) \(in memory, /
      .exec(node.readyLine)!;
    for (const port of [first!, second!]) {
      assertEquals((await millrace(["topics", "list", "--port", port])).code, 0);
    }
    const ended = await node.end("SIGTERM");
    const notices = ended.err.trimEnd().split("\n").map((line) => line.slice(NOTICE_START.length));
    assertEquals(notices, [
      "Other machines can reach CONTROLLER://:9093 without encryption or authentication: restrict " +
      "access with a firewall, or listen on 127.0.0.1",
      "These settings have no effect: num.io.threads (a broker is one event loop and has no " +
      "thread pools)",
    ]);
  },
);

processTest(
  "start prints messages from --log-level on, with time, level and node",
  async (directory) => {
    const levels = [["--log-level", "error"], ["--log-level", "debug"], ["--verbose"]];
    const printed = await Promise.all(levels.map(async (flags) => {
      const args = ["--memory", "--set", "connections.max.idle.ms=1", "--set", "num.io.threads=1"];
      const node = await startNode([...args, ...flags], directory);
      const connection = await Deno.connect({ hostname: "127.0.0.1", port: Number(node.port) });
      // The broker closes the idle connection.
      assertEquals(await connection.read(new Uint8Array(1)), null);
      connection.close();
      return (await node.end("SIGTERM")).err;
    }));
    const notice = "These settings have no effect: num\\.io\\.threads .*";
    assertEquals(printed[0], "");
    const idle = "\\[node 1\\] Closed 127\\.0\\.0\\.1:\\d+: idle for 1 ms";
    assertMatch(printed[1]!, new RegExp(`${TIME} DEBUG ${idle}\n`));
    assertMatch(printed[1]!, new RegExp(`^${TIME} WARN  ${notice}\n`));
    assertMatch(printed[2]!, logLine("WARN", notice));
  },
);

/** Calls that fail: arguments, exit code, message. */
const FAILING: readonly (readonly [readonly string[], number, RegExp])[] = [
  [["strat"], 2, /^millrace: There is no command "strat", did you mean "start"\?\n$/],
  [
    ["start", "--set", "node.id=1", "--set", "broker.id=2"],
    1,
    /older name of node\.id, which is 1/,
  ],
  [["start", "--set", "listeners=SASL_SSL://:0"], 1, /this version supports PLAINTEXT only/],
  [["start", "--memory", "--port", "0", "--set", "no.such.key=1"], 1, /no\.such\.key/],
  [
    ["start", "--topics", "nope.json"],
    1,
    /Cannot read the topics in "nope.json": there is no such/,
  ],
  [["format", "--config", "nope.properties"], 1, /Cannot read the settings in "nope.properties"/],
  [["format", "--cluster-id", "/"], 1, /Cannot format node 1: the cluster id cannot be "\/"/],
  [
    ["consumer", "1", "127.0.0.1", "1", "chat"],
    1,
    /Cannot connect to 127\.0\.0\.1:1: nothing listens/,
  ],
  [["controller", "1", "127.0.0.1", "9000", "3", "nope.json", "log", "1"], 1, /nope\.json/],
];

/** Invalid calls: arguments, message. They end before any work begins. */
const MISUSES: readonly (readonly [readonly string[], RegExp])[] = [
  [["start", "--prot", "1"], /did you mean --port\?/],
  [["start", "--port", "x"], /--port cannot be "x": it takes a whole number from 0 to 65,535/],
  [["start", "--memory", "--data-dir", "d"], /exclude each other/],
  [["start", "--memory", "--flush", "often"], /--flush takes "os" or "always", not "often"/],
  [
    ["start", "--memory", "--flush", "always", "--set", "log.flush.interval.messages=5"],
    /--flush and --set log\.flush\.interval\.messages exclude each other/,
  ],
  [
    ["start", "--port", "1", "--set", "listeners=PLAINTEXT://:2"],
    /--port and --set listeners exclude each other/,
  ],
  [
    ["start", "--host", "::1", "--set", "listeners=PLAINTEXT://:2"],
    /--host and --set listeners exclude each other/,
  ],
  [["start", "--data-dir", "a", "--set", "log.dir=b"], /--data-dir and --set log\.dir exclude/],
  [
    ["start", "--set", "num.partitions=1", "--set", "num.partitions=2"],
    /to both "1" and "2"/,
  ],
  [
    ["start", "--log-level", "loud"],
    /--log-level cannot be "loud": it takes "error", "warn", "info" or "debug"$/m,
  ],
  [["start", "--log-level", "info", "--verbose"], /--log-level has no effect with --verbose/],
  [["start", "--memory=yes"], /--memory takes no value/],
  [["cluster", "describe", "1"], /"cluster describe" takes no <id>: it shows all nodes/],
  [["cluster", "unregister"], /"cluster" needs <id> \(or --id\)/],
  [["cluster", "unregister", "x"], /<id> \(or --id\) cannot be "x"/],
  [["cluster", "unregister", "1", "--json"], /--json has no effect with "cluster unregister"/],
  [["cluster", "leave"], /"describe", "add-controller", "remove-controller" or "unregister"/],
  [
    ["cluster", "add-controller", "4", "--listener", "c.example:9093"],
    /--listener cannot be "c\.example:9093": write it as NAME:\/\/host:port/,
  ],
  [["format", "--standalone", "--no-initial-controllers"], /exclude each other/],
  [["format", "--random-uuid", "--standalone"], /--standalone has no effect with --random-uuid/],
  [["format", "--feature", "kraft.version=x"], /a level is a whole number/],
  [
    ["format", "--data-dir", "a", "--set", "log.dirs=b"],
    /--data-dir and the key log\.dirs exclude each other/,
  ],
  [["start", "--port", "1", "--port", "2"], /--port is given 2 times/],
  [["topics", "list", "chat"], /"topics list" takes no <topic>/],
  [
    ["topics", "delete", "chat", "--partitions", "2"],
    /--partitions has no effect with "topics del/,
  ],
  [
    ["log", "verify", "data", "--print-data-log"],
    /--print-data-log has no effect with "log verify"/,
  ],
  [
    ["log", "dump", "a.log", "--offsets-decoder", "--cluster-metadata-decoder"],
    /--offsets-decoder and --cluster-metadata-decoder exclude each other/,
  ],
  [["log", "dump", "a.log", "--skip-record-metadata"], /has no effect without --deep/],
  [
    ["consumer_eval", "--topic", "t", "--quiet", "--write", "true"],
    /--write has no effect with --quiet/,
  ],
  [
    ["consumer_eval", "--topic", "t", "--write", "false", "--file-dir", "d"],
    /--file-dir has no effect without --write true/,
  ],
  [["producer_eval", "--topic", "t", "--seconds", "3000000"], /up to 2,147,483/],
  [["consumer", "--topic", "t", "--bootstrap", "nowhere"], /--bootstrap cannot be "nowhere"/],
  [["--version", "x"], /"--version" takes no further arguments/],
  [
    ["start", "--memory", "--set", "log.dirs=d"],
    /--memory and --set log.dirs exclude each other/,
  ],
  [["consumer"], /"consumer" needs <topic> \(or --topic\)/],
  [["producer", "1", "127.0.0.1"], /"producer" takes 3 arguments/],
  [["consumer_eval", "1", "t", "maybe", ".", "127.0.0.1", "1"], /<write_to_file> .* "maybe"/],
];

processTest("a command that fails prints one sentence that says what to do", async (directory) => {
  const results = await Promise.all(FAILING.map(([args]) => millrace(args, undefined, directory)));
  results.forEach(({ code, out, err }, i) => {
    const [args, expected, message] = FAILING[i]!;
    assertEquals([code, out], [expected, ""], `${args.join(" ")}: ${err}`);
    assertMatch(err, message);
    assertEquals(err.trimEnd().split("\n").length, 1, err);
  });
});

processTest("an invalid call prints one sentence that says what to do", async () => {
  for (const [args, message] of MISUSES) {
    const { code, out, err } = await millraceHere(args);
    assertEquals([code, out], [2, ""], `${args.join(" ")}: ${err}`);
    assertMatch(err, message);
    assertEquals(err.trimEnd().split("\n").length, 1, err);
  }
});

processTest("--help and --version are available for every command", async (directory) => {
  const overview = await millrace(["--help"], undefined, directory);
  assertEquals([overview.code, overview.err], [0, ""]);
  const names = [...overview.out.matchAll(/^ {2}(\w+) {2,}/gm)].map(([, name]) => name!);
  assertEquals(names.length, 11);
  const helps = await Promise.all(names.map((name) => millrace([name, "--help"])));
  helps.forEach(({ code, out }, i) => {
    assertEquals(code, 0);
    assert(out.includes(`millrace ${names[i]}`), out);
  });
  assertMatch((await millrace(["--version"])).out, /^millrace \d+\.\d+\.\d+\n$/);
  assertEquals((await millrace([])).code, 2);
});
