/**
 * `startCluster()` without the clients. A separate entry of the package.
 *
 * ```ts
 * import { startCluster } from "@millrace/millrace/cluster";
 *
 * await using cluster = await startCluster({ topics: [{ name: "events" }] });
 * cluster.bootstrapServers; // "127.0.0.1:…": any Kafka client connects here
 * ```
 *
 * @module
 */
export type { Cluster, ClusterNode } from "./cluster.ts";
export type { ClusterInterceptor, InterceptedAtNode, Interception } from "./interceptions.ts";
export type { NodeRole } from "./layout.ts";
export type { NodeState } from "./member.ts";
export { startCluster } from "./start_cluster.ts";
export type { ClusterOptions, FlushPolicy, TopicSpec } from "./cluster_options.ts";
export type { ListenerAddress } from "../config/listeners.ts";
export {
  ErrorCode,
  type ErrorName,
  errorName,
  isRetriable,
  KafkaError,
} from "../protocol/errors.ts";
export {
  lineLogger,
  type LineLoggerOptions,
  type LogContext,
  type Logger,
  type LogLevel,
} from "../logger.ts";
export {
  CloseConnection,
  type ConnectionInfo,
  type RequestContext,
} from "../network/server/handler.ts";
export type { InterceptedRequest, Interceptor } from "../network/server/interceptor.ts";
export { AddressInUseError, ConnectionError, FileError } from "../runtime/runtime.ts";
