/**
 * The connection of a client to its cluster: connections to brokers, metadata of topics and
 * leaders, and requests with retries. Shared by Producer, Consumer and Admin.
 *
 * @module
 */
import type { Api } from "../../protocol/api.ts";
import { ErrorCode, KafkaError } from "../../protocol/errors.ts";
import { findCoordinator } from "../../protocol/messages/find_coordinator.ts";
import { metadata, type MetadataResponse } from "../../protocol/messages/metadata.ts";
import { hostRuntime } from "../../runtime/host.ts";
import type { Address, Runtime } from "../../runtime/runtime.ts";
import { PeerConnection, type RequestOptions } from "../../network/peer_connection.ts";
import { type ClientOptions, type ClientSettings, clientSettings } from "../client_options.ts";
import { ClusterView, type TopicInfo } from "./cluster_view.ts";
import { closedError, responseError } from "../errors.ts";
import { ReconnectBackoff } from "../../network/reconnect_backoff.ts";
import { retry, sleep } from "../../network/retry.ts";

/**
 * The purpose of a connection. Requests that wait on the broker (a fetch without data, a joining
 * member) would block the requests after them, so they use separate connections.
 */
export type Purpose = "main" | "fetch" | "group";

/** Number of lookups of a missing topic: about two and a half seconds. */
const TOPIC_RETRIES = 5;

/** Connections, metadata and retries. Closed once, by its owner. */
export class ClusterClient {
  readonly settings: ClientSettings;
  readonly view: ClusterView = new ClusterView();
  /** The clock, random numbers and network of this client. */
  readonly runtime: Runtime;
  readonly #connections = new Map<string, Promise<PeerConnection>>();
  readonly #reconnects: ReconnectBackoff;
  readonly #abort = new AbortController();
  /** Topics whose metadata are refreshed. */
  readonly #topics = new Set<string>();
  #refreshing: Promise<void> | null = null;

  /** Creates a client without connecting. Throws a TypeError for invalid options. */
  constructor(options: ClientOptions) {
    this.settings = clientSettings(options);
    const { reconnectBackoffMs: initialMs, reconnectBackoffMaxMs: maxMs } = this.settings;
    this.#reconnects = new ReconnectBackoff({ initialMs, maxMs });
    this.runtime = options.runtime ?? hostRuntime();
  }

  /** Aborted when the client is closed. */
  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** Closes all connections. Requests in flight fail. May be called twice. */
  close(): void {
    if (this.signal.aborted) return;
    this.#abort.abort(closedError("talk to the cluster with this client"));
    for (const connection of this.#connections.values()) {
      connection.then((open) => open.close(), () => {});
    }
    this.#connections.clear();
  }

  /**
   * Repeats `attempt` while it fails with a retriable error, at most `retries` times and not more
   * often than configured.
   */
  retry<T>(attempt: () => Promise<T>, retries: number = Infinity): Promise<T> {
    const policy = { ...this.settings, retries: Math.min(retries, this.settings.retries) };
    return retry(this.runtime, policy, this.signal, attempt);
  }

  /** Returns the connection to broker `nodeId`, opening it if necessary. */
  async broker(nodeId: number, purpose: Purpose = "main"): Promise<PeerConnection> {
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
   * Returns a connection to any broker: an open one, or else to the first that can be reached.
   * Brokers with a recent connection failure are tried last.
   */
  async anyBroker(): Promise<PeerConnection> {
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

  /** Sends a request to any broker, with retries. */
  ask<Q, Query, Response, R>(
    api: Api<Q, Query, Response, R>,
    query: Query,
    options?: RequestOptions,
  ): Promise<Response> {
    return this.retry(async () => (await this.anyBroker()).request(api, query, options));
  }

  /**
   * Returns a topic with its partitions from the cached metadata or from the cluster, retrying
   * while it is missing. Throws a {@linkcode KafkaError} with the cluster's error if it stays
   * missing. `create` allows the cluster to auto-create the topic.
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
        throw responseError(code, `Cannot find topic "${name}"`);
      }, TOPIC_RETRIES);
    } catch (error) {
      this.#topics.delete(name);
      throw error;
    }
  }

  /**
   * Requests new metadata for all topics of this client and for `names`. Calls during a refresh
   * share the next one. Throws if no broker answers.
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

  /** Returns the metadata of all topics, without caching them. */
  async allTopics(): Promise<MetadataResponse> {
    return await this.ask(metadata, { topics: null, allowAutoTopicCreation: false });
  }

  /** Returns the node id of the group's coordinator. Throws a retriable error if there is none. */
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
      throw responseError(
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
      throw responseError(answer.errorCode, `Cannot get metadata from ${connection.address}`);
    }
    this.view.update(answer, this.runtime.clock.monotonicMs());
  }

  async #connect(address: Address, purpose: Purpose): Promise<PeerConnection> {
    this.signal.throwIfAborted();
    const key = keyOf(address, purpose);
    const known = this.#connections.get(key);
    if (known !== undefined) return await known;
    const forget = () => {
      if (this.#connections.get(key) === opening) this.#connections.delete(key);
    };
    const opening: Promise<PeerConnection> = this.#open(address, forget);
    this.#connections.set(key, opening);
    opening.catch(forget);
    const connection = await opening;
    if (this.signal.aborted) {
      connection.close();
      this.signal.throwIfAborted();
    }
    return connection;
  }

  async #open(address: Address, onClose: () => void): Promise<PeerConnection> {
    const { clientId, requestTimeoutMs, connectTimeoutMs, maxResponseBytes } = this.settings;
    const { runtime } = this;
    const { clock, random } = runtime;
    const name = textOf(address);
    const delayMs = this.#reconnects.delayMs(name, clock);
    if (delayMs > 0) await sleep(clock, delayMs, this.signal);
    try {
      const connection = await PeerConnection.open({
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
