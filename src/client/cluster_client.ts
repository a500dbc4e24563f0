/**
 * A client's way to its cluster: connections by broker, what is known of topics and leaders, and
 * requests that are sent again where that may help. Producer, Consumer and Admin are built on it.
 *
 * @module
 */
import type { Api } from "../protocol/api.ts";
import { ErrorCode, KafkaError } from "../protocol/errors.ts";
import { findCoordinator } from "../protocol/messages/find_coordinator.ts";
import { metadata, type MetadataResponse } from "../protocol/messages/metadata.ts";
import { hostRuntime } from "../runtime/host.ts";
import type { Address, Runtime } from "../runtime/runtime.ts";
import { BrokerConnection, type RequestOptions } from "../network/peer_connection.ts";
import { type ClientOptions, type ClientSettings, clientSettings } from "./client_options.ts";
import { ClusterView, type TopicInfo } from "./cluster_view.ts";
import { answered, closedError } from "./errors.ts";
import { ReconnectBackoff } from "../network/reconnect_backoff.ts";
import { retry, sleep } from "../network/retry.ts";

/**
 * What a connection is for. Requests that wait (a fetch for data, a joining member for its group)
 * would hold up everything behind them, so they get connections of their own.
 */
export type Purpose = "main" | "fetch" | "group";

/** How often a topic that is not there is asked for again: about two and a half seconds. */
const TOPIC_RETRIES = 5;

/** Connections, metadata and retries; closed once, by its owner. */
export class ClusterClient {
  readonly settings: ClientSettings;
  readonly view: ClusterView = new ClusterView();
  /** The clock, random numbers and network of this client. */
  readonly runtime: Runtime;
  readonly #connections = new Map<string, Promise<BrokerConnection>>();
  readonly #reconnects: ReconnectBackoff;
  readonly #abort = new AbortController();
  /** Topics whose metadata are kept up to date. */
  readonly #topics = new Set<string>();
  #refreshing: Promise<void> | null = null;

  /** Opens no connection yet. Throws a TypeError for invalid options. */
  constructor(options: ClientOptions) {
    this.settings = clientSettings(options);
    const { reconnectBackoffMs: firstMs, reconnectBackoffMaxMs: mostMs } = this.settings;
    this.#reconnects = new ReconnectBackoff({ firstMs, mostMs });
    this.runtime = options.runtime ?? hostRuntime();
  }

  /** Aborted when the client is closed. */
  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** Closes every connection; requests on their way fail. May be called twice. */
  close(): void {
    if (this.signal.aborted) return;
    this.#abort.abort(closedError("talk to the cluster with this client"));
    for (const connection of this.#connections.values()) {
      connection.then((open) => open.close(), () => {});
    }
    this.#connections.clear();
  }

  /**
   * Makes `attempt` again as long as it fails with a retriable error, `retries` times at most and
   * never more often than the settings say.
   */
  retry<T>(attempt: () => Promise<T>, retries: number = Infinity): Promise<T> {
    const policy = { ...this.settings, retries: Math.min(retries, this.settings.retries) };
    return retry(this.runtime, policy, this.signal, attempt);
  }

  /** The connection to broker `nodeId`, opened when there is none. */
  async broker(nodeId: number, purpose: Purpose = "main"): Promise<BrokerConnection> {
    const broker = this.view.brokers.get(nodeId);
    if (broker === undefined) {
      throw new KafkaError(
        ErrorCode.LEADER_NOT_AVAILABLE,
        `Cannot connect to broker ${nodeId}: the cluster does not list it`,
      );
    }
    return await this.#connect(broker, purpose);
  }

