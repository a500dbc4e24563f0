/**
 * The cluster that a node with new directories belongs to. Apache Kafka asks for an explicit step, `format`,
 * with which an operator names the cluster. Here a node asks its controllers:
 *
 * - A new broker takes the id that a controller has.
 * - A new controller takes it too. Only when all voters have been reached and none of them has an id, the
 *   quorum itself is new: then the voter with the lowest node id draws one, and the others take that.
 *
 * A controller of Apache Kafka does not answer that question before the quorum has a leader. It names its
 * cluster in its requests for votes, so a new voter that receives one takes the id from there.
 *
 * So a controller that lost its disk never begins a second cluster beside a quorum that cannot be reached,
 * and controllers of two clusters are never joined. A controller without an id answers DescribeCluster with
 * an empty one meanwhile.
 *
 * @module
 */
import { apiVersionsHandler } from "../broker/handlers/api_versions.ts";
import type { BrokerConfig } from "../config/broker_config.ts";
import type { Logger } from "../logger.ts";
import { META_PROPERTIES, readClusterId } from "../log/directory/meta_properties.ts";
import { PeerConnection } from "../network/peer_connection.ts";
import { Dispatcher } from "../network/server/dispatch.ts";
import { defineHandler, type Handler } from "../network/server/handler.ts";
import { ListenerSet } from "../network/server/listener_set.ts";
import { ErrorCode, KafkaError } from "../protocol/errors.ts";
import { describeCluster } from "../protocol/messages/describe_cluster.ts";
import { vote } from "../protocol/messages/vote.ts";
import { randomUuid } from "../protocol/uuid.ts";
import type { Address, Runtime } from "../runtime/runtime.ts";
import { serverOf } from "./server.ts";

/** DescribeCluster describes the controllers. */
const CONTROLLERS = 2;
const ASK_TIMEOUT_MS = 1_000;
/** The waits between two rounds of questions, ms: they double. */
const FIRST_WAIT_MS = 20;
const MAX_WAIT_MS = 500;
/** After so many rounds without an answer the node says what it waits for. */
const ROUNDS_BEFORE_NOTICE = 10;
const MAX_ANSWER_BYTES = 1_048_576;

/** The dependencies of {@linkcode findClusterId}. */
export interface ClusterIdOptions {
  readonly runtime: Runtime;
  readonly config: BrokerConfig;
  readonly logger: Logger;
  /** Ends the search. */
  readonly signal?: AbortSignal;
}

/** A node to ask. */
interface Controller extends Address {
  /** Undefined for a bootstrap server. */
  readonly id?: number;
}

/**
 * Resolves with the id of the cluster that the node joins, or with undefined if its directories have one
 * already or it is a cluster of its own. A controller waits until the others can be reached; a broker waits
 * `initial.broker.registration.timeout.ms`, and REQUEST_TIMED_OUT is thrown then. Rejects with
 * INCONSISTENT_CLUSTER_ID if the controllers belong to different clusters.
 */
export async function findClusterId(options: ClusterIdOptions): Promise<string | undefined> {
  const { runtime, config } = options;
  const isKnown = config.logDirs.some((directory) =>
    readClusterId(runtime.files, `${directory}/${META_PROPERTIES}`) !== null
  );
  if (isKnown || config.isAlone) return undefined;
  const { nodeId, quorumVoters, isController } = config;
  const others = controllersOf(config).filter(({ id }) => id !== nodeId);
  if (!isController) return await askUntilKnown(options, others, () => null);
  // The only voter has no other node to ask.
  if (others.length === 0) return undefined;
  const isLowest = quorumVoters.length > 0 && quorumVoters.every(({ id }) => id >= nodeId);
  let named: string | null = null;
  const listening = await listen(options, (clusterId) => named = clusterId);
  try {
    return await askUntilKnown(
      options,
      others,
      (answers) => {
        if (named !== null) return named;
        return isLowest && answers.every((id) => id === "") ? randomUuid(runtime.random) : null;
      },
    );
  } finally {
    await listening.close();
  }
}

function controllersOf({ quorumVoters, quorumBootstrapServers }: BrokerConfig): Controller[] {
  return quorumVoters.length > 0 ? [...quorumVoters] : [...quorumBootstrapServers];
}

/**
 * Asks all controllers, again and again, until one has an id. Without one, `otherwise` may return an id from
 * the answers of a round, "" of a controller that has none and null of one that did not answer; null goes on
 * asking.
 */
async function askUntilKnown(
  { runtime, config, logger, signal }: ClusterIdOptions,
  controllers: readonly Controller[],
  otherwise: (answers: readonly (string | null)[]) => string | null,
): Promise<string> {
  const { clock } = runtime;
  const { registrationTimeoutMs } = config.brokerLifecycle;
  const deadline = config.isController ? Infinity : clock.monotonicMs() + registrationTimeoutMs;
  for (let round = 1, waitMs = FIRST_WAIT_MS;; round++) {
    signal?.throwIfAborted();
    const answers = await Promise.all(
      controllers.map((controller) => ask(runtime, config.nodeId, controller)),
    );
    const ids = [...new Set(answers.filter((id) => id !== null && id !== ""))] as string[];
    if (ids.length > 1) throw contradiction(config.nodeId, ids);
    if (ids.length === 1) return ids[0]!;
    const other = otherwise(answers);
    if (other !== null) return other;
    if (clock.monotonicMs() >= deadline) throw unanswered(config, controllers);
    if (round === ROUNDS_BEFORE_NOTICE) {
      const silent = controllers.filter((_, index) => answers[index] === null);
      logger.log("info", noticeOf(config.nodeId, silent, controllers));
    }
    await new Promise<void>((resolve) => clock.setTimer(waitMs, resolve));
    waitMs = Math.min(2 * waitMs, MAX_WAIT_MS);
  }
}

