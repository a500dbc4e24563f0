/**
 * Hostile bytes and requests on the listener of a controller: the process lives, its quorum and its metadata stay
 * as they are, and other clients are served meanwhile.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { CONTROLLER_LISTENER } from "../../src/controller/requests/supported.ts";
import { Node } from "../../src/node/node.ts";
import { ALL_PARTS } from "../../src/node/parts/all_parts.ts";
import type { AnyApi } from "../../src/protocol/api.ts";
import { errorName } from "../../src/protocol/errors.ts";
import { addRaftVoter } from "../../src/protocol/messages/add_raft_voter.ts";
import { apiVersions } from "../../src/protocol/messages/api_versions.ts";
import { beginQuorumEpoch } from "../../src/protocol/messages/begin_quorum_epoch.ts";
import { endQuorumEpoch } from "../../src/protocol/messages/end_quorum_epoch.ts";
import { fetch } from "../../src/protocol/messages/fetch.ts";
import { fetchSnapshot } from "../../src/protocol/messages/fetch_snapshot.ts";
import { vote } from "../../src/protocol/messages/vote.ts";
import { ZERO_UUID } from "../../src/protocol/uuid.ts";
import { hostRuntime } from "../../src/runtime/host.ts";
import { MemoryFileSystem } from "../../src/runtime/memory_files.ts";
import { RawClient } from "../broker/raw_client.ts";
import { test } from "../harness.ts";
import { Chance } from "../protocol/chance.ts";
import { randomStruct } from "../protocol/values.ts";

const NODE_ID = 3;
const TOPIC = "__cluster_metadata";
const TOPIC_ID = "AAAAAAAAAAAAAAAAAAAAAQ";
const MAX_EPOCH = 0x7fff_ffff;
/** Random frames, and random values of each request. */
const FRAMES = 200;
const VALUES = 8;
const FAR = Number.MAX_SAFE_INTEGER;

/** A node that is broker and controller, the only voter of its quorum. */
class Target {
  readonly errors: string[] = [];
  readonly #runtime = { ...hostRuntime(), files: new MemoryFileSystem() };
  #node: Node | null = null;
  #honest: RawClient | null = null;

  get node(): Node {
    return this.#node!;
  }