  /**
   * A connection to any broker: one that is open, else the first that answers, those last to which a
   * connection has failed just now.
   */
  async anyBroker(): Promise<BrokerConnection> {
    const { bootstrap } = this.settings;
    const known = [...this.view.brokers.values(), ...bootstrap];
    for (const address of known) {
      const connection = this.#connections.get(keyOf(address, "main"));
      if (connection !== undefined) {
        const open = await connection.catch(() => null);
        if (open?.isOpen) return open;
      }
    }
    const { clock, random } = this.runtime;
    const first = random.below(known.length);
    const inTurn = [...known.slice(first), ...known.slice(0, first)]
      .map((address) => ({ address, delayMs: this.#reconnects.delayMs(textOf(address), clock) }))
      .sort((one, other) => one.delayMs - other.delayMs);
    let failure: unknown;
    for (const { address } of inTurn) {
      try {
        return await this.#connect(address, "main");
      } catch (error) {
        failure = error;
      }
    }
    throw failure;
  }

  /** Sends a request to any broker, again where that may help. */
  ask<Q, Query, Response, R>(
    api: Api<Q, Query, Response, R>,
    query: Query,
    options?: RequestOptions,
  ): Promise<Response> {
    return this.retry(async () => (await this.anyBroker()).request(api, query, options));
  }

  /**
   * The topic with its partitions, from what is known or else from the cluster, again until it is
   * there. Throws a {@linkcode KafkaError} with the cluster's own error when it stays away.
   * `create` lets a cluster that is set so create the topic.
   */
  async topic(name: string, create: boolean): Promise<TopicInfo> {
    const since = this.runtime.clock.monotonicMs() - this.settings.metadataMaxAgeMs;
    const known = this.view.topic(name, since);
    if (known !== undefined) return known;
    this.#topics.add(name);
    try {
      return await this.retry(async () => {
        const existing = this.view.topic(name, since);
        if (existing !== undefined) return existing;
        await this.refresh([name], create);
        const info = this.view.topic(name);
        if (info !== undefined && info.partitions.length > 0) return info;
        const code = this.view.topicError(name) || ErrorCode.LEADER_NOT_AVAILABLE;
        throw answered(code, `Cannot find topic "${name}"`);
      }, TOPIC_RETRIES);
    } catch (error) {
      this.#topics.delete(name);
      throw error;
    }
  }

  /**
   * Asks the cluster anew for everything this client uses, and for `names`. Calls while one is on
   * its way share the next one. Throws when no broker answers.
   */
  async refresh(names: readonly string[] = [], create: boolean = false): Promise<void> {
    if (this.#refreshing !== null) {
      await this.#refreshing.catch(() => {});
      if (names.length > 0 && names.every((name) => this.view.topic(name) !== undefined)) return;
    }
    const refreshing = this.#refresh([...new Set([...this.#topics, ...names])], create);
    this.#refreshing = refreshing;
    try {
      await refreshing;
    } finally {
      if (this.#refreshing === refreshing) this.#refreshing = null;
    }
  }

  /** Every topic of the cluster. Changes nothing of what is known. */
  async allTopics(): Promise<MetadataResponse> {
    return await this.ask(metadata, { topics: null, allowAutoTopicCreation: false });
  }

  /** The node that coordinates the group. Throws a retriable error while there is none. */
  async coordinatorOf(groupId: string): Promise<number> {
    const connection = await this.anyBroker();
    const isBatched = connection.version(findCoordinator) >= 4;
    const answer = await connection.request(findCoordinator, {
      key: groupId,
      keyType: 0,
      coordinatorKeys: isBatched ? [groupId] : [],
    });
    const found = isBatched ? answer.coordinators[0] : answer;
    const code = found?.errorCode ?? ErrorCode.COORDINATOR_NOT_AVAILABLE;
    if (found === undefined || code !== ErrorCode.NONE) {
      throw answered(
        code,
        `Cannot find the coordinator of group "${groupId}"`,
        found?.errorMessage,
      );
    }
    const { nodeId, host, port } = found;
    if (!this.view.brokers.has(nodeId)) {
      this.view.brokers.set(nodeId, { nodeId, host, port, rack: null });
    }
    return nodeId;
  }

  async #refresh(names: readonly string[], create: boolean): Promise<void> {
    const connection = await this.anyBroker();
    const answer = await connection.request(metadata, {
      topics: names.map((name) => ({ name })),
      allowAutoTopicCreation: create,
    });
    if (answer.errorCode !== ErrorCode.NONE) {
      throw answered(answer.errorCode, `Cannot get metadata from ${connection.address}`);
    }
    this.view.update(answer, this.runtime.clock.monotonicMs());
  }

  async #connect(address: Address, purpose: Purpose): Promise<BrokerConnection> {
    this.signal.throwIfAborted();
    const key = keyOf(address, purpose);
    const known = this.#connections.get(key);
    if (known !== undefined) return await known;
    const forget = () => {
      if (this.#connections.get(key) === opening) this.#connections.delete(key);
    };
    const opening: Promise<BrokerConnection> = this.#open(address, forget);
    this.#connections.set(key, opening);
    opening.catch(forget);
    const connection = await opening;
    if (this.signal.aborted) {
      connection.close();
      this.signal.throwIfAborted();
    }
    return connection;
  }

  async #open(address: Address, onClose: () => void): Promise<BrokerConnection> {
    const { clientId, requestTimeoutMs, connectTimeoutMs, maxResponseBytes } = this.settings;
    const { runtime } = this;
    const { clock, random } = runtime;
    const name = textOf(address);
    const delayMs = this.#reconnects.delayMs(name, clock);
    if (delayMs > 0) await sleep(clock, delayMs, this.signal);
    try {
      const connection = await BrokerConnection.open({
        runtime,
        address: { host: address.host, port: address.port },
        clientId,
        requestTimeoutMs,
        connectTimeoutMs,
        maxResponseBytes,
        onClose,
        signal: this.signal,
      });
      this.#reconnects.succeeded(name);
      return connection;
    } catch (error) {
      this.#reconnects.failed(name, clock, random);
      throw error;
    }
  }
}

function textOf({ host, port }: Address): string {
  return `${host}:${port}`;
}

function keyOf(address: Address, purpose: Purpose): string {
  return `${purpose} ${textOf(address)}`;
}
