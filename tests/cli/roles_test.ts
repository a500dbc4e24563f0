/** The commands `controller` and `broker` as processes of one cluster, on Deno only. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { Consumer, Producer } from "../../mod.ts";
import { test } from "../harness.ts";

const MAIN = new URL("../../cli/main.ts", import.meta.url).pathname;

/** A command whose lines the test reads. */
class Command {
  readonly #child: Deno.ChildProcess;
  readonly #output: ReadableStreamDefaultReader<string>;
  readonly #errors: Promise<string>;
  out = "";

  constructor(directory: string, args: readonly string[]) {
    this.#child = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--quiet", MAIN, ...args],
      cwd: directory,
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
      env: { NO_COLOR: "1" },
    }).spawn();
    this.#output = this.#child.stdout.pipeThrough(new TextDecoderStream()).getReader();
    this.#errors = new Response(this.#child.stderr).text();
  }

  /** Resolves with the match when stdout has it. */
  async line(wanted: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const match = wanted.exec(this.out);
      if (match !== null) return match;
      const { value, done } = await this.#output.read();
      if (done) throw new Error(`There is no ${wanted} in ${this.out}${await this.#errors}`);
      this.out += value;
    }
  }

  /** Sends a signal. Resolves with the exit code and what was printed on stderr. */
  async end(signal?: Deno.Signal): Promise<[number, string]> {
    if (signal !== undefined) this.#child.kill(signal);
    for (let next = await this.#output.read(); !next.done; next = await this.#output.read()) {
      this.out += next.value;
    }
    return [(await this.#child.status).code, await this.#errors];
  }
}

function roleTest(name: string, body: (directory: string) => Promise<void>): void {
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

/** Returns a port that no program listens on. */
function freePort(): string {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  listener.close();
  return String((listener.addr as Deno.NetAddr).port);
}

roleTest("a controller waits for its brokers and creates the topics", async (directory) => {
  await Deno.writeTextFile(
    `${directory}/topics.json`,
    `[{"name": "chat", "partitions": 3, "replication_factor": 2}, {"name": "event"}]`,
  );
  const port = freePort();
  const place = ["127.0.0.1", port];
  const controllerArgs = ["controller", "1", ...place, "2", "topics.json", "log", "1"];
  const controller = new Command(directory, controllerArgs);
  const brokers = [2, 3].map((id) => {
    const debug = id === 2 ? "1" : "0";
    const args = [String(id), "127.0.0.1", "0", "1", ...place, `broker-${id}`, debug];
    return new Command(directory, ["broker", ...args]);
  });
  const [, chat] = await controller.line(/^created topic chat: (.*)\n/m);
  assertEquals(chat, "3 partitions, partition:leader 0:2 1:3 2:2, 1 replica instead of 2");
  await controller.line(/^created topic event: 1 partition, partition:leader 0:3\n/m);
  assertMatch(
    controller.out,
    new RegExp(
      `^controller 1 ready on 127.0.0.1:${port} \\(metadata log in log, cluster \\S{22}\\)\n` +
        "waiting for 2 brokers\n" +
        "broker [23] registered at 127.0.0.1:\\d+ \\(1 of 2\\)\n" +
        "broker [23] registered at 127.0.0.1:\\d+ \\(2 of 2\\)\n",
    ),
  );
  assert((await Deno.stat(`${directory}/log/__cluster_metadata-0`)).isDirectory);
  const ready = await Promise.all(
    brokers.map((broker) => broker.line(/^broker \d ready on (\S+) \(data in broker-\d, .*\n/m)),
  );
  const bootstrapServers = ready[0]![1]!;
  const producer = new Producer({ bootstrapServers, clientId: "ann" });
  for (const partition of [0, 1, 2]) {
    await producer.send({ topic: "chat", partition, value: `to ${partition}` });
  }
  await producer.close();
  const consumer = new Consumer({ bootstrapServers, topics: "chat" });
  const values: string[] = [];
  for await (const record of consumer) {
    if (values.push(record.valueText ?? "") === 3) break;
  }
  await consumer.close();
  assertEquals(values.sort(), ["to 0", "to 1", "to 2"]);
  await brokers[0]!.line(/^Produce v\d+ from ann at 127\.0\.0\.1:\d+: answered after [\d.]+ ms\n/m);
  assertEquals(await brokers[0]!.end("SIGTERM"), [0, ""]);
  assertEquals(await brokers[1]!.end("SIGINT"), [0, ""]);
  assertEquals(brokers[1]!.out.split("\n").length, 2, "no request is printed");
  assertEquals(await controller.end("SIGTERM"), [0, ""]);
});

roleTest("cluster shows what a broker knows while no controller is active", async (directory) => {
  const place = ["127.0.0.1", freePort()];
  await Deno.writeTextFile(`${directory}/topics.json`, "[]");
  const controller = new Command(directory, [
    "controller",
    "1",
    ...place,
    "1",
    "topics.json",
    "c",
    "1",
  ]);
  const broker = new Command(directory, ["broker", "2", "127.0.0.1", "0", "1", ...place, "b", "0"]);
  const [, address] = await broker.line(/^broker 2 ready on (\S+) /m);
  assertEquals(await new Command(directory, ["cluster", "--port", place[1]!]).end(), [
    1,
    `millrace cluster: Cannot ask 127.0.0.1:${
      place[1]
    } for DescribeCluster: it is the listener of a ` +
    "controller; name the address of a broker instead\n",
  ]);
  await controller.end("SIGKILL");
  const shown = new Command(directory, ["cluster", "--bootstrap", address!]);
  const [code, errors] = await shown.end();
  assertEquals(code, 1);
  assertMatch(
    shown.out,
    /^ {2}2 +broker +127\.0\.0\.1:\d+ .*\n\nQuorum {2}no controller answers: .*\n/m,
  );
  assertEquals(
    errors,
    `millrace cluster: Cannot get an answer to DescribeQuorum from ${address}: no answer within 5,000 ms; if ` +
      "no controller is active, start the controllers: a majority of them must run and reach each other\n",
  );
  await broker.end("SIGKILL");
});

roleTest("start --config runs a controller and a broker of one cluster", async (directory) => {
  const port = freePort();
  const controllers = `controller.listener.names=CONTROLLER
controller.quorum.bootstrap.servers=127.0.0.1:${port}
`;
  await Deno.writeTextFile(
    `${directory}/c.properties`,
    `process.roles=controller\nlisteners=CONTROLLER://127.0.0.1:${port}\n${controllers}`,
  );
  await Deno.writeTextFile(
    `${directory}/b.properties`,
    `process.roles=broker\nnode.id=2\nlisteners=PLAINTEXT://127.0.0.1:0\n${controllers}`,
  );
  const formatted = new Command(
    directory,
    ["format", "--config", "c.properties", "--data-dir", "c", "--standalone"],
  );
  assertEquals(await formatted.end(), [0, ""]);
  const start = (name: string, ...more: string[]) =>
    new Command(
      directory,
      ["start", "--config", `${name}.properties`, "--data-dir", name, ...more],
    );
  const controller = start("c");
  await controller.line(
    new RegExp(
      `^millrace ready on 127.0.0.1:${port} \\(controller 1, cluster \\S{22}, data in c, \\d+ ms\\)\n`,
    ),
  );
  const broker = start("b");
  const [, address] = await broker.line(
    /^millrace ready on (\S+) \(broker 2, cluster \S{22}, data in b, .*\n/,
  );
  const shown = new Command(directory, ["cluster", "--bootstrap", address!]);
  await shown.line(/^ {2}2 +broker +\S+ +- +running\n/m);
  await shown.line(/^ {2}1 +leader /m);
  assertEquals(await shown.end(), [0, ""]);
  assertEquals(await broker.end("SIGTERM"), [0, ""]);
  assertEquals(await controller.end("SIGTERM"), [0, ""]);
  const topics = start("b", "--topics", "t.json");
  const [code, error] = await topics.end();
  assertEquals(code, 2);
  assertMatch(
    error,
    /--topics is for a cluster of one node, and these settings name others: remove it/,
  );
});

roleTest("cluster adds a controller by its id, and removes it", async (directory) => {
  const port = freePort();
  const properties = async (name: string, roles: string, listeners: string) => {
    const text = `process.roles=${roles}
node.id=${name}
listeners=${listeners}
controller.listener.names=CONTROLLER
controller.quorum.bootstrap.servers=127.0.0.1:${port}
log.dirs=${name}
`;
    await Deno.writeTextFile(`${directory}/${name}.properties`, text);
  };
  const first = `PLAINTEXT://127.0.0.1:0,CONTROLLER://127.0.0.1:${port}`;
  await properties("1", "broker,controller", first);
  await properties("4", "controller", `CONTROLLER://127.0.0.1:${freePort()}`);
  const done = async (...args: string[]) => {
    const command = new Command(directory, args);
    assertEquals(await command.end(), [0, ""]);
    return command.out;
  };
  const formatted = await done("format", "--config", "1.properties", "--standalone");
  const [, id] = /cluster (\S{22})/.exec(formatted)!;
  const joining = ["--no-initial-controllers", "--cluster-id", id!];
  await done("format", "--config", "4.properties", ...joining);
  const [node, controller] = ["1", "4"].map((name) =>
    new Command(directory, ["start", "--config", `${name}.properties`])
  );
  const [, address] = await node!.line(/^millrace ready on (127\.0\.0\.1:\d+)/);
  await controller!.line(/^millrace ready on /);
  const cluster = (...args: string[]) => done("cluster", ...args, "--bootstrap", address!);
  // It can be added once it reads the metadata log and has registered.
  const add = ["cluster", "add-controller", "4", "--bootstrap", address!];
  for (let attempts = 1;; attempts++) {
    const [code, error] = await new Command(directory, add).end();
    if (code === 0) break;
    assert(attempts < 50, error);
    assertMatch(
      error,
      /no node with this id reads the metadata log|it is not registered as a contr|does not answer at its endpoints/,
    );
  }
  assertMatch(await cluster(), /^ {2}4 +voter /m);
  assertEquals(await cluster("remove-controller", "4"), "removed controller 4 from the quorum\n");
  assertMatch(await cluster(), /^ {2}4 +observer /m);
  assertEquals(await controller!.end("SIGTERM"), [0, ""]);
  assertEquals(await node!.end("SIGTERM"), [0, ""]);
});

roleTest("controller and broker say what is wrong in one sentence", async (directory) => {
  const taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const port = String((taken.addr as Deno.NetAddr).port);
  const two = `[{"name": "chat", "replication_factor": 2}]`;
  await Deno.writeTextFile(`${directory}/two.json`, two);
  await Deno.writeTextFile(`${directory}/none.json`, "[]");
  await Deno.writeTextFile(`${directory}/file`, "");
  const controller = (
    at: string,
    topics: string,
    log: string,
  ) => ["controller", "1", "127.0.0.1", at, "1", topics, log, "1"];
  const broker = ["broker", "1", "127.0.0.1", "0", "1", "127.0.0.1", "1", "logs", "0"];
  const calls: [string[], number, RegExp][] = [
    [controller("9", "two.json", "log"), 1, /"chat" asks for 2 replicas, and <num_brokers> is 1/],
    [
      controller("9", "none.json", "file"),
      1,
      /Cannot keep the metadata log in "file": it is a file/,
    ],
    [
      controller(port, "none.json", "log"),
      1,
      new RegExp(`127\\.0\\.0\\.1:${port}: the port is taken`),
    ],
    [controller("0", "none.json", "log"), 2, /<my_port> \(or --port\) cannot be "0"/],
    [broker, 1, /process.roles makes node 1 a broker only, remove it from the voters/],
    [
      [...broker, "--set", "node.id=7"],
      2,
      /--set node\.id means the same as an argument of "broker"/,
    ],
  ];
  const results = await Promise.all(calls.map(async ([args]) => {
    const command = new Command(directory, args);
    return [...await command.end(), command.out] as const;
  }));
  taken.close();
  results.forEach(([code, err, out], i) => {
    const [args, expected, message] = calls[i]!;
    assertEquals([code, out], [expected, ""], `${args.join(" ")}: ${err}`);
    assertMatch(err, message);
    assertEquals(err.trimEnd().split("\n").length, 1, err);
  });
});
