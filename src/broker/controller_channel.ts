/**
 * Requests to the active controller, wherever it is: in this process, without encoding, or at another
 * node, over a connection that is kept open.
 *
 * A request is sent again until it is answered or its time is over: after a pause while no controller is
 * known, after NOT_CONTROLLER, and also when the connection broke after the request had been sent. As in
 * Apache Kafka, the last means that a change may be carried out twice: the second CreateTopics is answered
 * TOPIC_ALREADY_EXISTS although the first one of the same client created it. A client that got a
 * retriable error instead would send the request again and receive the same answer, later. Every change
 * here has the same effect when it is repeated: topics and partition counts are absolute, and a repeated
 * AllocateProducerIds leaves out a block of ids.
 *
 * Answers arrive in the order of the requests. Therefore requests that must not wait for others, such as
 * heartbeats, have a channel of their own.
 *
 * @module
 */
import { exponentialBackoffMs } from "../backoff.ts";
import { type LocalController, OWN_NODE } from "../controller/requests/local_controller.ts";
import { METADATA_TOPIC } from "../metadata/metadata_log.ts";
import { PeerConnection } from "../network/peer_connection.ts";
import { CloseConnection } from "../network/server/handler.ts";
import type { AnyApi, Api } from "../protocol/api.ts";
import { ErrorCode, errorName, KafkaError } from "../protocol/errors.ts";
import { describeQuorum } from "../protocol/messages/describe_quorum.ts";
import { envelope } from "../protocol/messages/envelope.ts";
import { ANONYMOUS_PRINCIPAL, encodePrincipal } from "../protocol/principal.ts";
import type { Codec } from "../protocol/schema.ts";
import { ByteReader, ByteWriter } from "../protocol/wire.ts";
import type { Address, Runtime } from "../runtime/runtime.ts";
import { type ForwardedContext, ForwardedRequest } from "./forwarded_request.ts";

/** Where the active controller is. */
export interface ActiveControllerLocation {
  /** The active controller, or null while none is known. Its address is null while that is unknown. */
  current(): { readonly id: number; readonly address: Address | null } | null;
  /** Resolves after the next change of {@linkcode ActiveControllerLocation.current}. */
  changed(): Promise<void>;
}

/** The controller in this process. */
export interface OwnController extends LocalController {
  /** While it is active: the offset of the last committed record of the metadata log. */
  committedOffset(): number;
}

/** The options of a channel. */
export interface ControllerChannelOptions {
  readonly runtime: Runtime;
  readonly nodeId: number;
  readonly location: ActiveControllerLocation;
  /** Null on a node that is no controller. */
  readonly own: OwnController | null;
  /** How long a request is retried, ms. */
  readonly requestTimeoutMs: number;
  /** The delay before the first retry, ms. It doubles up to {@linkcode MAX_BACKOFF_MS}. */
  readonly retryBackoffMs: number;
}

/** The options of one request. */
export interface ChannelRequestOptions<Response> {
  /** How long the request is retried, ms. Defaults to that of the channel. */
  readonly timeoutMs?: number;
  /**
   * Returns the code by which a node says that it is not the active controller. Defaults to the
   * `errorCode` of the answer.
   */
  readonly codeOf?: (answer: Response) => number | undefined;
}

/** The maximum delay between two attempts, ms. */
export const MAX_BACKOFF_MS = 1_000;
/** How long an attempt to connect may take, ms: a node that does not answer may have moved meanwhile. */
const CONNECT_TIMEOUT_MS = 2_000;
const MAX_RESPONSE_BYTES = 100 * 1024 * 1024;
const NOTHING = new Uint8Array(0);
const METADATA_LOG = {
  topics: [{ topicName: METADATA_TOPIC, partitions: [{ partitionIndex: 0 }] }],
};

/** The active controller at another node. */
interface RemoteTarget {
  readonly kind: "remote";
  readonly id: number;
  readonly address: Address;
}

/** The active controller as the target of an attempt. */
type Target = { readonly kind: "own"; readonly controller: OwnController } | RemoteTarget;

