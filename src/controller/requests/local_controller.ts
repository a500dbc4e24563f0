/**
 * The requests of a controller as calls within its process, without encoding: for the broker of the same
 * node, and for requests inside an Envelope.
 *
 * @module
 */
import type { ConnectionInfo, Handler } from "../../network/server/handler.ts";
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
  /** The requests that it serves. */
  readonly apis: ApiTable;
  /**
   * Starts the handler of `api` in this turn and returns its answer or the promise of it. `request` is as
   * decoded in `apiVersion`, and its views must stay valid until then. Throws or rejects with what the
   * handler throws: a `KafkaError` NOT_CONTROLLER if this controller is not the active one.
   */
  handle(
    api: Pick<ApiSummary, "key" | "name">,
    apiVersion: number,
    request: unknown,
    origin: RequestOrigin,
  ): unknown;
  /** Returns the answer to a request that failed as a whole. */
  onError(
    api: Pick<ApiSummary, "key">,
    apiVersion: number,
    request: unknown,
    error: KafkaError,
  ): unknown;
}

/** Returns the controller whose requests `handlers` decide with `services`. */
export function localController<Needs>(
  { handlers, services }: {
    readonly handlers: readonly Handler<Needs>[];
    readonly services: Needs;
  },
): LocalController {
  const apis = apiTable<AnyApi>(handlers.map(({ api }) => api));
  const servedApis = handlers.map(({ api }) => api);
  const byKey = new Map(handlers.map((handler) => [handler.api.key, handler]));
  return {
    apis,
    handle({ key, name }, apiVersion, request, { clientId, connection }) {
      const handler = byKey.get(key);
      if (handler === undefined) {
        throw new KafkaError(
          ErrorCode.UNSUPPORTED_VERSION,
          `Cannot answer ${name}: controllers do not serve it`,
        );
      }
      return handler.handle(request, {
        apiVersion,
        clientId,
        connection,
        services,
        servedApis,
        // The caller keeps the request valid.
        retain: () => () => {},
      });
    },
    onError: ({ key }, apiVersion, request, { code, message }) =>
      byKey.get(key)?.onError(request, code, message, { apiVersion }),
  };
}
