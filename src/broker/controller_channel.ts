/**
 * Requests to the active controller, wherever it is: in this process, without encoding, or at another
 * node, over a connection that is kept open.
 *
 * A request is sent again until it is answered or its time is over: after a pause while no controller is
 * known, after NOT_CONTROLLER, and also when the connection broke after the request had been sent. As in
 * Apache Kafka, the last means that a change may be carried out twice: the second CreateTopics is answered
 * TOPIC_ALREADY_EXISTS although the first one of the same client created it. A client that got a
 * retriable error instead would send the request again and receive the same answer, later. Therefore the
 * caller of {@linkcode ControllerChannel.forward} learns that a request was repeated. Every change
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
import type { AnyApi, Api } from "../protocol/api.ts";
import { ErrorCode, KafkaError } from "../protocol/errors.ts";
import type { Codec } from "../protocol/schema.ts";
import { ByteReader, ByteWriter } from "../protocol/wire.ts";
import type { Address, Runtime } from "../runtime/runtime.ts";
import type { ForwardedContext } from "./forwarded_request.ts";

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
  /** Used by this channel alone. Null on a node that has no others beside it. */
  readonly remote: RemoteControllers | null;
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

/** The active controller at another node. */
export interface RemoteTarget {
  readonly kind: "remote";
  readonly id: number;
  readonly address: Address;
}

/** The active controller as the target of an attempt. */
type Target = { readonly kind: "own"; readonly controller: OwnController } | RemoteTarget;

/** The result of an attempt. */
export type Attempt<T> =
  | { readonly kind: "answered"; readonly answer: T }
  | { readonly kind: "failed"; readonly reason: string };

/** Makes an attempt at another node. An error of the connection is a failed attempt. */
export type RemoteCall<T> = (target: RemoteTarget, timeoutMs: number) => Promise<Attempt<T>>;

/** The other nodes of the cluster, one of which may be the active controller. */
export interface RemoteControllers {
  /** Prepares a request of this node; see {@linkcode ControllerChannel.request}. */
  request<Q, QI, R, RI>(
    api: Api<Q, QI, R, RI>,
    query: QI,
    codeOf: (answer: R) => number | undefined,
  ): RemoteCall<R>;
  /** Prepares a client's request; see {@linkcode ControllerChannel.forward}. */
  forward(api: AnyApi, request: unknown, context: ForwardedContext): RemoteCall<unknown>;
  /** Prepares the question of {@linkcode ControllerChannel.committedOffset}. */
  committedOffset(): RemoteCall<number>;
  /** Closes the connection if it leads to a node that is not the active controller any more. */
  onLocation(active: ReturnType<ActiveControllerLocation["current"]>): void;
  /** Closes the connection. A later attempt opens another one. */
  close(): void;
}

/** How a request is sent. */
interface Call<T> {
  readonly name: string;
  readonly timeoutMs: number;
  readonly onRepeated?: () => void;
  /** Asks the controller of this process. A `KafkaError` NOT_CONTROLLER is a failed attempt. */
  own(controller: OwnController): T | Promise<T>;
  /** Asks another node. Undefined on a node that has no others beside it. */
  readonly remote: RemoteCall<T> | undefined;
}

/** Sends requests to the active controller. */
export class ControllerChannel {
  readonly #options: ControllerChannelOptions;
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
      remote: this.#options.remote?.request(api, query, codeOf),
    });
  }

  /**
   * Sends a client's request, decoded in the version of `context`, and resolves with the answer in a form
   * that can be encoded in that version. Views in `request` must stay valid until then. Throws
   * `CloseConnection` if the controller cannot decode the request: the client has to ask again
   * for the supported versions. Calls `onRepeated` when the request has to be sent again, although a
   * controller may have carried it out already.
   */
  forward(
    api: AnyApi,
    request: unknown,
    context: ForwardedContext,
    onRepeated: () => void = () => {},
  ): Promise<unknown> {
    return this.#retry({
      onRepeated,
      name: api.name,
      timeoutMs: this.#options.requestTimeoutMs,
      own: (controller) => controller.handle(api, context.apiVersion, request, context),
      remote: this.#options.remote?.forward(api, request, context),
    });
  }

  /** Returns the offset of the last metadata record that was committed when this was called. */
  committedOffset(): Promise<number> {
    return this.#retry({
      name: "DescribeQuorum",
      timeoutMs: this.#options.requestTimeoutMs,
      own: (controller) => controller.committedOffset(),
      remote: this.#options.remote?.committedOffset(),
    });
  }

  /** Closes the connection. Requests that wait fail, and so do later ones. */
  close(): void {
    this.#isClosed = true;
    this.#options.remote?.close();
    this.#wakeAll();
  }

  /** Makes attempts until one is answered. */
  async #retry<T>(call: Call<T>): Promise<T> {
    const { name, timeoutMs } = call;
    const { runtime: { clock, random }, retryBackoffMs } = this.#options;
    const untilMs = clock.monotonicMs() + timeoutMs;
    let reason = "";
    let attempts = 0;
    for (let failures = 0;; failures++) {
      if (this.#isClosed) throw shuttingDown(name);
      const leftMs = untilMs - clock.monotonicMs();
      if (leftMs <= 0) throw timedOut(name, timeoutMs, reason);
      const target = this.#target();
      if (target === null) reason = "no controller is known to be active";
      else {
        if (++attempts === 2) call.onRepeated?.();
        const result = target.kind === "own"
          ? await attemptOwn(call, target.controller)
          : await call.remote!(target, leftMs);
        if (result.kind === "answered") return result.answer;
        reason = result.reason;
      }
      const backoff = { initialMs: retryBackoffMs, maxMs: MAX_BACKOFF_MS };
      const delayMs = exponentialBackoffMs(backoff, failures, random);
      await this.#pause(Math.min(delayMs, Math.max(0, untilMs - clock.monotonicMs())));
    }
  }

  #target(): Target | null {
    const { location, nodeId, own, remote } = this.#options;
    this.#watch();
    const active = location.current();
    if (active === null) return null;
    const { id, address } = active;
    if (id === nodeId && own !== null) return { kind: "own", controller: own };
    return address === null || remote === null ? null : { kind: "remote", id, address };
  }

  /** Follows the location: a request to a controller that is not the active one any more is sent again. */
  #watch(): void {
    if (this.#isWatching) return;
    this.#isWatching = true;
    this.#options.location.changed().then(() => {
      this.#isWatching = false;
      if (this.#isClosed) return;
      this.#options.remote?.onLocation(this.#options.location.current());
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
