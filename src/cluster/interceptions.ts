/**
 * Interceptors that are added to the nodes of a running cluster, and removed.
 *
 * @module
 */
import { nearestName } from "../nearest_name.ts";
import type { InterceptedRequest, Interceptor } from "../network/server/interceptor.ts";
import type { ApiSummary } from "../protocol/api.ts";
import { ErrorCode, KafkaError } from "../protocol/errors.ts";

/** A request on its way to its handler at one of the nodes of a cluster. */
export interface InterceptedAtNode extends InterceptedRequest {
  /** The id of the node that received the request. */
  readonly nodeId: number;
}

/** As {@linkcode Interceptor}, with the node that received the request. */
export type ClusterInterceptor = (
  intercepted: InterceptedAtNode,
  next: (request?: unknown) => unknown,
) => unknown;

/** An interceptor of a running cluster. */
export interface Interception extends Disposable {
  /** Removes the interceptor. Requests that it has seen already are not affected. May be called twice. */
  remove(): void;
}

/** The interceptors of a cluster, by the name of their request. */
export class Interceptions {
  readonly #apis: readonly ApiSummary[];
  readonly #added = new Map<string, Set<ClusterInterceptor>>();

  /** `apis` are all requests that the nodes serve. */
  constructor(apis: readonly ApiSummary[]) {
    this.#apis = apis;
  }

  /** Adds an interceptor of a request, given by its name or its key. It runs after those added before. */
  add(request: string | number, interceptor: ClusterInterceptor): Interception {
    const name = this.#nameOf(request);
    const added = this.#added.get(name) ?? new Set();
    // Each call is an addition of its own, also of the same function.
    const one: ClusterInterceptor = (...intercepted) => interceptor(...intercepted);
    this.#added.set(name, added.add(one));
    const remove = () => {
      added.delete(one);
      if (added.size === 0 && this.#added.get(name) === added) this.#added.delete(name);
    };
    return { remove, [Symbol.dispose]: remove };
  }

  /** Returns the interceptor of the node `nodeId`, which calls those that have been added. */
  at(nodeId: number): Interceptor {
    return (intercepted, next) => {
      const added = this.#added.get(intercepted.name);
      if (added === undefined) return next();
      const chain = [...added].reduceRight<(request: unknown) => unknown>(
        (rest, interceptor) => (request) =>
          interceptor({ ...intercepted, request, nodeId }, (changed = request) => rest(changed)),
        (request) => next(request),
      );
      return chain(intercepted.request);
    };
  }

  #nameOf(request: string | number): string {
    const found = this.#apis.find(({ name, key }) => name === request || key === request);
    if (found !== undefined) return found.name;
    const names = this.#apis.map(({ name }) => name);
    const nearest = typeof request === "string" ? nearestName(request, names) : null;
    throw new KafkaError(
      ErrorCode.INVALID_REQUEST,
      `Cannot intercept ${JSON.stringify(request)}: no node serves such a request` +
        (nearest === null ? "" : `, did you mean "${nearest}"?`),
    );
  }
}
