/**
 * The requests of a controller as calls within its process, without encoding: for the broker of the same
 * node, and for requests inside an Envelope.
 *
 * @module
 */
import {
  CloseConnection,
  type ConnectionInfo,
  type Handler,
} from "../../network/server/handler.ts";
import type { AnyApi, ApiSummary } from "../../protocol/api.ts";
import { ErrorCode, KafkaError } from "../../protocol/errors.ts";
import { type ApiTable, apiTable } from "../../protocol/header.ts";

/** The sender of a request. */
export interface RequestOrigin {
  readonly clientId: string | null;
  readonly connection: ConnectionInfo;
}

/** The origin of a node's requests to its own controller. */
export const OWN_NODE: RequestOrigin = {
  clientId: null,
  connection: {
    id: 0,
    listener: "",
    localAddress: { host: "", port: 0 },
    remoteAddress: { host: "", port: 0 },
    clientSoftwareName: "",
    clientSoftwareVersion: "",
  },
};

/** Serves requests of the process that it is part of. */
export interface LocalController {
  /**
   * Starts the handler of `api` in this turn, unless its module has to be loaded first, and returns its answer
   * or the promise of it. `request` is as decoded in `apiVersion`, and its views must stay valid until then.
   * Throws or rejects with what the handler throws: a `KafkaError` NOT_CONTROLLER if this controller is not
   * the active one.
   */
  handle(
    api: Pick<ApiSummary, "key" | "name">,
    apiVersion: number,
    request: unknown,
    origin: RequestOrigin,
  ): unknown;
  /** Returns the answer to a request that failed as a whole in its handler. */
  onError(
    api: Pick<ApiSummary, "key">,
    apiVersion: number,
    request: unknown,
    error: KafkaError,
  ): unknown;
}

/** A local controller that also decides the requests inside Envelopes. All its handlers are loaded. */
export interface EnvelopeController extends LocalController {
  /** The requests that it serves. */
  readonly apis: ApiTable;
}

/** A handler of a local controller whose module is loaded on its first request. */
export interface LocalHandlerOnDemand<Needs> {
  readonly api: Pick<ApiSummary, "key">;
  /** Loads the handler. May be called again after a failure. */
  load(): Promise<Handler<Needs>>;
}

/** The handlers of a local controller. */
export type LocalHandlers<Needs> = readonly (Handler<Needs> | LocalHandlerOnDemand<Needs>)[];

/** Returns the controller whose requests `handlers` decide with `services`. */
export function localController<Needs>(
  { handlers, services }: {
    readonly handlers: LocalHandlers<Needs>;
    readonly services: Needs;
  },
): LocalController {
  const byKey = new Map(handlers.map((handler) => [handler.api.key, handler]));
  return {
    handle({ key, name }, apiVersion, request, { clientId, connection }) {
      const entry = byKey.get(key);
      if (entry === undefined) {
        throw new KafkaError(
          ErrorCode.UNSUPPORTED_VERSION,
          `Cannot answer ${name}: controllers do not serve it`,
        );
      }
      const handleWith = (handler: Handler<Needs>) =>
        handler.handle(request, {
          apiVersion,
          clientId,
          connection,
          services,
          // No listener has received the request.
          servedApis: [],
          // The caller keeps the request valid.
          retain: () => () => {},
        });
      return "load" in entry ? load(entry, name).then(handleWith) : handleWith(entry);
    },
    onError({ key }, apiVersion, request, { code, message }) {
      const handler = byKey.get(key);
      return handler === undefined || "load" in handler
        ? undefined
        : handler.onError(request, code, message, { apiVersion });
    },
  };

  async function load(
    entry: LocalHandlerOnDemand<Needs>,
    name: string,
  ): Promise<Handler<Needs>> {
    try {
      const handler = await entry.load();
      byKey.set(entry.api.key, handler);
      return handler;
    } catch (error) {
      throw new CloseConnection(`Cannot load what answers ${name}: ${(error as Error).message}`);
    }
  }
}

/** Returns the controller whose requests `handlers` decide with `services`, for Envelopes too. */
export function envelopeController<Needs>(
  options: { readonly handlers: readonly Handler<Needs>[]; readonly services: Needs },
): EnvelopeController {
  const apis = apiTable<AnyApi>(options.handlers.map(({ api }) => api));
  return { ...localController(options), apis };
}
