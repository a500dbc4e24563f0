/**
 * Replicas of the quorum on simulated machines, with everything between them that a real one has: files,
 * sockets, requests in their newest versions, and their handlers.
 */
import { assert, assertEquals } from "@std/assert";
import { apiVersionsHandler } from "../../src/broker/handlers/api_versions.ts";
import { DataDirectory } from "../../src/log/directory/data_directory.ts";
import { DEFAULT_LOG_CONFIG } from "../../src/log/log_config.ts";
import { encodeBatch } from "../../src/protocol/records/batch.ts";
import { NO_PAUSE } from "../../src/protocol/records/compression/steps.ts";
import { METADATA_TOPIC_ID, ZERO_UUID } from "../../src/protocol/uuid.ts";
import { DEFAULT_RAFT_TIMING } from "../../src/raft/core/timing.ts";
import { VoterSet } from "../../src/raft/core/voter_set.ts";
import { RaftPeers } from "../../src/raft/peers.ts";
import { RaftReplica } from "../../src/raft/raft_replica.ts";
import { readRaftStart } from "../../src/raft/raft_start.ts";
import { QuorumStateFile } from "../../src/raft/storage/quorum_state_file.ts";
import { RaftLog } from "../../src/raft/storage/raft_log.ts";
import { SnapshotFiles } from "../../src/raft/storage/snapshot_files.ts";
import { RAFT_HANDLERS } from "../../src/raft/supported.ts";
import type { Runtime } from "../../src/runtime/runtime.ts";
import { Simulation } from "../../src/simulator/simulation.ts";
import { test } from "../harness.ts";
import { startServer } from "../network/server/server_fixture.ts";
import { CLUSTER_ID, DIRECTORIES } from "./handlers/fixture.ts";
import { DIRECTORY } from "./storage/fixture.ts";

const PORT = 9093;
const LISTENER = "PLAINTEXT";
const HOSTS = ["one", "two", "three"];
const VOTERS = new VoterSet(HOSTS.map((host, index) => ({
  id: index + 1,
  directoryId: ZERO_UUID,
  endpoints: [{ name: LISTENER, host, port: PORT }],
  kraftVersions: { min: 0, max: 1 },
})));

/** A replica and what it has reported. */
interface Running {
  readonly id: number;
  readonly host: string;
  readonly replica: RaftReplica;
  committed: number;
  isActive: boolean;
}

/** Starts voter `id` on its machine. */
async function start(id: number, runtime: Runtime): Promise<Running> {
  const { clock, random, files } = runtime;
  const host = HOSTS[id - 1]!;
  const logger = {
    log: (level: string, message: string) => assert(level !== "error", message),
  };
  const directory = DataDirectory.open({ runtime, directory: "/data", nodeId: id });
  await directory.flushDirectory();
  const partitionLog = directory.create("__cluster_metadata", 0, METADATA_TOPIC_ID, {
    ...DEFAULT_LOG_CONFIG,
    retentionMs: -1,
  });
  await directory.flushDirectory();
  const snapshots = await SnapshotFiles.open(files, DIRECTORY);
  const log = await RaftLog.open({ log: partitionLog, snapshots });
  const raftFiles = { log, quorumState: new QuorumStateFile(files, DIRECTORY) };
  const { endpoints, kraftVersions } = VOTERS.byId(id)!;
  const found = await readRaftStart(
    raftFiles,
    { id, directoryId: DIRECTORIES[id - 1]!, endpoints, kraftVersions, canVote: true },
    {
      timing: DEFAULT_RAFT_TIMING,
      below: (bound) => random.below(bound),
      bootstrapServers: HOSTS.map((name) => ({ host: name, port: PORT })),
    },
    VOTERS,
    NO_PAUSE,
  );
  const running = { id, host, committed: 0, isActive: false };
  const replica = new RaftReplica(found, {
    clusterId: CLUSTER_ID,
    clock,
    logger,
    files: raftFiles,
    transport: new RaftPeers({
      runtime,
      clusterId: CLUSTER_ID,
      listener: LISTENER,
      clientId: `raft-client-${id}`,
      requestTimeoutMs: DEFAULT_RAFT_TIMING.requestTimeoutMs,
    }),
    observer: {
      onCommitted: (offset) => void (running.committed = offset),
      onLeader: () => {},
      onActive: () => void (running.isActive = true),
      onInactive: () => void (running.isActive = false),
      onFailed: (error) => {
        throw error;
      },
    },
    pause: NO_PAUSE,
  });
  await startServer(runtime, {
    handlers: [apiVersionsHandler, ...RAFT_HANDLERS],
    services: {
      raft: replica,
      clock,
      nodeId: id,
      clusterId: CLUSTER_ID,
      image: () => ({ features: new Map<string, number>(), offset: 0 }),
    },
    logger,
  }, { host: "0.0.0.0", port: PORT });
  replica.start();
  return Object.assign(running, { replica });
}

