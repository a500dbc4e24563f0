import { assert, assertEquals } from "@std/assert";
import { apiVersionsHandler } from "../../src/broker/handlers/api_versions.ts";
import { CloseConnection } from "../../src/network/server/handler.ts";
import type { Interceptor } from "../../src/network/server/interceptor.ts";
import type { Server } from "../../src/network/server/server.ts";
import { ErrorCode } from "../../src/protocol/errors.ts";
import type { ApiVersionsResponse } from "../../src/protocol/messages/api_versions.ts";
import { encodeBatch } from "../../src/protocol/records/batch.ts";
import type { PeerAnswer, PeerRequest, RequestFailure } from "../../src/raft/core/messages.ts";
import { RaftPeers } from "../../src/raft/peers.ts";
import { RAFT_HANDLERS } from "../../src/raft/supported.ts";
import { hostRuntime } from "../../src/runtime/host.ts";
import type { Address, Runtime } from "../../src/runtime/runtime.ts";
import { Simulation } from "../../src/simulator/simulation.ts";
import { test } from "../harness.ts";
import { startServer } from "../network/server/server_fixture.ts";
import {
  CLUSTER_ID,
  DIRECTORIES,
  FakeReplica,
  LEADER,
  learntLeader,
  SENDER,
} from "./handlers/fixture.ts";

const KEY = { id: 3, directoryId: DIRECTORIES[2]! };
const VOTE: PeerRequest & { type: "vote" } = {
  type: "vote",
  epoch: 8,
  candidate: KEY,
  voter: { id: 1, directoryId: DIRECTORIES[0]! },
  lastEpoch: 7,
  endOffset: 100,
  isPreVote: false,
};
const FETCH: PeerRequest = {
  type: "fetch",
  epoch: 7,
  replica: KEY,
  offset: 100,
  lastEpoch: 7,
  highWatermark: 90,
  maxWaitMs: 500,
  maxBytes: 1_000_000,
};
const SNAPSHOT: PeerRequest = {
  type: "fetch-snapshot",
  epoch: 7,
  replica: KEY,
  id: { endOffset: 60, epoch: 4 },
  position: 0,
  maxBytes: 1_000,
};
const OTHERS: readonly PeerRequest[] = [
  {
    type: "begin-quorum-epoch",
    epoch: 7,
    leaderId: 3,
    voter: VOTE.voter,
    endpoints: LEADER.endpoints,
  },
  {
    type: "end-quorum-epoch",
    epoch: 7,
    leaderId: 3,
    successors: [VOTE.voter],
    endpoints: LEADER.endpoints,
  },
  {
    type: "update-voter",
    epoch: 7,
    voter: { ...KEY, endpoints: LEADER.endpoints, kraftVersions: { min: 0, max: 1 } },
  },
];
const BATCH = encodeBatch([{ timestamp: 1, value: new Uint8Array(9) }], {
  baseOffset: 100,
  partitionLeaderEpoch: 7,
});

/** Answers every request without an error. */
class Controller extends FakeReplica {
  /** The fetches that wait. */
  readonly parked: (() => void)[] = [];
  parksFetches = false;

  override async request(request: PeerRequest) {
    this.requests.push(request);
    const common = { errorCode: ErrorCode.NONE, leader: LEADER };
    const reply = { records: null, snapshotPart: null };
    switch (request.type) {
      case "vote":
        return { ...reply, answer: { ...common, type: "vote" as const, isGranted: true } };
      case "fetch": {
        if (this.parksFetches) await new Promise<void>((resolve) => this.parked.push(resolve));
        const positions = { highWatermark: 100, logStartOffset: 0 };
        const nothing = { diverging: null, snapshotId: null, read: null };
        return {
          ...reply,
          records: BATCH,
          answer: { ...common, ...positions, ...nothing, type: "fetch" as const },
        };
      }
      case "fetch-snapshot":
        return {
          ...reply,
          snapshotPart: { size: 2, bytes: new Uint8Array([5, 6]) },
          answer: {
            ...common,
            type: "fetch-snapshot" as const,
            id: request.id,
            read: { position: request.position, maxBytes: request.maxBytes },
          },
        };
      default:
        return { ...reply, answer: { ...common, type: request.type } };
    }
  }
}