  async start(): Promise<void> {
    this.#node = await Node.start({
      parts: ALL_PARTS,
      runtime: this.#runtime,
      directory: "/data",
      config: {
        "node.id": String(NODE_ID),
        "process.roles": "broker,controller",
        "listeners": "PLAINTEXT://127.0.0.1:0,CONTROLLER://127.0.0.1:0",
        "controller.listener.names": "CONTROLLER",
        "controller.quorum.election.timeout.ms": "100",
        "controller.quorum.fetch.timeout.ms": "200",
      },
      logger: {
        log: (level, text) => {
          if (level === "error") this.errors.push(text);
        },
      },
    });
    this.#honest = await this.connect();
  }

  connect(): Promise<RawClient> {
    return RawClient.connect(this.#runtime, this.node.addresses.get("CONTROLLER")!);
  }

  /** Checks that an old and a new connection are served, and that the node leads its quorum as before. */
  async check(epoch: number): Promise<void> {
    const fresh = await this.connect();
    for (const client of [this.#honest!, fresh]) {
      const { errorCode } = await client.request(apiVersions, 0, {});
      assertEquals(errorName(errorCode), "NONE");
    }
    fresh.close();
    const { role, epoch: now, leaderId } = this.node.quorum.replica.status;
    assertEquals([role, now, leaderId], ["leader", epoch, NODE_ID]);
    assertEquals(this.errors, []);
  }

  get epoch(): number {
    return this.node.quorum.replica.status.epoch;
  }

  async stop(): Promise<void> {
    this.#honest?.close();
    await this.#node?.shutdown();
  }
}

function targetTest(name: string, body: (target: Target) => Promise<void>): void {
  test(name, async () => {
    const target = new Target();
    try {
      await target.start();
      await body(target);
    } finally {
      await target.stop();
    }
  });
}

/** Sends bytes over a connection of their own, and waits for an answer or the end if `waits`. */
async function send(target: Target, bytes: Uint8Array, waits = false): Promise<void> {
  const client = await target.connect();
  try {
    await client.sendBytes(bytes);
    if (waits) await client.nextFrame();
  } catch {
    // The node has closed the connection.
  } finally {
    client.close();
  }
}

/** Returns a frame with the header of a request, and `body`. */
function frameOf(api: AnyApi, version: number, body: Uint8Array): Uint8Array {
  const isFlexible = api.isFlexible(version);
  const header = new Uint8Array(14 + (isFlexible ? 1 : 0));
  const view = new DataView(header.buffer);
  view.setInt32(0, header.length - 4 + body.length);
  view.setInt16(4, api.key);
  view.setInt16(6, version);
  view.setInt32(8, 7);
  view.setInt16(12, -1);
  const frame = new Uint8Array(header.length + body.length);
  frame.set(header);
  frame.set(body, header.length);
  return frame;
}

targetTest("random frames leave a controller as it is", async (target) => {
  const { epoch } = target;
  for (let seed = 1; seed <= FRAMES; seed++) {
    const chance = new Chance(seed);
    const bytes = chance.bytes(4 + chance.below(400));
    // Half of the frames have the right length, so their contents are read.
    if (seed % 2 === 0) new DataView(bytes.buffer).setInt32(0, bytes.length - 4);
    await send(target, bytes);
  }
  await target.check(epoch);
});

targetTest(
  "requests of a controller that are cut off, or have huge arrays, close their connection",
  async (target) => {
    const { epoch } = target;
    for (const { api } of CONTROLLER_LISTENER) {
      const version = api.maxVersion;
      const huge = api.isFlexible(version)
        ? [0xff, 0xff, 0xff, 0xff, 0x07]
        : [0x7f, 0xff, 0xff, 0xff];
      const bodies = [
        [],
        ...[1, 4, 13].map((zeros) => [...new Array(zeros).fill(0), ...huge]),
        [...huge, ...huge, ...huge],
      ];
      for (const body of bodies) {
        await send(
          target,
          frameOf(api, version, Uint8Array.from(body)),
          true,
        );
      }
    }
    await target.check(epoch);
  },
);

/** The requests that may change the cluster: their random values could be valid. */
const CHANGES = new Set(["UnregisterBroker", "UnregisterController", "RemoveRaftVoter"]);

targetTest(
  "random values in all requests of a controller are answered or refused",
  async (target) => {
    const { epoch } = target;
    let answered = 0;
    for (const { api } of CONTROLLER_LISTENER) {
      if (CHANGES.has(api.name)) continue;
      for (let seed = 1; seed <= VALUES; seed++) {
        const chance = new Chance(seed * 100 + api.key);
        const version = api.minVersion + chance.below(api.maxVersion - api.minVersion + 1);
        const value = randomStruct(api.request.shape, version, chance);
        // An answer may wait as long as the request allows.
        for (const name of ["maxWaitMs", "timeoutMs"]) if (name in value) value[name] = 0;
        const client = await target.connect();
        try {
          await client.send(api as never, version, value as never);
          if (await client.nextFrame() !== null) answered++;
        } catch {
          // A value that cannot be encoded.
        } finally {
          client.close();
        }
      }
    }
    assert(answered > 20, `${answered} answers`);
    await target.check(epoch);
  },
);

const partition = { partitionIndex: 0, partition: 0 };
const voteOf = (epoch: number, candidate: number, isPreVote = false) => ({
  clusterId: null,
  voterId: NODE_ID,
  topics: [{
    topicName: TOPIC,
    partitions: [{
      ...partition,
      replicaEpoch: epoch,
      replicaId: candidate,
      replicaDirectoryId: ZERO_UUID,
      voterDirectoryId: ZERO_UUID,
      lastOffsetEpoch: Math.max(0, epoch - 1),
      lastOffset: FAR,
      preVote: isPreVote,
    }],
  }],
});
const beginOf = (epoch: number, leader: number) => ({
  clusterId: null,
  voterId: NODE_ID,
  topics: [{
    topicName: TOPIC,
    partitions: [{
      ...partition,
      voterDirectoryId: ZERO_UUID,
      leaderId: leader,
      leaderEpoch: epoch,
    }],
  }],
  leaderEndpoints: [{ name: "CONTROLLER", host: "127.0.0.1", port: 1 }],
});
const endOf = (epoch: number, leader: number) => ({
  clusterId: null,
  topics: [{
    topicName: TOPIC,
    partitions: [{
      ...partition,
      leaderId: leader,
      leaderEpoch: epoch,
      preferredSuccessors: [],
      preferredCandidates: [],
    }],
  }],
  leaderEndpoints: [],
});
const fetchOf = (offset: number, epoch: number, lastEpoch: number, replicaId: number) => ({
  clusterId: null,
  replicaState: { replicaId, replicaEpoch: -1 },
  maxWaitMs: 0,
  minBytes: 0,
  maxBytes: 0x7fff_ffff,
  isolationLevel: 0,
  sessionId: 0,
  sessionEpoch: -1,
  topics: [{
    topicId: TOPIC_ID,
    partitions: [{
      ...partition,
      currentLeaderEpoch: epoch,
      fetchOffset: offset,
      lastFetchedEpoch: lastEpoch,
      logStartOffset: -1,
      partitionMaxBytes: 0x7fff_ffff,
      replicaDirectoryId: ZERO_UUID,
    }],
  }],
  forgottenTopicsData: [],
  rackId: "",
});
const snapshotOf = (endOffset: number, snapshotEpoch: number, position: number, epoch: number) => ({
  clusterId: null,
  replicaId: 9,
  maxBytes: 0x7fff_ffff,
  topics: [{
    name: TOPIC,
    partitions: [{
      ...partition,
      currentLeaderEpoch: epoch,
      snapshotId: { endOffset, epoch: snapshotEpoch },
      position,
      replicaDirectoryId: ZERO_UUID,
    }],
  }],
});

targetTest(
  "epochs, ids, offsets and positions that cannot be do not move a leader",
  async (target) => {
    const { epoch } = target;
    const ids = [-2, -1, 0, NODE_ID, 77, 0x7fff_ffff];
    const epochs = [-0x8000_0000, -1, 0, epoch, MAX_EPOCH];
    const offsets = [-1, 0, 1, FAR];
    const calls: [string, (client: RawClient) => Promise<unknown>][] = [];
    for (const one of epochs) {
      for (const id of ids) {
        for (const isPreVote of [false, true]) {
          calls.push(["Vote", (client) => client.request(vote, 2, voteOf(one, id, isPreVote))]);
        }
        calls.push(
          ["BeginQuorumEpoch", (client) => client.request(beginQuorumEpoch, 1, beginOf(one, id))],
          ["EndQuorumEpoch", (client) => client.request(endQuorumEpoch, 1, endOf(one, id))],
        );
      }
      for (const offset of offsets) {
        for (const last of epochs) {
          calls.push([
            "Fetch",
            (client) => client.request(fetch, 17, fetchOf(offset, one, last, 77)),
          ]);
        }
        for (const position of [-1, 0, FAR]) {
          for (
            const body of [
              snapshotOf(offset, one, position, epoch),
              snapshotOf(0, 0, position, one),
            ]
          ) {
            calls.push(["FetchSnapshot", (client) => client.request(fetchSnapshot, 1, body)]);
          }
        }
      }
    }
    const client = await target.connect();
    const answers = new Map<string, number>();
    for (const [name, call] of calls) {
      const answer = await call(client) as Record<string, unknown>;
      const text = `${name} ${errorName(codeIn(answer))}`;
      answers.set(text, (answers.get(text) ?? 0) + 1);
    }
    client.close();
    for (const name of ["Vote", "BeginQuorumEpoch", "EndQuorumEpoch", "Fetch", "FetchSnapshot"]) {
      assert([...answers.keys()].some((text) => text.startsWith(`${name} `)), name);
      assert(!answers.has(`${name} UNKNOWN_SERVER_ERROR`), [...answers].join("; "));
    }
    await target.check(epoch);
  },
);

/** Returns the error of an answer, or that of its first partition. */
function codeIn(answer: Record<string, unknown>): number {
  if (typeof answer.errorCode === "number" && answer.errorCode !== 0) return answer.errorCode;
  const topics = (answer.topics ?? answer.responses) as { partitions: { errorCode: number }[] }[];
  return topics?.[0]?.partitions[0]?.errorCode ?? 0;
}

targetTest(
  "AddRaftVoter with impossible voters is refused and changes no voters",
  async (target) => {
    const { epoch } = target;
    const client = await target.connect();
    for (const voterId of [-1, NODE_ID, 77, 0x7fff_ffff]) {
      const { errorCode } = await client.request(addRaftVoter, 1, {
        clusterId: null,
        timeoutMs: 1,
        voterId,
        voterDirectoryId: ZERO_UUID,
        listeners: [],
        ackWhenCommitted: true,
      });
      assert(errorName(errorCode) !== "NONE", `voter ${voterId}`);
    }
    client.close();
    assertEquals([...target.node.quorum.replica.status.voters].map(({ id }) => id), [NODE_ID]);
    await target.check(epoch);
  },
);

/** Resolves when the node leads its quorum in an epoch after `epoch`. */
async function untilLeader(target: Target, epoch: number): Promise<number> {
  const { clock } = hostRuntime();
  for (;;) {
    const { role, epoch: now } = target.node.quorum.replica.status;
    if (role === "leader" && now > epoch) return now;
    await clock.yieldToLoop();
  }
}

targetTest(
  "a leader that is no voter, or a vote of a later epoch, ends an epoch but not the node",
  async (target) => {
    const client = await target.connect();
    const begin = await client.request(beginQuorumEpoch, 1, beginOf(target.epoch + 1, 77));
    assertEquals(errorName(codeIn(begin)), "NONE");
    const next = await untilLeader(target, target.epoch);
    await target.check(next);
    await client.request(vote, 2, voteOf(next + 1_000, 77));
    const last = await untilLeader(target, next);
    await target.check(last);
    client.close();
  },
);

targetTest("no request exhausts the epochs of a quorum", async (target) => {
  const { epoch } = target;
  const client = await target.connect();
  for (const late of [MAX_EPOCH - 1, MAX_EPOCH - 2, epoch + 1_000_001]) {
    const answers = [
      await client.request(vote, 2, voteOf(late, 77)),
      await client.request(vote, 2, voteOf(late, 77, true)),
      await client.request(beginQuorumEpoch, 1, beginOf(late, 77)),
      await client.request(endQuorumEpoch, 1, endOf(late, 77)),
    ];
    assertEquals(
      answers.map((answer) => errorName(codeIn(answer as unknown as Record<string, unknown>))),
      answers.map(() => "INVALID_REQUEST"),
    );
  }
  client.close();
  await target.check(epoch);
});
