/** The supervisor of `start --brokers`, with children that the test plays. */
import { assertEquals, assertRejects } from "@std/assert";
import { CommandError } from "../../cli/fail.ts";
import type { ChildProcess } from "../../cli/host.ts";
import { Supervisor, type SupervisorOptions } from "../../cli/supervisor.ts";
import { test } from "../harness.ts";

const utf8 = new TextEncoder();
const READY = { clusterId: "c", addresses: ["127.0.0.1:1"], notices: [] };

/** A stream that the test writes to. */
class Pipe {
  readonly #sender = Promise.withResolvers<ReadableStreamDefaultController<Uint8Array>>();
  readonly stream: ReadableStream<Uint8Array> = new ReadableStream({
    start: (controller) => this.#sender.resolve(controller),
  });

  async write(text: string): Promise<void> {
    (await this.#sender.promise).enqueue(utf8.encode(text));
  }

  async end(): Promise<void> {
    (await this.#sender.promise).close();
  }
}

/** A child whose life the test decides. */
class Child implements ChildProcess {
  readonly pid = 1;
  readonly #output = new Pipe();
  readonly #errors = new Pipe();
  readonly output = this.#output.stream;
  readonly errors = this.#errors.stream;
  readonly #ended = Promise.withResolvers<number | string>();
  readonly ended = this.#ended.promise;
  isKilled = false;

  constructor(readonly id: string, readonly log: string[], readonly stopsAlone: boolean) {}

  async serve(): Promise<void> {
    await this.#output.write(JSON.stringify(READY) + "\n");
  }

  async print(text: string): Promise<void> {
    await this.#errors.write(text);
  }

  async end(how: number | string): Promise<void> {
    await this.#output.end();
    await this.#errors.end();
    this.#ended.resolve(how);
  }

  endInput(): void {
    this.log.push(`stop ${this.id}`);
    if (this.stopsAlone) this.end(0);
  }

  kill(): void {
    this.isKilled = true;
    this.end("SIGKILL");
  }
}

/** A supervisor of nodes 1 to 3, of which 1 and 2 are voters. */
class Scene {
  /** What happened, in order: starts, stops, lines. */
  readonly log: string[] = [];
  readonly children: Child[] = [];
  readonly #timers: { atMs: number; callback: () => void }[] = [];
  #nowMs = 0;
  stopsAlone = true;
  readonly supervisor: Supervisor;

  constructor(more: Partial<SupervisorOptions> = {}) {
    const log = (line: string) => void this.log.push(line);
    this.supervisor = new Supervisor({
      nodes: [1, 2, 3].map((id) => ({ id, args: [String(id)], isVoter: id < 3 })),
      restarts: false,
      spawn: ([id]) => {
        log(`start ${id}`);
        const child = new Child(id!, this.log, this.stopsAlone);
        this.children.push(child);
        return Promise.resolve(child);
      },
      print: log,
      clock: {
        nowMs: () => this.#nowMs,
        after: (delayMs, callback) => {
          const timer = { atMs: this.#nowMs + delayMs, callback };
          this.#timers.push(timer);
          return () => void this.#timers.splice(this.#timers.indexOf(timer), 1);
        },
      },
      ...more,
    });
  }

  get timers(): number {
    return this.#timers.length;
  }

  /** Lets time pass, and what follows from it happen. */
  async pass(ms: number): Promise<void> {
    this.#nowMs += ms;
    for (const timer of this.#timers.filter(({ atMs }) => atMs <= this.#nowMs)) {
      this.#timers.splice(this.#timers.indexOf(timer), 1);
      timer.callback();
    }
    await settled();
  }

  async serving(): Promise<void> {
    const started = this.supervisor.start();
    await settled();
    for (const child of this.children) await child.serve();
    assertEquals(await started, [READY, READY, READY]);
    this.log.length = 0;
  }
}

/** Resolves when what is under way has happened: streams take several turns. */
async function settled(): Promise<void> {
  for (let i = 0; i < 5; i++) await new Promise((resolve) => setImmediate(resolve));
}

test("Supervisor prints the lines of nodes with their ids", async () => {
  const scene = new Scene();
  await scene.serving();
  await scene.children[1]!.print("one\ntw");
  await settled();
  await scene.children[1]!.print("o\n");
  await settled();
  assertEquals(scene.log, ["node 2: one", "node 2: two"]);
  await scene.supervisor.stop();
});

test("Supervisor stops brokers first, then one voter after another", async () => {
  const scene = new Scene();
  await scene.serving();
  scene.stopsAlone = false;
  await Promise.all([scene.supervisor.stop(), scene.supervisor.stop()]);
  assertEquals(scene.log, ["stop 3", "stop 2", "stop 1"]);
  await scene.supervisor.ended();
  assertEquals(scene.timers, 0);
});

test("Supervisor waits for a voter before it stops the next, and kills it in the end", async () => {
  const scene = new Scene();
  scene.stopsAlone = false;
  await scene.serving();
  const stopped = scene.supervisor.stop();
  await settled();
  assertEquals(scene.log, ["stop 3"]);
  await scene.children[2]!.end(0);
  await settled();
  assertEquals(scene.log, ["stop 3", "stop 2"]);
  await scene.pass(30_000);
  assertEquals(scene.children.map(({ isKilled }) => isKilled), [false, true, false]);
  await scene.children[0]!.end(1);
  await stopped;
  assertEquals(scene.log.slice(2), [
    "Node 2 has not stopped within 30 s: it is killed",
    "Node 2 did not stop in order: killed by SIGKILL",
    "stop 1",
    "Node 1 did not stop in order: exit code 1",
  ]);
});

test("Supervisor reports a node that does not start, with its reason", async () => {
  const scene = new Scene({ restarts: true });
  const started = scene.supervisor.start();
  await settled();
  await scene.children[0]!.serve();
  await scene.children[1]!.print("a line\nmillrace node: Cannot listen on 127.0.0.1:1: taken\n");
  await settled();
  await scene.children[1]!.end(1);
  const error = await assertRejects(() => started, CommandError);
  assertEquals(
    (error as Error).message,
    "Node 2 did not start: Cannot listen on 127.0.0.1:1: taken",
  );
  await scene.supervisor.stop();
  assertEquals(scene.log.slice(3), ["node 2: a line", "stop 3", "stop 1"]);
});

test("Supervisor reports a process that cannot be started", async () => {
  const scene = new Scene({ spawn: () => Promise.reject(new Error("out of processes")) });
  const error = await assertRejects(() => scene.supervisor.start(), CommandError);
  assertEquals(
    (error as Error).message,
    "Node 1 did not start: its process cannot be started, out of processes",
  );
  await scene.supervisor.ended();
});

test("Supervisor reports a node that ends, and its own end when all have", async () => {
  const scene = new Scene();
  await scene.serving();
  await scene.children[2]!.end("SIGKILL");
  await scene.children[0]!.print("millrace node: Its disk has failed\n");
  await settled();
  await scene.children[0]!.end(1);
  await settled();
  assertEquals(scene.log, ["Node 3 ended: killed by SIGKILL", "Node 1 ended: Its disk has failed"]);
  const ended = scene.supervisor.ended();
  await scene.children[1]!.end(0);
  await ended;
  assertEquals([scene.log.at(-1), scene.timers], ["Node 2 ended: exit code 0", 0]);
});

test("Supervisor starts a node again, later each time, and no more than five times in a minute", async () => {
  const scene = new Scene({ restarts: true });
  await scene.serving();
  const delays = [200, 400, 800, 1_600, 3_200];
  for (const delayMs of delays) {
    await scene.children.at(-1)!.end("SIGKILL");
    await settled();
    assertEquals(
      scene.log.at(-1),
      `Node 3 ended: killed by SIGKILL; it is started again in ${delayMs} ms`,
    );
    await scene.pass(delayMs - 1);
    assertEquals(scene.log.at(-1)!.startsWith("Node 3 ended"), true);
    await scene.pass(1);
    assertEquals(scene.log.at(-1), "start 3");
    await scene.children.at(-1)!.serve();
    await settled();
    assertEquals(scene.log.at(-1), "Node 3 serves again");
  }
  // A minute without an end makes it a node like any other.
  await scene.pass(60_000);
  await scene.children.at(-1)!.end(1);
  await settled();
  assertEquals(scene.log.at(-1), "Node 3 ended: exit code 1; it is started again in 200 ms");
  await scene.pass(200);
  for (const delayMs of delays.slice(1)) {
    // This one does not even start.
    await scene.children.at(-1)!.end(1);
    await settled();
    await scene.pass(delayMs);
  }
  await scene.children.at(-1)!.end(1);
  await settled();
  assertEquals(
    scene.log.at(-1),
    "Node 3 ended: exit code 1; it is not started again, after 5 restarts within a minute",
  );
  await scene.supervisor.stop();
});

test("Supervisor does not start a node again that is to stop", async () => {
  const scene = new Scene({ restarts: true });
  await scene.serving();
  await scene.children[2]!.end(1);
  await settled();
  await scene.supervisor.stop();
  await scene.supervisor.ended();
  assertEquals([scene.timers, scene.children.length], [0, 3]);
});