/** The result of an attempt. */
type Attempt<T> =
  | { readonly kind: "answered"; readonly answer: T }
  | { readonly kind: "failed"; readonly reason: string };

/** How a request is sent. */
interface Call<T> {
  readonly name: string;
  readonly timeoutMs: number;
  /** Asks the controller of this process. A `KafkaError` NOT_CONTROLLER is a failed attempt. */
  own(controller: OwnController): T | Promise<T>;
  /** Asks another node. An error of the connection is a failed attempt. */
  remote(connection: PeerConnection, timeoutMs: number): Promise<Attempt<T>>;
}

/** A connection that is open or being opened. */
interface OpenConnection {
  readonly id: number;
  readonly address: Address;
  readonly opening: AbortController;
  readonly connection: Promise<PeerConnection>;
}

/** Sends requests to the active controller. */
export class ControllerChannel {
  readonly #options: ControllerChannelOptions;
  #connection: OpenConnection | null = null;
  readonly #waiting = new Set<() => void>();
  #isWatching = false;
  #isClosed = false;

  constructor(options: ControllerChannelOptions) {
    this.#options = options;
  }

  /**
   * Sends a request of this node in the newest version that both sides support. Rejects with
   * REQUEST_TIMED_OUT when its time is over, and with NOT_CONTROLLER after {@linkcode close}.
   */
  request<Q, QI, R, RI>(
    api: Api<Q, QI, R, RI>,
    query: QI,
    { timeoutMs = this.#options.requestTimeoutMs, codeOf = errorCodeOf }: ChannelRequestOptions<R> =
      {},
  ): Promise<R> {
    return this.#retry({
      name: api.name,
      timeoutMs,
      own: (controller) => askOwn(controller, api, query),
      remote: async (connection, timeoutMs) => {
        const answer = await connection.request(api, query, { timeoutMs, keepsBytes: true });
        return codeOf(answer) === ErrorCode.NOT_CONTROLLER
          ? notActive(connection)
          : { kind: "answered", answer };
      },
    });
  }

  /**
   * Sends a client's request, decoded in the version of `context`, and resolves with the answer in a form
   * that can be encoded in that version. Views in `request` must stay valid until then. Throws
   * {@linkcode CloseConnection} if the controller cannot decode the request: the client has to ask again
   * for the supported versions.
   */
  forward(api: AnyApi, request: unknown, context: ForwardedContext): Promise<unknown> {
    const forwarded = new ForwardedRequest(api, request, context);
    return this.#retry({
      name: api.name,
      timeoutMs: this.#options.requestTimeoutMs,
      own: (controller) => controller.handle(api, context.apiVersion, request, context),
      remote: async (connection, timeoutMs) => {
        const { responseData, errorCode } = await connection.request(envelope, {
          requestData: forwarded.bytes,
          requestPrincipal: encodePrincipal(ANONYMOUS_PRINCIPAL),
          clientHostAddress: forwarded.clientHostAddress,
        }, { timeoutMs, keepsBytes: true });
        if (errorCode === ErrorCode.NOT_CONTROLLER) return notActive(connection);
        requireAccepted(api, connection, errorCode);
        return { kind: "answered", answer: forwarded.decodeAnswer(responseData ?? NOTHING) };
      },
    });
  }

  /** Returns the offset of the last metadata record that was committed when this was called. */
  committedOffset(): Promise<number> {
    return this.#retry({
      name: describeQuorum.name,
      timeoutMs: this.#options.requestTimeoutMs,
      own: (controller) => controller.committedOffset(),
      remote: async (connection, timeoutMs) => {
        const { topics } = await connection.request(describeQuorum, METADATA_LOG, { timeoutMs });
        const { errorCode = ErrorCode.UNKNOWN_SERVER_ERROR, highWatermark = -1 } =
          topics[0]?.partitions[0] ?? {};
        // A new leader does not know its high watermark yet.
        return errorCode === ErrorCode.NONE && highWatermark >= 0
          ? { kind: "answered", answer: highWatermark - 1 }
          : notActive(connection);
      },
    });
  }

  /** Closes the connection. Requests that wait fail, and so do later ones. */
  close(): void {
    this.#isClosed = true;
    this.#disconnect();
    this.#wakeAll();
  }

  /** Makes attempts until one is answered. */
  async #retry<T>(call: Call<T>): Promise<T> {
    const { name, timeoutMs } = call;
    const { runtime: { clock, random }, retryBackoffMs } = this.#options;
    const untilMs = clock.monotonicMs() + timeoutMs;
    let reason = "";
    for (let failures = 0;; failures++) {
      if (this.#isClosed) throw shuttingDown(name);
      const leftMs = untilMs - clock.monotonicMs();
      if (leftMs <= 0) throw timedOut(name, timeoutMs, reason);
      const target = this.#target();
      if (target === null) reason = "no controller is known to be active";
      else {
        const result = target.kind === "own"
          ? await attemptOwn(call, target.controller)
          : await this.#attemptRemote(call, target, leftMs);
        if (result.kind === "answered") return result.answer;
        reason = result.reason;
      }
      const backoff = { initialMs: retryBackoffMs, maxMs: MAX_BACKOFF_MS };
      const delayMs = exponentialBackoffMs(backoff, failures, random);
      await this.#pause(Math.min(delayMs, Math.max(0, untilMs - clock.monotonicMs())));
    }
  }

  async #attemptRemote<T>(
    call: Call<T>,
    target: RemoteTarget,
    leftMs: number,
  ): Promise<Attempt<T>> {
    try {
      return await call.remote(await this.#connect(target, leftMs), Math.ceil(leftMs));
    } catch (error) {
      if (!isConnectionFailure(error)) throw error;
      return { kind: "failed", reason: error.message };
    }
  }

  #target(): Target | null {
    const { location, nodeId, own } = this.#options;
    this.#watch();
    const active = location.current();
    if (active === null) return null;
    const { id, address } = active;
    if (id === nodeId && own !== null) return { kind: "own", controller: own };
    return address === null ? null : { kind: "remote", id, address };
  }

  /** Returns the connection to `target`, which is opened if necessary. */
  #connect({ id, address }: RemoteTarget, attemptMs: number): Promise<PeerConnection> {
    const { runtime, nodeId, requestTimeoutMs } = this.#options;
    if (this.#connection !== null && isAt(this.#connection, { id, address })) {
      return this.#connection.connection;
    }
    this.#disconnect();
    const opening = new AbortController();
    const forget = () => {
      if (this.#connection === opened) this.#connection = null;
    };
    const opened: OpenConnection = {
      id,
      address,
      opening,
      connection: PeerConnection.open({
        runtime,
        address,
        clientId: String(nodeId),
        requestTimeoutMs,
        connectTimeoutMs: Math.min(CONNECT_TIMEOUT_MS, Math.ceil(attemptMs)),
        maxResponseBytes: MAX_RESPONSE_BYTES,
        onClose: forget,
        signal: opening.signal,
      }),
    };
    this.#connection = opened;
    opened.connection.catch(forget);
    return opened.connection;
  }

  #disconnect(): void {
    const open = this.#connection;
    if (open === null) return;
    this.#connection = null;
    open.opening.abort(
      new KafkaError(ErrorCode.NETWORK_EXCEPTION, "Cannot connect: another controller is active"),
    );
    open.connection.then((connection) => connection.close(), () => {});
  }

  /** Follows the location: a request to a controller that is not the active one any more is sent again. */
  #watch(): void {
    if (this.#isWatching) return;
    this.#isWatching = true;
    this.#options.location.changed().then(() => {
      this.#isWatching = false;
      if (this.#isClosed) return;
      const active = this.#options.location.current();
      if (this.#connection !== null && !(active !== null && isAt(this.#connection, active))) {
        this.#disconnect();
      }
      this.#wakeAll();
      this.#watch();
    });
  }

  /** Resolves after `delayMs`, or when the location changes or the channel is closed. */
  #pause(delayMs: number): Promise<void> {
    // The attempt may have failed because the channel was closed.
    if (this.#isClosed) return Promise.resolve();
    return new Promise((resolve) => {
      const wake = () => {
        timer.cancel();
        this.#waiting.delete(wake);
        resolve();
      };
      const timer = this.#options.runtime.clock.setTimer(delayMs, wake);
      this.#waiting.add(wake);
    });
  }

  #wakeAll(): void {
    for (const wake of [...this.#waiting]) wake();
  }
}

