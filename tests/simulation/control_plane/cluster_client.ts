/**
 * A machine with a client on it that changes topics and configs through any broker, and knows what must
 * have become of each change.
 *
 * @module
 */
import { ConfigResourceType } from "../../../src/config/definition.ts";
import { PeerConnection } from "../../../src/network/peer_connection.ts";
import type { Api } from "../../../src/protocol/api.ts";
import { ErrorCode, errorName, KafkaError } from "../../../src/protocol/errors.ts";
import { createPartitions } from "../../../src/protocol/messages/create_partitions.ts";
import { createTopics } from "../../../src/protocol/messages/create_topics.ts";
import { deleteTopics } from "../../../src/protocol/messages/delete_topics.ts";
import { incrementalAlterConfigs } from "../../../src/protocol/messages/incremental_alter_configs.ts";
import { metadata } from "../../../src/protocol/messages/metadata.ts";
import { ZERO_UUID } from "../../../src/protocol/uuid.ts";
import type { Address, Runtime } from "../../../src/runtime/runtime.ts";
import { Role } from "../programs/role.ts";
import { pause, type World } from "../world.ts";
import {
  CHANGED_BROKER_KEY,
  CHANGED_KEY,
  isSure,
  type KnownTopic,
  TopicModel,
} from "./topic_model.ts";

const TIMEOUT_MS = 2_000;
const CONNECT_TIMEOUT_MS = 500;
const MAX_ANSWER_BYTES = 1 << 20;
const MAX_PARTITIONS = 6;
const MAX_REPLICAS = 3;
const SET = 0;

/** The codes after which a change may have been made, or may still be made. */
const UNSURE: ReadonlySet<number> = new Set([
  ErrorCode.NETWORK_EXCEPTION,
  ErrorCode.REQUEST_TIMED_OUT,
  ErrorCode.NOT_CONTROLLER,
]);

/** How a request ended. */
type Ending =
  | { readonly kind: "done" }
  /** The code that says that nothing was changed. */
  | { readonly kind: "rejected"; readonly code: number }
  | { readonly kind: "unsure" };

/** Changes topics until it is stopped. */
export class ClusterClient extends Role {
  readonly model: TopicModel = new TopicModel();
  #connection: { readonly at: Address; readonly open: PeerConnection } | null = null;
  #count = 0;

  constructor(
    world: World,
    host: string,
    private readonly options: {
      readonly maxPauseMs: number;
      /** The brokers whose configs it changes; "" for the default of all. */
      readonly configured: string;
      /** The number of brokers, which limits the replicas of its topics. */
      readonly brokers: number;
      /** Whether the broker with this id is registered, as far as it is committed. */
      isRegistered(id: string): boolean;
    },
  ) {
    super(world, host);
  }

  protected async live(runtime: Runtime): Promise<void> {
    while (!this.isStopping) {
      await pause(runtime, this.random.below(this.options.maxPauseMs));
      await this.#changeSomething(runtime);
    }
    this.#connection?.open.close();
  }

