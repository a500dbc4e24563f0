/**
 * What a request handler is: one file a request in `handlers/`, which opens with what the request
 * does, the versions it serves and what each changed.
 *
 * A handler runs in two stages. Everything up to its first `await` is the ordered start: it runs in
 * the order in which requests arrived, and only there may it look at `records` fields, which are
 * views into the receive buffer and are overwritten afterwards. A handler that needs more than that, since
 * its start takes too long for one turn of the event loop or has to wait for something, extends it with
 * {@linkcode RequestContext.retain}. A promise it returns is the completion, which may come later; answers leave each connection in request order all the same.
 *
 * @module
 */
import type { AnyApi, Api } from "../../protocol/api.ts";
import type { Address } from "../../runtime/runtime.ts";

/** What is known of the connection a request came by. */
export interface ConnectionInfo {
  /** Unique within this broker's life. */
  readonly id: number;
  /** The name of the listener that accepted it, one of `listeners`. */
  readonly listener: string;
  readonly localAddress: Address;
  readonly remoteAddress: Address;
  /** The client's software from ApiVersions v3 and later (KIP-511), "" before. */
  clientSoftwareName: string;
  clientSoftwareVersion: string;
}

/** What comes with a request. `Needs` are the dependencies that its handler declares. */
export interface RequestContext<Needs> {
  readonly apiVersion: number;
  readonly clientId: string | null;
  readonly connection: ConnectionInfo;
  /** The dependencies of the handler. */
  readonly services: Needs;
  /** What the listener of this request serves: the APIs of all handlers of its dispatcher. */
  readonly servedApis: readonly AnyApi[];
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

/**
 * Answers one request. `null` means that none is sent (Produce with acks=0). A `KafkaError` thrown
 * here becomes the answer made by `onError`.
 */
export type Handle<Needs, Request, Response> = (
  request: Request,
  context: RequestContext<Needs>,
) => Response | null | Promise<Response | null>;

/**
 * A handler with the API it serves. One that needs less can be used where one that needs more is wanted.
 */
export interface Handler<Needs> {
  readonly api: AnyApi;
  readonly handle: (request: unknown, context: RequestContext<Needs>) => unknown;
  /**
   * The answer when the handler failed as a whole: the request's own error form, filled for
   * everything it asked about.
   */
  readonly onError: (
    request: unknown,
    code: number,
    message: string,
    context: RequestContext<Needs>,
  ) => unknown;
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
      context: RequestContext<Needs>,
    ) => ResponseIn;
  },
): Handler<Needs> {
  return {
    api: api as unknown as AnyApi,
    handle: handler.handle as Handler<Needs>["handle"],
    onError: handler.onError as Handler<Needs>["onError"],
  };
}
