/**
 * Request handlers. Each request has one file in a folder `handlers/`, which begins with what the request
 * does, the versions served, and the changes in each version.
 *
 * A handler runs in two stages. Its code up to the first `await` is the ordered start: it runs in the order
 * in which the requests of a connection arrived. Only there are `records` fields valid, which are views
 * into the receive buffer and are overwritten afterwards. A handler that needs records or the order for
 * longer, because its start takes too long for one turn of the event loop or waits for something, extends the
 * start with {@linkcode RequestContext.retain}. The promise that a handler returns is its completion, which
 * may come later. Answers leave a connection in the order of its requests in any case.
 *
 * @module
 */
import type { AnyApi, Api, ApiSummary } from "../../protocol/api.ts";
import type { Address } from "../../runtime/runtime.ts";

/** The connection of a request. */
export interface ConnectionInfo {
  /** Unique while the server runs. */
  readonly id: number;
  /** The name of the listener that accepted it. */
  readonly listener: string;
  readonly localAddress: Address;
  readonly remoteAddress: Address;
  /** The client's software from ApiVersions version 3 and later (KIP-511), "" before. */
  clientSoftwareName: string;
  clientSoftwareVersion: string;
}

/** The context of a request. `Needs` are the dependencies that its handler declares. */
export interface RequestContext<Needs> {
  readonly apiVersion: number;
  readonly clientId: string | null;
  readonly connection: ConnectionInfo;
  /** The dependencies of the handler. */
  readonly services: Needs;
  /** The APIs that the request's listener serves: those of all handlers of its dispatcher. */
  readonly servedApis: readonly ApiSummary[];
  /**
   * Extends the ordered start of this request beyond its first `await`, until the returned function is
   * called or the request is answered, whichever is first. Meanwhile
   *
   * - `records` fields stay valid: they are views into the connection's receive buffer, which is neither
   *   read into nor copied;
   * - no later request of the connection is started, of whatever kind it is, so an append that follows an
   *   `await` is still in the order of the connection. Requests of other connections are started, and
   *   answers to earlier requests of this one are sent. Apache Kafka starts the next request of a
   *   connection later still, when the answer has been sent;
   * - the frame counts for the memory that all frames share ({@linkcode FrameMemory}), also when the
   *   connection closes in the meantime: the views stay valid then too.
   *
   * Call it before the first `await`, or while an earlier call is in force, as that of an interceptor: the
   * last function called ends the extension. The function may be called more than once.
   */
  retain(): () => void;
}

/** What the answer to a failed request depends on beside the request. */
export type FailureContext = Pick<RequestContext<unknown>, "apiVersion">;

/**
 * Answers one request. Null means that no answer is sent (Produce with acks=0). A `KafkaError` thrown here
 * becomes the answer that `onError` returns.
 */
export type Handle<Needs, Request, Response> = (
  request: Request,
  context: RequestContext<Needs>,
) => Response | null | Promise<Response | null>;

/**
 * A handler with the API it serves. A handler that needs less can be used where one that needs more is
 * expected.
 */
export interface Handler<Needs> {
  readonly api: AnyApi;
  readonly handle: (request: unknown, context: RequestContext<Needs>) => unknown;
  /**
   * Returns the answer if the handler failed as a whole: the error in the request's own form, for
   * everything that was asked.
   */
  readonly onError: (
    request: unknown,
    code: number,
    message: string,
    context: FailureContext,
  ) => unknown;
}

/**
 * A handler whose module is loaded on its first request, so that a process starts without it. Until it is
 * loaded the request waits as one that its handler retains. Loading takes a time that no clock of ours
 * decides, so a simulation has none of these.
 */
export interface HandlerOnDemand<Needs> {
  readonly api: ApiSummary;
  /** Loads the handler, and what it uses of `services`. May be called again after a failure. */
  load(services: Needs): Promise<Handler<Needs>>;
}

/** The dependencies of all handlers in the union `H`, together. */
export type NeedsOf<H extends Handler<never>> = [H] extends [Handler<infer Needs>] ? Needs : never;

/** Thrown by a handler to close the connection without an answer, as for a failed produce with acks=0. */
export class CloseConnection extends Error {
  override readonly name = "CloseConnection";
}

/**
 * Declares a handler.
 *
 * ```ts ignore
 * export const heartbeatHandler = defineHandler(heartbeat, {
 *   handle: (request, { services }) => services.groups.heartbeat(request),
 *   onError: (_request, errorCode) => ({ errorCode }),
 * });
 * ```
 */
export function defineHandler<Needs, RequestOut, RequestIn, ResponseOut, ResponseIn>(
  api: Api<RequestOut, RequestIn, ResponseOut, ResponseIn>,
  handler: {
    readonly handle: Handle<Needs, RequestOut, ResponseIn>;
    readonly onError: (
      request: RequestOut,
      code: number,
      message: string,
      context: FailureContext,
    ) => ResponseIn;
  },
): Handler<Needs> {
  return {
    api: api as unknown as AnyApi,
    handle: handler.handle as Handler<Needs>["handle"],
    onError: handler.onError as Handler<Needs>["onError"],
  };
}