async function attemptOwn<T>(call: Call<T>, controller: OwnController): Promise<Attempt<T>> {
  try {
    return { kind: "answered", answer: await call.own(controller) };
  } catch (error) {
    if (!(error instanceof KafkaError) || error.code !== ErrorCode.NOT_CONTROLLER) throw error;
    return { kind: "failed", reason: error.message };
  }
}

/** Asks the controller of this process. The answer to a failure is the one that goes over the network. */
async function askOwn<Q, QI, R, RI>(
  controller: OwnController,
  api: Api<Q, QI, R, RI>,
  query: QI,
): Promise<R> {
  const version = api.maxVersion;
  // What a sender and a handler write may leave out fields that have defaults.
  const request = recode(api.requestCodec(version), query);
  const answer = recode(api.responseCodec(version), await answerOf());
  return answer;

  async function answerOf(): Promise<RI> {
    try {
      return await controller.handle(api, version, request, OWN_NODE) as RI;
    } catch (error) {
      if (!(error instanceof KafkaError) || error.code === ErrorCode.NOT_CONTROLLER) throw error;
      return controller.onError(api, version, request, error) as RI;
    }
  }
}

function errorCodeOf(answer: unknown): number | undefined {
  return (answer as { readonly errorCode?: number }).errorCode;
}