/** Starts `controller` behind a server. */
function serve(
  runtime: Runtime,
  controller: Controller,
  interceptors: readonly Interceptor[] = [],
  address?: Address,
) {
  return startServer(runtime, {
    handlers: [apiVersionsHandler, ...RAFT_HANDLERS],
    services: {
      raft: controller,
      clock: runtime.clock,
      nodeId: 1,
      clusterId: CLUSTER_ID,
      image: () => ({ features: new Map<string, number>(), offset: 0 }),
    },
    logger: { log: (level, message) => assert(level !== "error", message) },
    interceptors,
  }, address);
}

function peersOf(runtime: Runtime): RaftPeers {
  return new RaftPeers({ ...SENDER, runtime, clientId: "raft-3", requestTimeoutMs: 2_000 });
}

interface Loopback {
  readonly controller: Controller;
  readonly server: Server;
  readonly address: Address;
  readonly peers: RaftPeers;
  send(request: PeerRequest): ReturnType<RaftPeers["send"]>;
}

/** Calls `use` with a controller on a port of this machine and a replica that sends it requests. */
async function withController(
  interceptors: readonly Interceptor[],
  use: (loopback: Loopback) => Promise<void>,
): Promise<void> {
  const runtime = hostRuntime();
  const controller = new Controller();
  const { server, address } = await serve(runtime, controller, interceptors);
  const peers = peersOf(runtime);
  try {
    await use({
      controller,
      server,
      address,
      peers,
      send: (request) => peers.send({ id: 1, address }, request),
    });
  } finally {
    for (const wake of controller.parked) wake();
    peers.close();
    await server.close();
  }
}

/** Calls `use` with a controller on the simulated machine "one" and a replica on "three". */
async function withSimulation(
  use: (simulated: {
    readonly simulation: Simulation;
    readonly controller: Controller;
    readonly peers: RaftPeers;
    send(request: PeerRequest): ReturnType<RaftPeers["send"]>;
    /** Starts the process of "one" again, which was killed or has crashed. */
    restart(): Promise<void>;
  }) => Promise<void>,
): Promise<void> {
  const simulation = new Simulation(8);
  const address = { host: "one", port: 9093 };
  const controller = new Controller();
  const start = async (runtime: Runtime) => {
    await simulation.run(serve(runtime, controller, [], { host: "0.0.0.0", port: 9093 }));
  };
  await start(simulation.runtime("one"));
  const peers = peersOf(simulation.runtime("three"));
  await use({
    simulation,
    controller,
    peers,
    send: (request) => simulation.run(peers.send({ id: 1, address }, request)),
    restart: () => start(simulation.restart("one")),
  });
  peers.close();
}

function failed(reason: RequestFailure["reason"]): RequestFailure {
  return { type: "failure", reason };
}

test("RaftPeers.send() returns the answers to all requests, over two connections", () =>
  withController([], async ({ controller, server, send }) => {
    const common = { errorCode: ErrorCode.NONE, leader: learntLeader(1) };
    assertEquals(await send(VOTE), { ...common, type: "vote", isGranted: true });
    assertEquals(await send(FETCH), {
      ...common,
      type: "fetch",
      highWatermark: 100,
      logStartOffset: 0,
      diverging: null,
      snapshotId: null,
      batches: [{ baseOffset: 100, lastOffset: 100, epoch: 7, control: [], bytes: BATCH }],
    });
    assertEquals(await send(SNAPSHOT), {
      ...common,
      type: "fetch-snapshot",
      id: { endOffset: 60, epoch: 4 },
      size: 2,
      position: 0,
      bytes: new Uint8Array([5, 6]),
    });
    for (const request of OTHERS) {
      assertEquals(await send(request), { ...common, type: request.type } as PeerAnswer);
    }
    assertEquals(controller.requests, [VOTE, FETCH, SNAPSHOT, ...OTHERS]);
    assertEquals(server.connectionCount, 2);
  }));

test("RaftPeers.send() answers a vote while a fetch waits", () =>
  withController([], async ({ controller, send }) => {
    controller.parksFetches = true;
    const fetching = send(FETCH);
    assertEquals((await send(VOTE)).type, "vote");
    assertEquals((await send({ ...VOTE, isPreVote: true })).type, "vote");
    while (controller.parked.length === 0) await hostRuntime().clock.yieldToLoop();
    controller.parked.shift()!();
    assertEquals((await fetching).type, "fetch");
  }));

test("RaftPeers.send() reports that nothing listens as refused", async () => {
  await withController([], async ({ server, send }) => {
    await server.close();
    assertEquals(await send(VOTE), failed("refused"));
    assertEquals(await send(FETCH), failed("refused"));
  });
});

