/**
 * The work of a node in turns of the event loop. Simulated time stands still during work, so a turn is
 * measured by its calls of the file system: a slice ends after a number of steps, each of which makes a
 * few. How long turns take is measured by `bench/loop.ts`.
 */
import { assert, assertEquals } from "@std/assert";
import { NODE_SLICE_STEPS } from "../../src/log/sliced_work.ts";
import { errorName } from "../../src/protocol/errors.ts";
import { createTopics } from "../../src/protocol/messages/create_topics.ts";
import { deleteTopics } from "../../src/protocol/messages/delete_topics.ts";
import { metadata } from "../../src/protocol/messages/metadata.ts";
import { seedCount, test } from "../harness.ts";
import { batchOf, produceTo } from "../broker/fixture.ts";
import type { RawClient } from "../broker/raw_client.ts";
import { CountedNode } from "./counted_node.ts";

const PARTITIONS_PER_TOPIC = 2;
/** The most calls of a step: opening a log of several files, and creating or deleting one. */
const CALLS_PER_STEP = 16;
const MOST_CALLS = NODE_SLICE_STEPS * CALLS_PER_STEP;
const DEADLINE_MS = 60_000;

function namesOf(count: number): string[] {
  return Array.from({ length: count }, (_, i) => `topic-${i}`);
}

/** Asks for topics and resolves with the names of the errors, each once. */
async function create(client: RawClient, names: readonly string[]): Promise<string[]> {
  const { topics } = await client.request(createTopics, 7, {
    topics: names.map((name) => ({
      name,
      numPartitions: PARTITIONS_PER_TOPIC,
      replicationFactor: 1,
      assignments: [],
      configs: [],
    })),
    timeoutMs: DEADLINE_MS,
    validateOnly: false,
  });
  return [...new Set(topics.map(({ errorCode }) => errorName(errorCode)))];
}

async function remove(client: RawClient, names: readonly string[]): Promise<string[]> {
  const { responses } = await client.request(deleteTopics, 5, {
    topicNames: names,
    timeoutMs: DEADLINE_MS,
  });
  return [...new Set(responses.map(({ errorCode }) => errorName(errorCode)))];
}

/** Resolves with the topics that Metadata names, once it has checked that all of each is there. */
async function listTopics(client: RawClient): Promise<string[]> {
  const { topics } = await client.request(metadata, 9, {
    topics: null,
    allowAutoTopicCreation: false,
    includeTopicAuthorizedOperations: false,
  });
  for (const { name, errorCode, partitions } of topics) {
    const states = partitions.map((one) => `${errorName(one.errorCode)} ${one.leaderId}`);
    assertEquals([errorName(errorCode), states], ["NONE", ["NONE 1", "NONE 1"]], name!);
  }
  return topics.map(({ name }) => name!);
}

async function expectWritable(client: RawClient, topic: string): Promise<void> {
  for (let partition = 0; partition < PARTITIONS_PER_TOPIC; partition++) {
    const answer = await produceTo(client, topic, partition, batchOf(["a"]), -1);
    assertEquals(errorName(answer.errorCode), "NONE", `${topic}-${partition}`);
  }
}

for (const count of [1_000, ...Array.from({ length: seedCount(0, 1) }, () => 5_000)]) {
  const partitions = (count * PARTITIONS_PER_TOPIC).toLocaleString("en");
  test(`no turn of a node with ${partitions} partitions makes more than ${MOST_CALLS} file calls`, async () => {
    const node = new CountedNode();
    const turns: Record<string, number> = {};
    const measure = async (what: string, work: () => Promise<unknown>) => {
      node.longestTurn = 0;
      await work();
      turns[what] = node.longestTurn;
      assert(node.longestTurn <= MOST_CALLS, `${what}: ${node.longestTurn} calls in one turn`);
    };
    const { simulation } = node;
    const names = namesOf(count);
    await measure("first start", () => node.start());
    let client = await simulation.run(node.connect());
    await measure("create", async () => {
      for (let at = 0; at < count; at += 1_000) {
        const part = names.slice(at, at + 1_000);
        assertEquals(await simulation.run(create(client, part)), ["NONE"]);
      }
    });
    await measure("unclean start", () => node.restartKilled());
    await measure("flush after it", () => simulation.run(simulation.nowMs + 5_000));
    await measure("shutdown", () => node.shutdown());
    simulation.kill("broker");
    simulation.restart("broker");
    await measure("clean start", () => node.start());
    client = await simulation.run(node.connect());
    assertEquals((await simulation.run(listTopics(client))).length, count);
    await measure("delete", async () => {
      assertEquals(await simulation.run(remove(client, names)), ["NONE"]);
    });
    assertEquals(await simulation.run(listTopics(client)), []);
    await measure("remove what was deleted", () => simulation.run(simulation.nowMs + 120_000));
    await node.shutdown();
    // The count can fail: most of this work takes several times as many calls.
    for (const what of ["create", "unclean start", "clean start", "delete", "shutdown"]) {
      assert(
        turns[what]! > NODE_SLICE_STEPS,
        `${what}: ${turns[what]} calls, so what was counted?`,
      );
    }
    assertEquals(node.warnings, []);
  });
}