/** Asks one controller. Resolves with its cluster id, "" if it has none, or null if it does not answer. */
async function ask(
  runtime: Runtime,
  nodeId: number,
  { host, port }: Controller,
): Promise<string | null> {
  let connection: PeerConnection | null = null;
  try {
    connection = await PeerConnection.open({
      runtime,
      address: { host, port },
      clientId: String(nodeId),
      requestTimeoutMs: ASK_TIMEOUT_MS,
      connectTimeoutMs: ASK_TIMEOUT_MS,
      maxResponseBytes: MAX_ANSWER_BYTES,
    });
    const answer = await connection.request(describeCluster, {
      includeClusterAuthorizedOperations: false,
      includeFencedBrokers: false,
      endpointType: CONTROLLERS,
    });
    return answer.errorCode === ErrorCode.NONE ? answer.clusterId : null;
  } catch {
    return null;
  } finally {
    connection?.close();
  }
}

/** The dependencies of the requests that a controller without a cluster serves. */
interface WithoutCluster {
  readonly nodeId: number;
  /** Called with the id of the cluster that a voter names. */
  readonly onNamed: (clusterId: string) => void;
}

/** Serves the questions of the other new controllers, and reports the cluster that a voter names. */
async function listen(
  { runtime, config, logger }: ClusterIdOptions,
  onNamed: (clusterId: string) => void,
) {
  const listeners = await ListenerSet.open(runtime.network, config.controllerListeners);
  const handlers = [apiVersionsHandler, withoutClusterHandler, namedClusterHandler];
  const services = {
    onNamed,
    nodeId: config.nodeId,
    clusterId: "",
    image: () => ({ features: new Map(), offset: -1 }),
    raft: { status: { kraftVersion: 0 } },
  };
  const server = serverOf({
    runtime,
    config,
    logger,
    listeners,
    dispatcher: new Dispatcher({ handlers, services, logger }),
    maxConnections: Infinity,
    freeDescriptors: () => false,
    onConnection: () => {},
  });
  server.start();
  return server;
}

/** Answers that this node has no cluster yet. */
const withoutClusterHandler: Handler<unknown> = defineHandler(describeCluster, {
  handle: ({ endpointType }) => ({
    errorCode: ErrorCode.NONE,
    endpointType,
    clusterId: "",
    brokers: [],
  }),
  onError: ({ endpointType }, errorCode, errorMessage) => ({
    errorCode,
    errorMessage,
    endpointType,
    clusterId: "",
    brokers: [],
  }),
});

/** Takes the id of the cluster from a request for this node's vote, which it cannot give yet. */
const namedClusterHandler: Handler<WithoutCluster> = defineHandler(vote, {
  handle: ({ clusterId, voterId }, { services: { nodeId, onNamed } }) => {
    if (clusterId && (voterId === nodeId || voterId < 0)) onNamed(clusterId);
    return { errorCode: ErrorCode.BROKER_NOT_AVAILABLE, topics: [] };
  },
  onError: (_request, errorCode) => ({ errorCode, topics: [] }),
});

function contradiction(nodeId: number, ids: readonly string[]): KafkaError {
  return new KafkaError(
    ErrorCode.INCONSISTENT_CLUSTER_ID,
    `Cannot start node ${nodeId}: its controllers belong to different clusters, ${
      ids.join(" and ")
    }; ` +
      "correct controller.quorum.voters or controller.quorum.bootstrap.servers",
  );
}

function unanswered(config: BrokerConfig, controllers: readonly Controller[]): KafkaError {
  const names = controllers.map(({ host, port }) => `${host}:${port}`).join(", ");
  const ms = config.brokerLifecycle.registrationTimeoutMs.toLocaleString("en-US");
  return new KafkaError(
    ErrorCode.REQUEST_TIMED_OUT,
    `Cannot start node ${config.nodeId}: none of its controllers ${names} has answered for ${ms} ms; ` +
      "start them, or correct controller.quorum.voters or controller.quorum.bootstrap.servers",
  );
}

function noticeOf(
  nodeId: number,
  silent: readonly Controller[],
  all: readonly Controller[],
): string {
  const names = (silent.length > 0 ? silent : all).map(({ host, port }) => `${host}:${port}`);
  return silent.length > 0
    ? `Node ${nodeId} is new and waits for the controllers ${names.join(", ")}, which do not answer`
    : `Node ${nodeId} is new and waits until one of the controllers ${
      names.join(", ")
    } has a cluster id`;
}