test("RaftPeers.send() reports a connection that ends, and opens another one", async () => {
  let isBroken = true;
  let seen: string[] = [];
  const closing: Interceptor = ({ name }, next) => {
    seen.push(name);
    if (isBroken && name !== "ApiVersions") throw new CloseConnection("The test closes it");
    return next();
  };
  await withController([closing], async ({ controller, send }) => {
    assertEquals(await send(VOTE), failed("disconnected"));
    assertEquals(await send(FETCH), failed("disconnected"));
    assertEquals(seen, ["ApiVersions", "Vote", "ApiVersions", "Fetch"]);
    isBroken = false;
    assertEquals((await send(VOTE)).type, "vote");
    assertEquals((await send(FETCH)).type, "fetch");
    assertEquals(controller.requests, [VOTE, FETCH]);
    // The connections are open now, so that they may have been dead before the request was sent.
    isBroken = true;
    seen = [];
    assertEquals(await send(FETCH), failed("disconnected"));
    assertEquals(seen, ["Fetch", "ApiVersions"]);
    seen = [];
    assertEquals(await send(VOTE), failed("disconnected"));
    assertEquals(seen, ["Vote", "ApiVersions", "Vote"]);
  });
});

test("RaftPeers.send() reports a peer without the version that a request needs", async () => {
  const served = new Map([[1, 11], [52, 1], [53, 1]]);
  const older: Interceptor = async ({ name }, next) => {
    if (name !== "ApiVersions") return next();
    const { apiKeys, ...answer } = await next() as ApiVersionsResponse;
    return {
      ...answer,
      apiKeys: apiKeys.filter(({ apiKey }) => apiKey === 18 || served.has(apiKey))
        .map((api) => ({ ...api, maxVersion: served.get(api.apiKey) ?? api.maxVersion })),
    };
  };
  await withController([older], async ({ controller, server, send }) => {
    assertEquals(await send({ ...VOTE, isPreVote: true }), failed("unsupported"));
    assertEquals(await send(FETCH), failed("unsupported"));
    assertEquals(await send(OTHERS[1]!), failed("unsupported"));
    assertEquals((await send(VOTE)).type, "vote");
    assertEquals((await send(OTHERS[0]!)).type, "begin-quorum-epoch");
    assertEquals(controller.requests, [VOTE, OTHERS[0]!]);
    assertEquals(server.connectionCount, 2);
  });
});

test("RaftPeers.send() reports answers that cannot be used as unreadable", async () => {
  const damaged = BATCH.slice();
  damaged[damaged.length - 1]! ^= 1;
  const empty: Interceptor = async ({ name }, next) => {
    const answer = await next();
    if (name === "Vote") return { errorCode: 0, topics: [] };
    if (name !== "Fetch") return answer;
    const { responses: [topic] } = answer as { responses: { partitions: object[] }[] };
    const partitions = [{ ...topic!.partitions[0]!, records: damaged }];
    return { ...answer as object, responses: [{ ...topic!, partitions }] };
  };
  await withController([empty], async ({ send, server }) => {
    assertEquals(await send(VOTE), failed("unreadable"));
    assertEquals(await send(FETCH), failed("unreadable"));
    assertEquals((await send(OTHERS[0]!)).type, "begin-quorum-epoch");
    assertEquals(server.connectionCount, 2);
  });
});

test("RaftPeers.send() reports a server of another protocol as unreadable", async () => {
  const runtime = hostRuntime();
  const listener = await runtime.network.listen({ host: "127.0.0.1", port: 0 });
  const serving = (async () => {
    const connection = (await listener.accept())!;
    await connection.readInto!(new Uint8Array(1_000));
    await connection.writeAll!(new TextEncoder().encode("HTTP/1.1 400 Bad Request\r\n\r\n"));
    return connection;
  })();
  const peers = peersOf(runtime);
  const outcome = await peers.send({ id: 1, address: listener.address }, VOTE);
  peers.close();
  listener.close();
  (await serving).close();
  assertEquals(outcome, failed("unreadable"));
});

test("RaftPeers.send() reports a killed leader as refused while a fetch waits", () =>
  withSimulation(async ({ simulation, controller, send }) => {
    assertEquals((await send(FETCH)).type, "fetch");
    controller.parksFetches = true;
    const killed = simulation.nowMs + 100;
    simulation.schedule(100, () => simulation.kill("one"));
    assertEquals(await send(FETCH), failed("refused"));
    assert(simulation.nowMs < killed + 50, `after ${simulation.nowMs - killed} ms`);
  }));

