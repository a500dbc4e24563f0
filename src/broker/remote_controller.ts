/**
 * The active controller at another node, over a connection that is kept open.
 *
 * @module
 */
import { METADATA_TOPIC } from "../metadata/metadata_log.ts";
import { PeerConnection } from "../network/peer_connection.ts";
import { CloseConnection } from "../network/server/handler.ts";
import type { AnyApi, Api } from "../protocol/api.ts";
import { ErrorCode, errorName, KafkaError } from "../protocol/errors.ts";
import { describeQuorum } from "../protocol/messages/describe_quorum.ts";
import { envelope } from "../protocol/messages/envelope.ts";
import { ANONYMOUS_PRINCIPAL, encodePrincipal } from "../protocol/principal.ts";
import type { Address, Runtime } from "../runtime/runtime.ts";
import type {
  ActiveControllerLocation,
  Attempt,
  RemoteCall,
  RemoteControllers,
  RemoteTarget,
} from "./controller_channel.ts";
import { type ForwardedContext, ForwardedRequest } from "./forwarded_request.ts";

/** The options of a {@linkcode RemoteController}. */
export interface RemoteControllerOptions {
  readonly runtime: Runtime;
  /** The id of the node that sends. */
  readonly nodeId: number;
  /** How long a request may take unless it says otherwise, ms. */
  readonly requestTimeoutMs: number;
}

/** How long an attempt to connect may take, ms: a node that does not answer may have moved meanwhile. */
const CONNECT_TIMEOUT_MS = 2_000;
const MAX_RESPONSE_BYTES = 100 * 1024 * 1024;
const NOTHING = new Uint8Array(0);
const METADATA_LOG = {
  topics: [{ topicName: METADATA_TOPIC, partitions: [{ partitionIndex: 0 }] }],
};

/** A connection that is open or being opened. */
interface OpenConnection {
  readonly id: number;
  readonly address: Address;
  readonly opening: AbortController;
  readonly connection: Promise<PeerConnection>;
}

/** Sends requests of one channel to the node that is the active controller at the time. */
export class RemoteController implements RemoteControllers {
  readonly #options: RemoteControllerOptions;
  #connection: OpenConnection | null = null;

  constructor(options: RemoteControllerOptions) {
    this.#options = options;
  }

  request<Q, QI, R, RI>(
    api: Api<Q, QI, R, RI>,
    query: QI,
    codeOf: (answer: R) => number | undefined,
  ): RemoteCall<R> {
    return (target, leftMs) =>
      this.#attempt(target, leftMs, async (connection, timeoutMs) => {
        const answer = await connection.request(api, query, { timeoutMs, keepsBytes: true });
        return codeOf(answer) === ErrorCode.NOT_CONTROLLER
          ? notActive(connection)
          : { kind: "answered", answer };
      });
  }

  forward(api: AnyApi, request: unknown, context: ForwardedContext): RemoteCall<unknown> {
    const forwarded = new ForwardedRequest(api, request, context);
    return (target, leftMs) =>
      this.#attempt(target, leftMs, async (connection, timeoutMs) => {
        const requestData = await forwarded.bytes(this.#options.runtime.clock);
        const { responseData, errorCode } = await connection.request(envelope, {
          requestData,
          requestPrincipal: encodePrincipal(ANONYMOUS_PRINCIPAL),
          clientHostAddress: forwarded.clientHostAddress,
        }, { timeoutMs, keepsBytes: true });
        if (errorCode === ErrorCode.NOT_CONTROLLER) return notActive(connection);
        requireAccepted(api, connection, errorCode);
        return { kind: "answered", answer: forwarded.answerIn(responseData ?? NOTHING) };
      });
  }

  committedOffset(): RemoteCall<number> {
    return (target, leftMs) =>
      this.#attempt(target, leftMs, async (connection, timeoutMs) => {
        const { topics } = await connection.request(describeQuorum, METADATA_LOG, { timeoutMs });
        const { errorCode = ErrorCode.UNKNOWN_SERVER_ERROR, highWatermark = -1 } =
          topics[0]?.partitions[0] ?? {};
        // A new leader does not know its high watermark yet.
        return errorCode === ErrorCode.NONE && highWatermark >= 0
          ? { kind: "answered", answer: highWatermark - 1 }
          : notActive(connection);
      });
  }

  onLocation(active: ReturnType<ActiveControllerLocation["current"]>): void {
    if (this.#connection !== null && !(active !== null && isAt(this.#connection, active))) {
      this.close();
    }
  }

  close(): void {
    const open = this.#connection;
    if (open === null) return;
    this.#connection = null;
    open.opening.abort(
      new KafkaError(ErrorCode.NETWORK_EXCEPTION, "Cannot connect: another controller is active"),
    );
    open.connection.then((connection) => connection.close(), () => {});
  }

  /** Sends a request to `target`. An error of the connection is a failed attempt. */
  async #attempt<T>(
    target: RemoteTarget,
    leftMs: number,
    send: (connection: PeerConnection, timeoutMs: number) => Promise<Attempt<T>>,
  ): Promise<Attempt<T>> {
    try {
      return await send(await this.#connect(target, leftMs), Math.ceil(leftMs));
    } catch (error) {
      if (!isConnectionFailure(error)) throw error;
      return { kind: "failed", reason: error.message };
    }
  }

  /** Returns the connection to `target`, which is opened if necessary. */
  #connect({ id, address }: RemoteTarget, attemptMs: number): Promise<PeerConnection> {
    const { runtime, nodeId, requestTimeoutMs } = this.#options;
    if (this.#connection !== null && isAt(this.#connection, { id, address })) {
      return this.#connection.connection;
    }
    this.close();
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
