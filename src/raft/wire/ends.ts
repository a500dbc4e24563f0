/**
 * The two ends of an exchange: what the sender of a request adds to it, and what its receiver checks.
 *
 * @module
 */
import { ErrorCode, KafkaError } from "../../protocol/errors.ts";

/** The sender of requests. */
export interface Sender {
  readonly clusterId: string;
  /** The name of the listener on which it reaches other replicas, the first of its controller listeners. */
  readonly listener: string;
}

/** The receiver of requests. */
export interface Receiver {
  readonly clusterId: string;
  readonly nodeId: number;
}

/** The highest epoch: another election must be possible after it. */
export const MAX_EPOCH = 0x7fff_fffe;

/** Throws INVALID_REQUEST for an epoch that no election can have reached. */
export function checkEpoch(epoch: number): void {
  if (epoch >= 0 && epoch <= MAX_EPOCH) return;
  throw new KafkaError(
    ErrorCode.INVALID_REQUEST,
    `Cannot answer a request of epoch ${epoch}: epochs are 0 to ${MAX_EPOCH}`,
  );
}

/** Throws INCONSISTENT_CLUSTER_ID for a request of another cluster. A request without an id passes. */
export function checkCluster(clusterId: string | null, receiver: Receiver): void {
  if (clusterId === null || clusterId === receiver.clusterId) return;
  throw new KafkaError(
    ErrorCode.INCONSISTENT_CLUSTER_ID,
    `The request is for cluster "${clusterId}", node ${receiver.nodeId} belongs to ` +
      `"${receiver.clusterId}"`,
  );
}