test("while topics are created and deleted, others are served and see all of a topic or nothing", async () => {
  const node = new CountedNode();
  const { simulation } = node;
  await node.start();
  const [administrator, bystander] = await simulation.run(
    Promise.all([node.connect(), node.connect()]),
  );
  const names = namesOf(1_000);
  const seen = new Set<number>();
  const watch = async (work: Promise<string[]>, isWritable: boolean) => {
    let isOver = false;
    work.then(() => isOver = true, () => isOver = true);
    while (!isOver) {
      const topics = await listTopics(bystander);
      seen.add(topics.length);
      if (isWritable && topics.length > 0) await expectWritable(bystander, topics.at(-1)!);
    }
    return await work;
  };
  assertEquals(await simulation.run(watch(create(administrator, names), true)), ["NONE"]);
  const counts = [...seen].filter((count) => count > 0 && count < names.length);
  assert(counts.length > 3, `saw ${[...seen]}`);
  await simulation.run(expectWritable(bystander, names.at(-1)!));
  seen.clear();
  assertEquals(await simulation.run(watch(remove(administrator, names), false)), ["NONE"]);
  assert([...seen].some((count) => count > 0 && count < names.length), `saw ${[...seen]}`);
  await node.shutdown();
});

test("a request for a topic that is being created or deleted waits for its turn", async () => {
  const node = new CountedNode();
  const { simulation } = node;
  await node.start();
  const clients = await simulation.run(
    Promise.all(Array.from({ length: 4 }, () => node.connect())),
  );
  const names = namesOf(500);
  const last = [names.at(-1)!];
  const requests = [
    () => create(clients[0]!, names),
    () => create(clients[1]!, last),
    () => remove(clients[2]!, last),
    () => create(clients[3]!, last),
  ];
  let done = 0;
  const working: Promise<string[]>[] = [];
  for (const ask of requests) {
    const answer = ask();
    answer.then(() => done++, () => {});
    working.push(answer);
    // Until the request has arrived.
    await simulation.run(simulation.nowMs + 1);
    assertEquals(done, 0, "the first is still being carried out");
  }
  const answers = await simulation.run(Promise.all(working));
  assertEquals(answers, [["NONE"], ["TOPIC_ALREADY_EXISTS"], ["NONE"], ["NONE"]]);
  await simulation.run(expectWritable(clients[0]!, last[0]!));
  assertEquals((await simulation.run(listTopics(clients[0]!))).length, names.length);
  await node.shutdown();
  assertEquals(node.warnings, []);
});

const SEEDS = seedCount(4, 40);
for (const how of ["is killed", "loses its power", "shuts down"] as const) {
  test(`a node that ${how} amid a creation or a deletion starts with whole topics, over ${SEEDS} seeds`, async () => {
    let interrupted = 0;
    for (let seed = 1; seed <= SEEDS; seed++) {
      const node = new CountedNode(seed);
      const { simulation } = node;
      const names = namesOf(300);
      await node.start();
      const client = await simulation.run(node.connect());
      const isDeletion = seed % 2 === 0;
      if (isDeletion) await simulation.run(create(client, names));
      const work = isDeletion ? remove(client, names) : create(client, names);
      let isOver = false;
      work.then(() => isOver = true, () => isOver = true);
      await simulation.run(simulation.nowMs + simulation.random.below(6_000) / 1_000);
      if (!isOver) interrupted++;
      if (how === "shuts down") await node.restartCleanly();
      else {
        if (how === "is killed") simulation.kill("broker");
        else simulation.crash("broker");
        simulation.restart("broker");
        await node.start();
      }
      const again = await simulation.run(node.connect());
      const topics = await simulation.run(listTopics(again));
      // One batch of the metadata log: either all of the request, or nothing of it.
      assert(
        topics.length === 0 || topics.length === names.length,
        `seed ${seed}: ${topics.length}`,
      );
      for (const topic of topics.slice(-3)) await simulation.run(expectWritable(again, topic));
      assertEquals(await simulation.run(create(again, ["another"])), ["NONE"]);
      await node.shutdown();
    }
    assert(interrupted > SEEDS / 3, `${interrupted} of ${SEEDS} were interrupted`);
  });
}
