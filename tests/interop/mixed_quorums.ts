/**
 * Quorums of two controllers of one program and one of the other: leaders of both programs are killed, and
 * brokers of both follow.
 *
 * @module
 */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { ErrorCode, KafkaError } from "../../src/client/mod.ts";
import { Kafka } from "./kafka.ts";
import { MixedCluster, type NodeKind, type Program } from "./mixed_cluster.ts";
import type { Setup } from "./setup.ts";

const CONTROLLERS = [1, 2, 3];
/** The brokers: one of Millrace, one of Kafka. */
const OURS = 4;
const THEIRS = 5;

/** Runs the checks. Each check prints a line; installation errors are thrown. */
export async function mixedQuorums(setup: Setup, print: (line: string) => void): Promise<void> {
  const kafka = await Kafka.install(setup);
  for (const programs of [["millrace", "millrace", "kafka"], ["millrace", "kafka", "kafka"]]) {
    const root = await Deno.makeTempDir({ prefix: "millrace-mixed-" });
    const cluster = new MixedCluster({
      kafka,
      root,
      nodes: {
        ...Object.fromEntries(
          programs.map((program, i) => [i + 1, `${program} controller` as NodeKind]),
        ),
        [OURS]: "millrace broker",
        [THEIRS]: "kafka broker",
      },
      settings: ["metadata.log.max.record.bytes.between.snapshots=1000"],
    });
    const name = `quorum of ${programs.join(", ")}`;
    try {
      await new MixedQuorumTest(cluster, (what) => print(`ok ${name}: ${what}`)).run();
    } catch (error) {
      const text = `${(error as Error).message}; ${cluster.tails()}`;
      print(`not ok ${name}: ${text.replace(/\s+/g, " ")}`);
    } finally {
      await cluster.close();
      await Deno.remove(root, { recursive: true });
    }
  }
}

class MixedQuorumTest {
  readonly #topics: string[] = [];
  readonly #running = new Set<number>();

  constructor(readonly cluster: MixedCluster, readonly ok: (what: string) => void) {}

  async run(): Promise<void> {
    await this.#start(...CONTROLLERS);
    const { leaderId } = await this.#settled();
    this.ok(`elects node ${leaderId} of ${this.cluster.programOf(leaderId)}`);
    await this.#start(OURS, THEIRS);
    await this.#createTopic();
    this.ok("serves brokers of both, which have its first topic");
    for (const program of ["kafka", "millrace"] as const) {
      await this.#letLead(program);
      await this.#lendSnapshot(program);
    }
    const { leaderId: last, leaderEpoch } = await this.#settled();
    await this.#kill(last);
    await this.#createTopic();
    const { leaderId: next, leaderEpoch: epoch } = await this.#settled();
    assert(next !== last && epoch > leaderEpoch);
    this.ok(`node ${next} follows node ${last} of millrace, which was killed`);
    await this.#start(last);
    await this.#settled();
    await this.#createTopic();
    this.ok(`has ${this.#topics.length} topics everywhere`);
  }

  /**
   * Makes a controller of `program` the leader. All others are killed after it has got a record that they do
   * not have, so the quorum can elect no other.
   */
  async #letLead(program: Program): Promise<void> {
    const { leaderId } = await this.#settled();
    if (this.cluster.programOf(leaderId) === program) return;
    const chosen = CONTROLLERS.find((id) => this.cluster.programOf(id) === program)!;
    const third = CONTROLLERS.find((id) => id !== chosen && id !== leaderId)!;
    await this.#kill(third);
    await this.#createTopic();
    await this.#kill(leaderId);
    await this.#start(third);
    const next = await this.#settled();
    assertEquals(next.leaderId, chosen);
    await this.#createTopic();
    await this.#start(leaderId);
    await this.#settled();
    this.ok(`node ${chosen} of ${program} leads after node ${leaderId} was killed`);
  }

  /** Starts the broker of the other program without its disk: it begins with a snapshot of the leader. */
  async #lendSnapshot(program: Program): Promise<void> {
    const { leaderId } = await this.#settled();
    const borrower = program === "kafka" ? OURS : THEIRS;
    await this.#kill(borrower);
    await this.cluster.until(
      "a snapshot of the leader",
      async () => (await this.cluster.snapshots(leaderId)).length > 0,
    );
    await Deno.remove(`${this.cluster.directory(borrower)}/__cluster_metadata-0`, {
      recursive: true,
    });
    await this.#start(borrower);
    await this.cluster.until("a snapshot of the borrower", async () => {
      const [first] = await this.cluster.snapshots(borrower);
      return first !== undefined && (await this.cluster.snapshots(leaderId)).includes(first);
    });
    await this.#untilTopics(borrower);
    const [first] = await this.cluster.snapshots(borrower);
    this.ok(`node ${borrower} begins with the snapshot ${first} of node ${leaderId} of ${program}`);
  }

  async #start(...ids: number[]): Promise<void> {
    await this.cluster.start(...ids);
    for (const id of ids) this.#running.add(id);
  }

  async #kill(id: number): Promise<void> {
    await this.cluster.kill(id);
    this.#running.delete(id);
  }

  /** Creates a topic and waits until every running broker has it. The previous one exists already. */
  async #createTopic(): Promise<void> {
    const name = `topic${this.#topics.length}`;
    await this.cluster.until(
      "creation of a topic",
      () =>
        this.cluster.withAdmin(OURS, async (admin) => {
          const { brokers } = await admin.describeCluster();
          if (brokers.length === 0) return false;
          const [previous] = this.#topics.slice(-1);
          if (previous !== undefined) {
            const error = await assertRejects(
              () => admin.createTopics([{ name: previous }]),
              KafkaError,
            );
            assertEquals(error.code, ErrorCode.TOPIC_ALREADY_EXISTS, error.message);
          }
          await admin.createTopics([{ name, partitions: 2, replicationFactor: 1 }])
            .catch((error) => {
              // Of an attempt before that got no answer.
              if (error.code !== ErrorCode.TOPIC_ALREADY_EXISTS) throw error;
            });
          return true;
        }),
    );
    this.#topics.push(name);
    for (const id of [OURS, THEIRS]) if (this.#running.has(id)) await this.#untilTopics(id);
  }

  async #untilTopics(id: number): Promise<void> {
    await this.cluster.until(
      `topics at node ${id}`,
      () =>
        this.cluster.withAdmin(id, async (admin) => {
          const names = (await admin.listTopics()).sort();
          return JSON.stringify(names) === JSON.stringify([...this.#topics].sort());
        }),
    );
  }

  /** Resolves when a leader has all running controllers behind it. */
  async #settled(): Promise<{ readonly leaderId: number; readonly leaderEpoch: number }> {
    const running = CONTROLLERS.filter((id) => this.#running.has(id));
    let found = { leaderId: -1, leaderEpoch: -1 };
    await this.cluster.until(
      "agreement of the controllers",
      () =>
        this.cluster.withAdmin(running[0]!, async (admin) => {
          const { activeControllerId } = await admin.describeControllers();
          if (!running.includes(activeControllerId)) return false;
          return await this.cluster.withAdmin(activeControllerId, async (admin) => {
            const { leaderId, leaderEpoch, voters, highWatermark } = await admin.describeQuorum();
            found = { leaderId, leaderEpoch };
            return leaderId === activeControllerId && voters.length === CONTROLLERS.length &&
              voters.every(({ nodeId, logEndOffset }) =>
                !running.includes(nodeId) || logEndOffset >= highWatermark - 1
              );
          });
        }),
    );
    return found;
  }
}
