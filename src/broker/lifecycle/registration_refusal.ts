/**
 * Why a broker cannot register, in one sentence that says what to do.
 *
 * @module
 */
import { ErrorCode, errorName } from "../../protocol/errors.ts";
import type { EndpointImage } from "../../metadata/image.ts";
import { hostAndPort } from "../../runtime/ip_address.ts";

/** What a broker registers, as far as a refusal is about it. */
export interface RefusedBroker {
  readonly nodeId: number;
  readonly clusterId: string;
  readonly endpoints: readonly EndpointImage[];
}

/**
 * Returns the sentence for the answer `code` of a controller, or for `reason` if none has answered.
 */
export function registrationRefusal(
  { nodeId, clusterId, endpoints }: RefusedBroker,
  code: number,
  reason: string,
): string {
  const failure = `Cannot register broker ${nodeId} with the active controller`;
  const listeners = endpoints
    .map(({ name, host, port }) => `${name}://${hostAndPort(host, port)}`)
    .join(", ");
  switch (code) {
    case ErrorCode.INCONSISTENT_CLUSTER_ID:
      return `${failure}: the data directories of this broker belong to cluster "${clusterId}", the ` +
        "controllers to another one; correct controller.quorum.bootstrap.servers or " +
        "controller.quorum.voters, or name empty data directories in log.dirs";
    case ErrorCode.DUPLICATE_BROKER_REGISTRATION:
      return `${failure}: another process that is alive is registered as broker ${nodeId}, and this one ` +
        `has other data directories and the listeners ${listeners}; stop that process, or set another ` +
        "node.id here";
    case ErrorCode.STALE_BROKER_EPOCH:
      return `Cannot remain broker ${nodeId} with the listeners ${listeners}: another process registers as ` +
        "this broker again and again, with a copy of its data directories; stop one of the two, or give " +
        "this one another node.id and empty data directories in log.dirs";
    case ErrorCode.INVALID_REGISTRATION:
      return `${failure}: the controller rejects the listeners ${listeners} or the ids of the data ` +
        "directories, which another broker may have registered; give each broker addresses and data " +
        "directories of its own";
    case ErrorCode.UNSUPPORTED_VERSION:
      return `${failure}: this version does not support a feature level of the cluster, or the ` +
        `controllers do not support this version (${reason}); run the same version on all nodes`;
    case ErrorCode.REQUEST_TIMED_OUT:
    case ErrorCode.NOT_CONTROLLER:
      return `${failure}: none has answered; start the controllers, or correct ` +
        `controller.quorum.bootstrap.servers or controller.quorum.voters (${reason})`;
    default:
      return `${failure}: it answers ${errorName(code)}; its log says why`;
  }
}