/** Three replicas. */
class Quorum {
  readonly replicas = new Map<string, Running>();
  readonly simulation: Simulation;

  constructor(seed: number) {
    this.simulation = new Simulation(seed);
  }

  async start(host: string, runtime: Runtime = this.simulation.runtime(host)): Promise<void> {
    const started = start(HOSTS.indexOf(host) + 1, runtime);
    this.replicas.set(host, await this.simulation.run(started));
  }

  kill(host: string): void {
    this.simulation.kill(host);
    this.replicas.delete(host);
  }

  /** Lets time pass until `holds`, and returns how long that took, ms. */
  async until(what: string, holds: () => boolean, limitMs: number = 10_000): Promise<number> {
    const { simulation } = this;
    const beganMs = simulation.nowMs;
    while (!holds()) {
      assert(simulation.nowMs - beganMs < limitMs, `${what} took longer than ${limitMs} ms`);
      await simulation.run(simulation.nowMs + 1);
    }
    return simulation.nowMs - beganMs;
  }

  /** The replica that leads and is active, if there is exactly one. */
  get leader(): Running | null {
    const active = [...this.replicas.values()].filter(({ isActive }) => isActive);
    return active.length === 1 ? active[0]! : null;
  }

  /** Appends a record on the leader and returns the offset after it. */
  propose(text: string): number {
    const value = new TextEncoder().encode(text);
    const position = this.leader!.replica.propose(encodeBatch([{ timestamp: 1, value }]), 1);
    return position!.offset + 1;
  }

  isCommitted(offset: number): boolean {
    return [...this.replicas.values()].every(({ committed }) => committed >= offset);
  }
}

// With 113 and 310 the two that are left divide their votes.
for (const seed of [1, 113, 310]) {
  test(`three replicas over the wire go on when their leader is killed, seed ${seed}`, async () => {
    const quorum = new Quorum(seed);
    for (const host of HOSTS) await quorum.start(host);
    await quorum.until("the first election", () => quorum.leader !== null);
    const first = quorum.propose("first");
    const firstMs = await quorum.until("a commit", () => quorum.isCommitted(first));
    assert(firstMs < 50, `a commit reached all replicas after ${firstMs} ms`);

    const { host, replica } = quorum.leader!;
    const { epoch } = replica.status;
    quorum.kill(host);
    const failoverMs = await quorum.until("a failover", () => quorum.leader !== null, 500);
    assert(failoverMs < 500, `failover took ${failoverMs} ms`);
    assert(quorum.leader!.replica.status.epoch > epoch);
    const second = quorum.propose("second");
    await quorum.until("a commit of two", () => quorum.isCommitted(second));

    await quorum.start(host, quorum.simulation.restart(host));
    await quorum.until("catching up", () => quorum.isCommitted(second));
    const logs = [...quorum.replicas.values()].map((one) => one.replica.readCommitted(0, 1 << 20));
    assertEquals(logs[1], logs[0]);
    assertEquals(logs[2], logs[0]);
  });
}

test("a leader over the wire that shuts down is followed by another at once", async () => {
  const quorum = new Quorum(4);
  for (const host of HOSTS) await quorum.start(host);
  await quorum.until("the first election", () => quorum.leader !== null);
  const offset = quorum.propose("first");
  await quorum.until("a commit", () => quorum.isCommitted(offset));
  const { host, replica } = quorum.leader!;
  await quorum.simulation.run(replica.shutdown());
  quorum.replicas.delete(host);
  const failoverMs = await quorum.until("a failover", () => quorum.leader !== null, 500);
  assert(failoverMs < 100, `failover took ${failoverMs} ms`);
});
