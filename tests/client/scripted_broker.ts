/**
 * An in-memory broker whose responses are given by the test, without sockets or real time.
 *
 * @module
 */
import type { AnyApi, Api } from "../../src/protocol/api.ts";
import { finishFrame, FrameParser, startFrame } from "../../src/protocol/frame.ts";
import { apiTable, readRequestHeader, writeResponseHeader } from "../../src/protocol/header.ts";
import { apiVersions } from "../../src/protocol/messages/api_versions.ts";
import { metadata } from "../../src/protocol/messages/metadata.ts";
import { ByteReader, ByteWriter } from "../../src/protocol/wire.ts";
import { type Address, ConnectionError, type Network } from "../../src/runtime/runtime.ts";
import { PushedConnection } from "../network/pushed_connection.ts";

/** A request that waits for the test's response. */
export interface Received<Query, Response> {
  readonly request: Query;
  readonly version: number;
  answer(response: Response): void;
  /** Whether the client has closed the connection of the request. */
  readonly isAbandoned: boolean;
}

/** The handling of an API. */
interface Served {
  readonly api: AnyApi;
  readonly minVersion: number;
  readonly maxVersion: number;
  readonly answer: (request: unknown, version: number, connection: ScriptedConnection) => unknown;
}

/** Serves the requests of all connections opened through its {@linkcode network}. */
export class ScriptedBroker {
  /** Its address. The network refuses connections to other addresses. */
  readonly address: Address = { host: "scripted", port: 9092 };
  /** The names of all requests except ApiVersions, in order of arrival. */
  readonly requests: string[] = [];
  /** The addresses that clients tried to connect to, as `host:port`. */
  readonly attempts: string[] = [];
  readonly #served = new Map<number, Served>();

  constructor() {
    this.on(apiVersions, () => ({
      errorCode: 0,
      apiKeys: Array.from(this.#served.values(), ({ api, minVersion, maxVersion }) => {
        return { apiKey: api.key, minVersion, maxVersion };
      }),
    }));
  }

  /** The address in the form used by client options. */
  get bootstrapServers(): string {
    return `${this.address.host}:${this.address.port}`;
  }

  /** Answers every request of `api` with the result of `answer`. */
  on<Q, QI, R, RI>(
    api: Api<Q, QI, R, RI>,
    answer: (request: Q, version: number) => RI | Promise<RI>,
    { minVersion = api.minVersion, maxVersion = api.maxVersion } = {},
  ): void {
    this.#served.set(api.key, {
      api: api as unknown as AnyApi,
      minVersion,
      maxVersion,
      answer: answer as Served["answer"],
    });
  }

  /**
   * Queues requests of `api` for the test. The returned function resolves with the next request.
   */
  queue<Q, QI, R, RI>(api: Api<Q, QI, R, RI>): () => Promise<Received<Q, RI>> {
    const arrived: Received<Q, RI>[] = [];
    const waiting: ((received: Received<Q, RI>) => void)[] = [];
    this.#served.set(api.key, {
      api: api as unknown as AnyApi,
      minVersion: api.minVersion,
      maxVersion: api.maxVersion,
      answer: (request, version, connection) =>
        new Promise((answer) => {
          const received: Received<Q, RI> = {
            request: request as Q,
            version,
            answer,
            get isAbandoned() {
              return connection.isClosed;
            },
          };
          const next = waiting.shift();
          if (next === undefined) arrived.push(received);
          else next(received);
        }),
    });
    return () => {
      const received = arrived.shift();
      return received === undefined
        ? new Promise((resolve) => void waiting.push(resolve))
        : Promise.resolve(received);
    };
  }

  /** Answers Metadata requests with this broker as the leader of these topics' partitions. */
  onMetadata(topics: Readonly<Record<string, number>>): void {
    this.on(metadata, (request) => ({
      brokers: [{ nodeId: 1, ...this.address, rack: null }],
      clusterId: "scripted",
      controllerId: 1,
      topics: (request.topics ?? []).map(({ name }) => {
        const count = topics[name!] ?? 0;
        return {
          errorCode: count === 0 ? 3 : 0,
          name,
          partitions: Array.from({ length: count }, (_, partitionIndex) => {
            return {
              errorCode: 0,
              partitionIndex,
              leaderId: 1,
              leaderEpoch: 0,
              replicaNodes: [1],
              isrNodes: [1],
              offlineReplicas: [],
            };
          }),
        };
      }),
    }));
  }

  /** A network that reaches only this broker. */
  get network(): Network {
    return {
      listen: () => Promise.reject(new Error("nothing listens here")),
      connect: ({ host, port }) => {
        this.attempts.push(`${host}:${port}`);
        if (host !== this.address.host || port !== this.address.port) {
          return Promise.reject(new ConnectionError(`${host}:${port} refuses connections`));
        }
        return Promise.resolve(new ScriptedConnection((frame, by) => this.#answer(frame, by)));
      },
    };
  }

  async #answer(frame: Uint8Array, connection: ScriptedConnection): Promise<Uint8Array> {
    const reader = new ByteReader(frame);
    const apis = apiTable(Array.from(this.#served.values(), ({ api }) => api));
    const { apiKey, apiVersion, correlationId } = readRequestHeader(reader, apis);
    const served = this.#served.get(apiKey);
    if (served === undefined) throw new Error(`the test does not handle request ${apiKey}`);
    const { api, answer } = served;
    if (apiKey !== apiVersions.key) this.requests.push(api.name);
    const request = api.requestCodec(apiVersion).read(reader);
    const response = await answer(request, apiVersion, connection);
    const writer = new ByteWriter();
    const start = startFrame(writer);
    writeResponseHeader(writer, api, apiVersion, correlationId);
    api.responseCodec(apiVersion).write(writer, response as never);
    finishFrame(writer, start);
    return writer.toBytes();
  }
}

/** The client's end of a connection. Responses arrive in the order of their requests. */
export class ScriptedConnection extends PushedConnection {
  readonly localAddress: Address = { host: "client", port: 50_000 };
  readonly remoteAddress: Address = { host: "scripted", port: 9092 };
  readonly #answer: (frame: Uint8Array, connection: ScriptedConnection) => Promise<Uint8Array>;
  readonly #parser = new FrameParser(10_000_000);
  #lastAnswer: Promise<void> = Promise.resolve();

  constructor(
    answer: (frame: Uint8Array, connection: ScriptedConnection) => Promise<Uint8Array>,
  ) {
    super();
    this.#answer = answer;
  }

  writeAll(bytes: Uint8Array): Promise<void> {
    if (this.isClosed) return Promise.reject(new ConnectionError("the connection was closed here"));
    for (let at = 0; at < bytes.length;) {
      const space = this.#parser.space();
      const part = bytes.subarray(at, at + space.length);
      space.set(part);
      this.#parser.filled(part.length);
      at += part.length;
      for (let frame = this.#parser.next(); frame !== null; frame = this.#parser.next()) {
        const answer = this.#answer(frame.slice(), this);
        this.#lastAnswer = this.#lastAnswer.then(async () => this.push(await answer));
      }
    }
    return Promise.resolve();
  }
}
