/**
 * Interceptors: functions that see each request before its handler does. They serve fault injection in
 * tests. A server without interceptors calls its handlers directly.
 *
 * @module
 */
import { decoded } from "./encoded_answer.ts";
import type { Handler, RequestContext } from "./handler.ts";

/** A request on its way to its handler. */
export interface InterceptedRequest<Needs = unknown> {
  /** The request's name in Kafka's protocol, such as "Produce". */
  readonly name: string;
  /** The decoded request. Its fields have the names of Kafka's schemas. */
  readonly request: unknown;
  readonly context: RequestContext<Needs>;
}

/**
 * Called in place of a handler, with the request and the way on to the handler. It may
 *
 * - observe: return `next()`, or look at what that returns;
 * - change: call `next` with another request, or return another answer;
 * - delay: await something after `next()`, or before it, with a call of {@linkcode RequestContext.retain}
 *   before that `await` and of its end after `next()`;
 * - answer by itself: return an answer without a call of `next`, or null for no answer at all;
 * - fail: throw a `KafkaError`, which the client receives as the request's own form of error;
 * - close the connection: throw a `CloseConnection`.
 *
 * `next` returns what the handler returns: the answer, null when none is sent, or a promise of either. It
 * may be called more than once. Interceptors run in the order of their list; `next` of the last one calls
 * the handler.
 *
 * ```ts
 * import { ErrorCode, type Interceptor, KafkaError } from "@millrace/millrace/cluster";
 *
 * let failures = 0;
 * // For `startCluster({ interceptors: [failTwice] })`.
 * const failTwice: Interceptor = ({ name }, next) => {
 *   if (name !== "Produce" || ++failures > 2) return next();
 *   throw new KafkaError(ErrorCode.NOT_LEADER_OR_FOLLOWER, "Not yet");
 * };
 * ```
 */
export type Interceptor<Needs = unknown> = (
  intercepted: InterceptedRequest<Needs>,
  next: (request?: unknown) => unknown,
) => unknown;

/** Returns `handler` with `interceptors` in front of it. Answers to errors stay its own. */
export function intercept<Needs>(
  handler: Handler<Needs>,
  interceptors: readonly Interceptor<Needs>[],
): Handler<Needs> {
  const { name } = handler.api;
  const handle = interceptors.reduceRight<Handler<Needs>["handle"]>(
    (next, interceptor) => (request, context) =>
      interceptor(
        { name, request, context },
        (changed = request) => next(changed, context),
      ),
    (request, context) => {
      const answer = handler.handle(request, context);
      return answer instanceof Promise ? answer.then(decoded) : decoded(answer);
    },
  );
  return { ...handler, handle };
}