  async #changeSomething(runtime: Runtime): Promise<void> {
    const { random } = this;
    const { brokers } = this.world;
    const broker = brokers[random.below(brokers.length)]!;
    const turn = random.below(8);
    const sure = [...this.model.topics.values()].filter(isSure);
    const present = sure.filter(({ partitions: [count] }) => count! > 0);
    const topic = present[random.below(Math.max(1, present.length))];
    if (turn < 3 || topic === undefined) {
      const gone = sure.find(({ partitions: [count] }) => count === 0);
      const isAgain = gone !== undefined && random.oneIn(3);
      await this.#create(runtime, broker, isAgain ? gone.name : `${this.host}-${this.#count++}`);
    } else if (turn < 4) await this.#delete(runtime, broker, topic);
    else if (turn < 5) await this.#grow(runtime, broker, topic);
    else if (turn < 7) await this.#alterTopic(runtime, broker, topic);
    else await this.#alterBroker(runtime, broker);
  }

  async #create(runtime: Runtime, broker: Address, name: string): Promise<void> {
    const { random } = this;
    const numPartitions = random.between(1, 4);
    const value = random.oneIn(2) ? String(random.between(1_000, 9_999)) : "";
    const known = { name, partitions: [0, numPartitions], values: ["", value] };
    this.model.topics.set(name, known);
    const ending = await this.#attempt(async () => {
      const { topics: [answer] } = await this.#ask(runtime, broker, createTopics, {
        topics: [{
          name,
          numPartitions,
          replicationFactor: random.between(1, Math.min(MAX_REPLICAS, this.options.brokers)),
          assignments: [],
          configs: value === "" ? [] : [{ name: CHANGED_KEY, value }],
        }],
        timeoutMs: TIMEOUT_MS,
      });
      return answer!.errorCode;
    }, ErrorCode.TOPIC_ALREADY_EXISTS);
    if (ending.kind === "unsure") return;
    if (ending.kind === "done") {
      Object.assign(known, { partitions: [numPartitions], values: [value] });
      this.world.count("topics created");
      return await this.#expectCount(runtime, broker, known);
    }
    Object.assign(known, { partitions: [0], values: [""] });
    if (ending.code === ErrorCode.INVALID_REPLICATION_FACTOR) this.world.count("rejected");
    else this.#fail(`the creation of ${name}`, ending.code);
  }

  async #delete(runtime: Runtime, broker: Address, topic: KnownTopic): Promise<void> {
    const { name, partitions: [count] } = topic;
    topic.partitions = [0, count!];
    const ending = await this.#attempt(async () => {
      const { responses: [answer] } = await this.#ask(runtime, broker, deleteTopics, {
        topics: [{ name, topicId: ZERO_UUID }],
        topicNames: [name],
        timeoutMs: TIMEOUT_MS,
      });
      return answer!.errorCode;
    }, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
    if (ending.kind === "unsure") return;
    if (ending.kind === "rejected") return this.#fail(`the deletion of ${name}`, ending.code);
    Object.assign(topic, { partitions: [0], values: [""] });
    this.world.count("topics deleted");
    await this.#expectCount(runtime, broker, topic);
  }

  async #grow(runtime: Runtime, broker: Address, topic: KnownTopic): Promise<void> {
    const { name, partitions: [before] } = topic;
    if (before! >= MAX_PARTITIONS) return;
    const count = before! + 1;
    topic.partitions = [before!, count];
    const ending = await this.#attempt(async () => {
      const { results: [answer] } = await this.#ask(runtime, broker, createPartitions, {
        topics: [{ name, count, assignments: null }],
        timeoutMs: TIMEOUT_MS,
        validateOnly: false,
      });
      // The count is correct already if the request was repeated on its way.
      return answer!.errorCode;
    }, ErrorCode.INVALID_PARTITIONS);
    if (ending.kind === "unsure") return;
    if (ending.kind === "done") {
      topic.partitions = [count];
      this.world.count("topics grown");
      return await this.#expectCount(runtime, broker, topic);
    }
    topic.partitions = [before!];
    if (ending.code === ErrorCode.INVALID_REPLICATION_FACTOR) this.world.count("rejected");
    else this.#fail(`the growth of ${name}`, ending.code);
  }

  async #alterTopic(runtime: Runtime, broker: Address, topic: KnownTopic): Promise<void> {
    const { name, values: [before] } = topic;
    const value = String(this.random.between(1_000, 9_999));
    topic.values = [before!, value];
    const ending = await this.#attempt(() =>
      this.#alter(runtime, broker, ConfigResourceType.TOPIC, name, CHANGED_KEY, value)
    );
    if (ending.kind === "unsure") return;
    topic.values = [ending.kind === "done" ? value : before!];
    if (ending.kind === "done") this.world.count("configs altered");
    else this.#fail(`the change of ${name}`, ending.code);
  }

  async #alterBroker(runtime: Runtime, broker: Address): Promise<void> {
    const { brokerValues } = this.model;
    const { configured } = this.options;
    const [before = "", ...others] = brokerValues.get(configured) ?? [];
    if (others.length > 0) return;
    const value = String(this.random.between(100_000, 999_999));
    brokerValues.set(configured, [before, value]);
    const wasRegistered = this.options.isRegistered(configured);
    const type = ConfigResourceType.BROKER;
    const ending = await this.#attempt(() =>
      this.#alter(runtime, broker, type, configured, CHANGED_BROKER_KEY, value)
    );
    if (ending.kind === "unsure") return;
    const isUnregistered = ending.kind === "rejected" && wasRegistered &&
      ending.code === ErrorCode.BROKER_ID_NOT_REGISTERED;
    // An attempt without an answer may have succeeded before the broker was unregistered.
    if (!isUnregistered) brokerValues.set(configured, [ending.kind === "done" ? value : before]);
    if (ending.kind === "done") this.world.count("broker configs altered");
    // The broker has not registered yet, or was unregistered.
    else if (ending.code === ErrorCode.BROKER_ID_NOT_REGISTERED) this.world.count("rejected");
    else this.#fail(`the change of broker "${configured}"`, ending.code);
  }

  async #alter(
    runtime: Runtime,
    broker: Address,
    resourceType: number,
    resourceName: string,
    name: string,
    value: string,
  ): Promise<number> {
    const { responses: [answer] } = await this.#ask(runtime, broker, incrementalAlterConfigs, {
      resources: [{
        resourceType,
        resourceName,
        configs: [{ name, configOperation: SET, value }],
      }],
      validateOnly: false,
    });
    return answer!.errorCode;
  }

  /** The broker that has answered a change shows it at once. */
  async #expectCount(runtime: Runtime, broker: Address, topic: KnownTopic): Promise<void> {
    const { name, partitions: [count] } = topic;
    try {
      const { topics: [found] } = await this.#ask(runtime, broker, metadata, {
        topics: [{ name }],
        allowAutoTopicCreation: false,
      });
      const shown = found!.errorCode === ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
        ? 0
        : found!.partitions.length;
      if (shown === count) return;
      this.world.fail(
        `${broker.host} has answered that ${name} has ${count} partitions, and shows ${shown}`,
      );
    } catch (error) {
      if (!(error instanceof KafkaError)) throw error;
    }
  }

  /** `repeated` is the code of a change that was made before: a broker may send a request twice. */
  async #attempt(change: () => Promise<number>, repeated?: number): Promise<Ending> {
    let code: number;
    try {
      code = await change();
    } catch (error) {
      if (!(error instanceof KafkaError)) throw error;
      ({ code } = error);
      this.#connection = null;
    }
    if (UNSURE.has(code)) {
      this.world.count("unsure");
      return { kind: "unsure" };
    }
    if (code === repeated) this.world.count("repeated");
    return code === ErrorCode.NONE || code === repeated
      ? { kind: "done" }
      : { kind: "rejected", code };
  }

  /** Sends a request to a broker. Rejects with a `KafkaError` if the connection fails. */
  async #ask<Q, QI, R, RI>(
    runtime: Runtime,
    broker: Address,
    api: Api<Q, QI, R, RI>,
    query: QI,
  ): Promise<R> {
    if (this.#connection?.at !== broker) {
      this.#connection?.open.close();
      this.#connection = null;
      const open = await PeerConnection.open({
        runtime,
        address: broker,
        clientId: this.host,
        requestTimeoutMs: TIMEOUT_MS,
        connectTimeoutMs: CONNECT_TIMEOUT_MS,
        maxResponseBytes: MAX_ANSWER_BYTES,
      });
      this.#connection = { at: broker, open };
    }
    return await this.#connection.open.request(api, query);
  }

  #fail(what: string, code: number): void {
    this.world.fail(`${what} was rejected with ${errorName(code)}`);
  }
}
