/**
 * The client side of a connection, to a broker or a controller. Several requests may be in flight, and
 * answers arrive in the order of the requests. The versions that both sides support are determined when the
 * connection opens.
 *
 * @module
 */
import type { Api } from "../protocol/api.ts";
import { ErrorCode, KafkaError } from "../protocol/errors.ts";
import type { ForeignProtocol } from "../protocol/foreign_protocol.ts";
import { finishFrame, ForeignProtocolError, FrameParser, startFrame } from "../protocol/frame.ts";
import { readResponseHeader, writeRequestHeader } from "../protocol/header.ts";
import { apiVersions } from "../protocol/messages/api_versions.ts";
import { ByteReader, ByteWriter } from "../protocol/wire.ts";
import {
  type Address,
  type Connection,
  ConnectionError,
  type Runtime,
} from "../runtime/runtime.ts";
import type { Timer } from "../runtime/runtime.ts";
import { readerOf, type WriteBytes, writerOf } from "./connection_bytes.ts";

/** Keys of requests that are served by listeners of brokers only, and of controllers only. */
const PRODUCE = 0;
const VOTE = 52;

/** A request in flight. */
interface Pending {
  readonly correlationId: number;
  readonly timer: Timer;
  /** Decodes the answer and resolves the caller's promise. Throws if the answer cannot be decoded. */
  receive(frame: Uint8Array): void;
  fail(error: Error): void;
}

/** The options of a connection. */
export interface PeerConnectionOptions {
  readonly runtime: Runtime;
  readonly address: Address;
  readonly clientId: string;
  readonly requestTimeoutMs: number;
  /**
   * How long to wait for the connection, and then for the versions that the peer serves, ms: the system of a
   * process that is suspended accepts connections.
   */
  readonly connectTimeoutMs: number;
  readonly maxResponseBytes: number;
  /** Called once, when the connection can no longer be used. */
  readonly onClose?: () => void;
  /** Cancels the opening of the connection. */
  readonly signal?: AbortSignal;
}

/** The options of one request. */
export interface RequestOptions {
  /** How long to wait for the answer, ms. Defaults to the connection's `requestTimeoutMs`. */
  readonly timeoutMs?: number;
  /** The highest version to use. Defaults to the newest that both sides support. */
  readonly maxVersion?: number;
  /** The lowest version to use, for a request that older ones cannot express. Defaults to the oldest. */
  readonly minVersion?: number;
  /**
   * Whether to copy the answer's frame, so that its byte fields stay valid after the next answer arrives.
   * Defaults to false.
   */
  readonly keepsBytes?: boolean;
}

/** Sent as the client's software in ApiVersions (KIP-511). */
export const CLIENT_SOFTWARE: {
  readonly clientSoftwareName: string;
  readonly clientSoftwareVersion: string;
} = { clientSoftwareName: "millrace", clientSoftwareVersion: "0.1.0" };
/** Maximum number of requests in flight. More are a defect of the caller. */
const MAX_IN_FLIGHT = 1_000;

/** What to change if the address serves another protocol. */
const REMEDIES: Readonly<Record<ForeignProtocol, string>> = {
  TLS: "this client has no TLS yet, name a PLAINTEXT listener of the broker",
  HTTP: "that is a web server, name the port of a Kafka broker",
  SSH: "that is an SSH server, name the port of a Kafka broker",
  PROXY: "that is a proxy, name the port of a Kafka broker",
};

/** An open connection. */
export class PeerConnection {
  readonly address: string;
  readonly #options: PeerConnectionOptions;
  readonly #connection: Connection;
  readonly #versions = new Map<number, { readonly min: number; readonly max: number }>();
  readonly #pending: Pending[] = [];
  /** The requests that are being written, and those of the next write. The two writers take turns. */
  #sending: ByteWriter = new ByteWriter(1024);
  #filling: ByteWriter = new ByteWriter(1024);
  #isWriting = false;
  #nextCorrelationId = 0;
  #failure: Error | null = null;
  readonly #writeBytes: WriteBytes;