/** Returns `value` as its receiver decodes it. */
function recode<Out, In>(codec: Codec<Out, In>, value: In): Out {
  const writer = new ByteWriter();
  codec.write(writer, value);
  return codec.read(new ByteReader(writer.toBytes()));
}

/** Throws if the controller has rejected the envelope around a request of `api`. */
function requireAccepted(api: AnyApi, { address }: PeerConnection, errorCode: number): void {
  if (errorCode === ErrorCode.NONE) return;
  if (errorCode === ErrorCode.UNSUPPORTED_VERSION) {
    throw new CloseConnection(`The controller at ${address} cannot decode ${api.name}`);
  }
  // The error is about the broker's envelope, so the client cannot act on it.
  throw new KafkaError(
    ErrorCode.UNKNOWN_SERVER_ERROR,
    `Cannot forward ${api.name}: the controller at ${address} answers ${errorName(errorCode)} to ` +
      "the broker's envelope",
  );
}

function notActive(
  { address }: PeerConnection,
): { readonly kind: "failed"; readonly reason: string } {
  return { kind: "failed", reason: `${address} is not the active controller` };
}

/** Returns whether the same request may be sent again over another connection. */
function isConnectionFailure(error: unknown): error is KafkaError {
  return error instanceof KafkaError &&
    (error.code === ErrorCode.NETWORK_EXCEPTION || error.code === ErrorCode.REQUEST_TIMED_OUT);
}

function isAt(
  connection: OpenConnection,
  { id, address }: { readonly id: number; readonly address: Address | null },
): boolean {
  return connection.id === id && connection.address.host === address?.host &&
    connection.address.port === address.port;
}

function timedOut(name: string, timeoutMs: number, reason: string): KafkaError {
  return new KafkaError(
    ErrorCode.REQUEST_TIMED_OUT,
    `Cannot get an answer to ${name} from the active controller within ` +
      `${timeoutMs.toLocaleString("en-US")} ms: ${reason}`,
  );
}

function shuttingDown(name: string): KafkaError {
  return new KafkaError(
    ErrorCode.NOT_CONTROLLER,
    `Cannot send ${name} to the active controller: the broker is shutting down`,
  );
}
