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
 * A new controller answers with the voters of its configuration. While lists differ no id is drawn, since nodes
 * with different lists could form two quorums.
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

/** What a node has answered. */
type Answer =
  | { readonly kind: "silent" }
  /** It is the listener of a broker. */
  | { readonly kind: "broker" }
  /** A controller without a cluster, and the ids in its `controller.quorum.voters`. */
  | { readonly kind: "new"; readonly voters: readonly number[] }
  | { readonly kind: "member"; readonly clusterId: string };

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
        return isLowest && answers.every(({ kind }) => kind === "new")
          ? randomUuid(runtime.random)
          : null;
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
 * the answers of a round in which no lists of voters differ; null goes on asking.
 */
async function askUntilKnown(
  { runtime, config, logger, signal }: ClusterIdOptions,
  controllers: readonly Controller[],
  otherwise: (answers: readonly Answer[]) => string | null,
): Promise<string> {
  const { clock } = runtime;
  const { registrationTimeoutMs } = config.brokerLifecycle;
  const deadline = config.isController ? Infinity : clock.monotonicMs() + registrationTimeoutMs;
  let reported: string | null = null;
  for (let round = 1, waitMs = FIRST_WAIT_MS;; round++) {
    signal?.throwIfAborted();
    const answers = await Promise.all(
      controllers.map((controller) => ask(runtime, config.nodeId, controller)),
    );
    const members = answers.filter((answer) => answer.kind === "member");
    const ids = [...new Set(members.map(({ clusterId }) => clusterId))];
    if (ids.length > 1) throw contradiction(config.nodeId, ids);
    if (ids.length === 1) return ids[0]!;
    const difference = differenceOfVoters(config, controllers, answers);
    const other = difference === null ? otherwise(answers) : null;
    if (other !== null) return other;
    if (clock.monotonicMs() >= deadline) throw unanswered(config, controllers, answers);
    if (difference !== null && difference !== reported) logger.log("warn", difference);
    reported = difference;
    if (round === ROUNDS_BEFORE_NOTICE && difference === null) {
      logger.log("warn", noticeOf(config, controllers, answers));
    }
    await new Promise<void>((resolve) => clock.setTimer(waitMs, resolve));
    waitMs = Math.min(2 * waitMs, MAX_WAIT_MS);
  }
}

/** Asks one controller. */
async function ask(
  runtime: Runtime,
  nodeId: number,
  { host, port }: Controller,
): Promise<Answer> {
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
    const { errorCode, clusterId, brokers } = await connection.request(describeCluster, {
      includeClusterAuthorizedOperations: false,
      includeFencedBrokers: false,
      endpointType: CONTROLLERS,
    });
    if (errorCode === ErrorCode.MISMATCHED_ENDPOINT_TYPE) return { kind: "broker" };
    if (errorCode !== ErrorCode.NONE) return { kind: "silent" };
    return clusterId === ""
      ? { kind: "new", voters: brokers.map(({ brokerId }) => brokerId) }
      : { kind: "member", clusterId };
  } catch {
    return { kind: "silent" };
  } finally {
    connection?.close();
  }
}

/** The dependencies of the requests that a controller without a cluster serves. */
interface WithoutCluster {
  readonly nodeId: number;
  /** The voters of the configuration. */
  readonly voters: BrokerConfig["quorumVoters"];
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
    voters: config.quorumVoters,
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

/** Answers that this node has no cluster yet, with the voters of its configuration. */
const withoutClusterHandler: Handler<WithoutCluster> = defineHandler(describeCluster, {
  handle: ({ endpointType }, { services: { voters } }) => ({
    errorCode: ErrorCode.NONE,
    endpointType,
    clusterId: "",
    brokers: voters.map(({ id, host, port }) => ({ brokerId: id, host, port, rack: null })),
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

/** Returns the sentence about a new controller that has other voters than this node, or null. */
function differenceOfVoters(
  { nodeId, quorumVoters }: BrokerConfig,
  controllers: readonly Controller[],
  answers: readonly Answer[],
): string | null {
  const own = listOf(quorumVoters.map(({ id }) => id));
  for (const [index, answer] of answers.entries()) {
    if (answer.kind !== "new" || own === "" || answer.voters.length === 0) continue;
    const theirs = listOf(answer.voters);
    if (theirs === own) continue;
    const { host, port } = controllers[index]!;
    return `Node ${nodeId} is new and waits: its controller.quorum.voters have the ids ${own}, those of the ` +
      `new controller at ${host}:${port} have ${theirs}; set the same list on all nodes and start them again`;
  }
  return null;
}

function listOf(ids: readonly number[]): string {
  return ids.toSorted((a, b) => a - b).join(", ");
}

function unanswered(
  config: BrokerConfig,
  controllers: readonly Controller[],
  answers: readonly Answer[],
): KafkaError {
  const ms = config.brokerLifecycle.registrationTimeoutMs.toLocaleString("en-US");
  const brokers = addressesOf(controllers.filter((_, index) => answers[index]!.kind === "broker"));
  const why = brokers === ""
    ? `none of its controllers ${
      addressesOf(controllers)
    } has named a cluster within ${ms} ms; start them, or`
    : `its controllers ${brokers} are listeners of brokers; name those of controllers:`;
  return new KafkaError(
    ErrorCode.REQUEST_TIMED_OUT,
    `Cannot start node ${config.nodeId}: ${why} correct controller.quorum.voters or ` +
      "controller.quorum.bootstrap.servers",
  );
}

/** Returns what a node still waits for, with the remedy. */
function noticeOf(
  { nodeId, isController, quorumVoters }: BrokerConfig,
  controllers: readonly Controller[],
  answers: readonly Answer[],
): string {
  const having = (kind: Answer["kind"]) =>
    addressesOf(controllers.filter((_, index) => answers[index]!.kind === kind));
  const brokers = having("broker");
  if (brokers !== "") {
    return `Node ${nodeId} is new and waits for the controllers ${brokers}, which are the listeners of ` +
      "brokers: correct controller.quorum.voters or controller.quorum.bootstrap.servers";
  }
  const silent = having("silent");
  if (silent !== "") {
    return `Node ${nodeId} is new and waits for the controllers ${silent}, which do not answer: start them, or ` +
      "correct controller.quorum.voters or controller.quorum.bootstrap.servers";
  }
  const text = `Node ${nodeId} is new and waits until one of the controllers ${
    addressesOf(controllers)
  } has a cluster id`;
  // Voters draw one themselves.
  return !isController || quorumVoters.length > 0
    ? text
    : `${text}, and the first of a quorum with ` +
      'controller.quorum.bootstrap.servers gets it by "millrace format --standalone": format one of them';
}

function addressesOf(controllers: readonly Controller[]): string {
  return controllers.map(({ host, port }) => `${host}:${port}`).join(", ");
}