  private constructor(connection: Connection, options: PeerConnectionOptions) {
    this.#connection = connection;
    this.#writeBytes = writerOf(connection);
    this.#options = options;
    this.address = `${options.address.host}:${options.address.port}`;
    this.#readFrames().catch((error) => this.#close(error));
  }

  /**
   * Connects and asks the peer which versions it serves. Throws a {@linkcode KafkaError}
   * `NETWORK_EXCEPTION` or `REQUEST_TIMED_OUT`.
   */
  static async open(options: PeerConnectionOptions): Promise<PeerConnection> {
    const { signal } = options;
    signal?.throwIfAborted();
    const connection = new PeerConnection(await connect(options), options);
    const giveUp = () => connection.close();
    signal?.addEventListener("abort", giveUp);
    try {
      signal?.throwIfAborted();
      await connection.#settleVersions();
    } catch (error) {
      connection.close();
      throw error;
    } finally {
      signal?.removeEventListener("abort", giveUp);
    }
    return connection;
  }

  /** Whether the connection can be used. */
  get isOpen(): boolean {
    return this.#failure === null;
  }

  /** Number of requests in flight. */
  get inFlight(): number {
    return this.#pending.length;
  }

  /**
   * Returns the newest version of `api` that both sides support and that is from `minVersion` to
   * `maxVersion`. Throws `UNSUPPORTED_VERSION` if there is none.
   */
  version(
    api: { readonly key: number; name: string; minVersion: number; maxVersion: number },
    maxVersion: number = Infinity,
    minVersion: number = 0,
  ): number {
    const theirs = this.#versions.get(api.key);
    const version = Math.min(api.maxVersion, theirs?.max ?? -1, maxVersion);
    const lowest = Math.max(api.minVersion, minVersion);
    if (theirs === undefined || version < theirs.min || version < lowest) {
      const why = theirs === undefined
        ? this.#whyNotServed()
        : `it serves it in versions ${theirs.min}-${theirs.max}, this client speaks ` +
          `${lowest}-${Math.min(api.maxVersion, maxVersion)}`;
      throw new KafkaError(
        ErrorCode.UNSUPPORTED_VERSION,
        `Cannot ask ${this.address} for ${api.name}: ${why}`,
      );
    }
    return version;
  }