test("RaftPeers.send() uses a new connection to a process that was restarted", () =>
  withSimulation(async ({ simulation, controller, send, restart }) => {
    assertEquals((await send(VOTE)).type, "vote");
    assertEquals((await send(FETCH)).type, "fetch");
    // The end of the process is noticed at once.
    simulation.kill("one");
    await restart();
    await simulation.run(simulation.nowMs + 100);
    assertEquals((await send(VOTE)).type, "vote");
    assertEquals((await send(FETCH)).type, "fetch");
    // After a power failure a connection turns out to be dead only when something is sent.
    await simulation.crash("one");
    await restart();
    assertEquals((await send(VOTE)).type, "vote");
    assertEquals(await send(FETCH), failed("disconnected"));
    assertEquals((await send(FETCH)).type, "fetch");
    assertEquals(controller.requests.length, 6);
  }));

test("RaftPeers.send() reports a machine that does not answer as a timeout", () =>
  withSimulation(async ({ simulation, send }) => {
    await simulation.crash("one");
    let beganMs = simulation.nowMs;
    assertEquals(await send(VOTE), failed("timeout"));
    assertEquals(Math.round(simulation.nowMs - beganMs), 2_000);
    beganMs = simulation.nowMs;
    assertEquals(await send(FETCH), failed("timeout"));
    assertEquals(Math.round(simulation.nowMs - beganMs), 2_000);
  }));

test("RaftPeers.send() reports a request that is not answered as a timeout, and goes on", () =>
  withSimulation(async ({ controller, send }) => {
    controller.parksFetches = true;
    assertEquals(await send(FETCH), failed("timeout"));
    controller.parksFetches = false;
    assertEquals((await send(FETCH)).type, "fetch");
  }));

test("RaftPeers.probe() returns the levels of kraft.version that a node supports", async () => {
  let features = [
    { name: "metadata.version", minVersion: 7, maxVersion: 33 },
    { name: "kraft.version", minVersion: 0, maxVersion: 1 },
  ];
  let errorCode: ErrorCode = ErrorCode.NONE;
  const supporting: Interceptor = async (_intercepted, next) => ({
    ...await next() as ApiVersionsResponse,
    errorCode,
    supportedFeatures: features,
  });
  await withController([supporting], async ({ peers, address, server }) => {
    assertEquals(await peers.probe({ id: 1, address }), { min: 0, max: 1 });
    features = features.slice(0, 1);
    assertEquals(await peers.probe({ id: 1, address }), { min: 0, max: 0 });
    errorCode = ErrorCode.INVALID_REQUEST;
    assertEquals(await peers.probe({ id: 1, address }), null);
    await server.close();
    assertEquals(await peers.probe({ id: 1, address }), null);
  });
});

test("RaftPeers.close() ends requests in flight and refuses later ones", () =>
  withController([], async ({ controller, peers, send, address }) => {
    controller.parksFetches = true;
    const fetching = send(FETCH);
    while (controller.parked.length === 0) await hostRuntime().clock.yieldToLoop();
    const opening = send(VOTE);
    const probing = peers.probe({ id: 1, address });
    peers.close();
    assertEquals(await fetching, failed("disconnected"));
    assertEquals(await opening, failed("disconnected"));
    assertEquals(await probing, null);
    assertEquals(await send(VOTE), failed("disconnected"));
    assertEquals(await peers.probe({ id: 1, address }), null);
    assertEquals(peers.size, 0);
  }));

test("RaftPeers keeps at most 64 connections, and those of requests in flight", () =>
  withSimulation(async ({ simulation, controller, peers, send }) => {
    controller.parksFetches = true;
    const fetching = peers.send({ id: 1, address: { host: "one", port: 9093 } }, FETCH);
    await simulation.run(simulation.nowMs + 100);
    for (let port = 1; port <= 70; port++) {
      const to = { id: -port, address: { host: "one", port } };
      assertEquals(await simulation.run(peers.send(to, VOTE)), failed("refused"));
    }
    assertEquals(peers.size, 64);
    controller.parked.shift()!();
    assertEquals((await simulation.run(fetching)).type, "fetch");
    assertEquals((await send(VOTE)).type, "vote");
  }));