  #whyNotServed(): string {
    const isController = this.#versions.has(VOTE);
    const isBroker = this.#versions.has(PRODUCE);
    if (isController && !isBroker) {
      return "it is the listener of a controller; name the address of a broker instead";
    }
    if (isBroker && !isController) {
      return "it is the listener of a broker, which does not serve it; name the address of a controller, or " +
        "run a version that serves it";
    }
    return "it does not serve it; run a version that does";
  }

  /**
   * Sends a request and resolves with the answer. Rejects with a {@linkcode KafkaError} if the connection
   * breaks or the answer does not arrive in time. The connection is closed then, since answers arrive in
   * order.
   */
  // deno-lint-ignore require-await -- a throw becomes a rejection
  async request<QueryOut, Query, Response, ResponseIn>(
    api: Api<QueryOut, Query, Response, ResponseIn>,
    query: Query,
    options: RequestOptions = {},
  ): Promise<Response> {
    const version = this.version(api, options.maxVersion, options.minVersion);
    return this.#exchange(api, query, version, options);
  }

  /**
   * Sends a request that is not answered (Produce with acks=0) and resolves once it has been written to the
   * network.
   */
  async post<QueryOut, Query, Response, ResponseIn>(
    api: Api<QueryOut, Query, Response, ResponseIn>,
    query: Query,
    options: RequestOptions = {},
  ): Promise<void> {
    this.#encode(api, query, this.version(api, options.maxVersion));
    while (this.#isWriting || this.#filling.length > 0) {
      await this.#flushed();
      if (this.#failure !== null) throw this.#failure;
    }
  }

  /** Closes the connection. Requests in flight fail with `NETWORK_EXCEPTION`. */
  close(): void {
    this.#close(new ConnectionError("the connection was closed here"));
  }

  #exchange<QueryOut, Query, Response, ResponseIn>(
    api: Api<QueryOut, Query, Response, ResponseIn>,
    query: Query,
    version: number,
    { timeoutMs = this.#options.requestTimeoutMs, keepsBytes = false }: RequestOptions,
  ): Promise<Response> {
    const correlationId = this.#encode(api, query, version);
    return new Promise<Response>((resolve, reject) => {
      this.#pending.push({
        correlationId,
        fail: reject,
        timer: this.#options.runtime.clock.setTimer(timeoutMs, () => {
          const error = timedOut(`get an answer to ${api.name} from`, this.address, timeoutMs);
          reject(error);
          this.#close(error);
        }),
        receive: (frame) => {
          const reader = new ByteReader(keepsBytes ? frame.slice() : frame);
          readResponseHeader(reader, api, version);
          resolve(api.responseCodec(version).read(reader));
        },
      });
    });
  }

  /** Adds the request to the next write and returns its correlation id. */
  #encode<QueryOut, Query, Response, ResponseIn>(
    api: Api<QueryOut, Query, Response, ResponseIn>,
    query: Query,
    version: number,
  ): number {
    if (this.#failure !== null) throw this.#failure;
    if (this.#pending.length >= MAX_IN_FLIGHT) {
      throw new KafkaError(
        ErrorCode.NETWORK_EXCEPTION,
        `Cannot send ${api.name} to ${this.address}: ${MAX_IN_FLIGHT} requests wait for an answer`,
      );
    }
    const correlationId = this.#nextCorrelationId;
    this.#nextCorrelationId = correlationId + 1 & 0x7fffffff;
    const writer = this.#filling;
    const start = startFrame(writer);
    try {
      writeRequestHeader(writer, api, version, correlationId, this.#options.clientId);
      api.requestCodec(version).write(writer, query);
    } catch (error) {
      // Removes the incomplete frame. The frames before it are complete.
      const before = writer.written().slice(0, start);
      writer.reset();
      writer.raw(before);
      throw error;
    }
    finishFrame(writer, start);
    if (!this.#isWriting) {
      this.#isWriting = true;
      // Requests made in the same turn leave in one write.
      queueMicrotask(() => this.#write());
    }
    return correlationId;
  }

  #flushWaiters: (() => void)[] = [];

  #flushed(): Promise<void> {
    return new Promise((resolve) => this.#flushWaiters.push(resolve));
  }

  async #write(): Promise<void> {
    try {
      while (this.#filling.length > 0 && this.#failure === null) {
        const writer = this.#filling;
        this.#filling = this.#sending;
        this.#sending = writer;
        await this.#writeBytes(writer.written());
        writer.reset();
      }
    } catch (error) {
      this.#close(error);
    } finally {
      this.#isWriting = false;
      for (const wake of this.#flushWaiters.splice(0)) wake();
    }
  }

  async #readFrames(): Promise<void> {
    const parser = new FrameParser(this.#options.maxResponseBytes);
    const readBytes = readerOf(this.#connection);
    while (this.#failure === null) {
      const read = await readBytes(parser.space());
      if (read === null) break;
      parser.filled(read);
      for (let frame = parser.next(); frame !== null; frame = parser.next()) this.#receive(frame);
    }
    if (parser.foreignOpening !== null) throw new ForeignProtocolError(parser.foreignOpening);
    if (this.#failure === null) throw new ConnectionError("the broker closed the connection");
  }

  #receive(frame: Uint8Array): void {
    const pending = this.#pending[0];
    const correlationId = new ByteReader(frame).int32();
    if (pending === undefined || pending.correlationId !== correlationId) {
      throw new ConnectionError(
        `an answer came for request ${correlationId}, ` +
          `${pending === undefined ? "none" : pending.correlationId} is awaited`,
      );
    }
    pending.receive(frame);
    pending.timer.cancel();
    this.#pending.shift();
  }

  #close(cause: unknown): void {
    if (this.#failure !== null) return;
    if (cause instanceof ForeignProtocolError) {
      const { protocol, sent } = cause.opening;
      return this.#close(
        new ConnectionError(`it answered with ${sent}: ${REMEDIES[protocol]}`, { cause }),
      );
    }
    const failure = cause instanceof KafkaError
      ? connectionLost("talk to", this.address, new ConnectionError(cause.message, { cause }))
      : connectionLost("talk to", this.address, cause);
    this.#failure = failure;
    this.#connection.close();
    for (const pending of this.#pending.splice(0)) {
      pending.timer.cancel();
      pending.fail(failure);
    }
    for (const wake of this.#flushWaiters.splice(0)) wake();
    this.#options.onClose?.();
  }

  /**
   * Asks in our newest version. A peer that does not support it answers in version 0 with
   * UNSUPPORTED_VERSION and the versions it supports, and the connection stays open (KIP-511).
   */
  async #settleVersions(): Promise<void> {
    let version = apiVersions.maxVersion;
    for (;;) {
      const answer = await this.#askVersions(version);
      const own = answer.apiKeys.find((entry) => entry.apiKey === apiVersions.key);
      if (answer.errorCode === ErrorCode.UNSUPPORTED_VERSION && version > 0) {
        version = Math.max(0, Math.min(version - 1, own?.maxVersion ?? 0));
        continue;
      }
      if (answer.errorCode !== ErrorCode.NONE) {
        throw new KafkaError(
          answer.errorCode as ErrorCode,
          `Cannot settle versions with ${this.address}: it answers error ${answer.errorCode}`,
        );
      }
      for (const { apiKey, minVersion: min, maxVersion: max } of answer.apiKeys) {
        this.#versions.set(apiKey, { min, max });
      }
      return;
    }
  }

  #askVersions(version: number) {
    const codec = {
      ...apiVersions,
      // UNSUPPORTED_VERSION is answered in version 0, whatever the version of the request.
      responseCodec: () => ({
        ...apiVersions.responseCodec(version),
        read(reader: ByteReader) {
          const start = reader.offset;
          const isRefusal = reader.int16() === ErrorCode.UNSUPPORTED_VERSION;
          reader.offset = start;
          return apiVersions.responseCodec(isRefusal ? 0 : version).read(reader);
        },
      }),
    };
    const { connectTimeoutMs, requestTimeoutMs } = this.#options;
    const timeoutMs = Math.min(connectTimeoutMs, requestTimeoutMs);
    return this.#exchange(codec, CLIENT_SOFTWARE, version, { timeoutMs });
  }
}

/** Connects. Rejects after `connectTimeoutMs`, or when `signal` is aborted. */
function connect(options: PeerConnectionOptions): Promise<Connection> {
  const { runtime, address, connectTimeoutMs, signal } = options;
  const text = `${address.host}:${address.port}`;
  return new Promise((resolve, reject) => {
    let isLate = false;
    const giveUp = (error: unknown) => {
      isLate = true;
      settle();
      reject(error);
    };
    const onAbort = () => giveUp(signal!.reason);
    const settle = () => {
      timer.cancel();
      signal?.removeEventListener("abort", onAbort);
    };
    const timer = runtime.clock.setTimer(
      connectTimeoutMs,
      () => giveUp(timedOut("connect to", text, connectTimeoutMs)),
    );
    signal?.addEventListener("abort", onAbort);
    runtime.network.connect(address).then((connection) => {
      settle();
      if (isLate) connection.close();
      else resolve(connection);
    }, (cause) => {
      settle();
      reject(connectionLost("connect to", text, cause));
    });
  });
}

/** Returns the error for a connection that could not be opened or that broke. */
function connectionLost(action: string, address: string, cause?: unknown): KafkaError {
  const why = cause instanceof Error ? cause.message : "the broker closed the connection";
  return new KafkaError(
    ErrorCode.NETWORK_EXCEPTION,
    why.startsWith("Cannot ") ? why : `Cannot ${action} ${address}: ${why}`,
    { cause },
  );
}

/** Returns the error for an answer that did not arrive in time. */
function timedOut(action: string, address: string, timeoutMs: number): KafkaError {
  return new KafkaError(
    ErrorCode.REQUEST_TIMED_OUT,
    `Cannot ${action} ${address}: no answer within ${timeoutMs.toLocaleString("en-US")} ms`,
  );
}
