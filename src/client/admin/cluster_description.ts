/**
 * The nodes of a cluster, as returned by the admin client.
 *
 * @module
 */
import { ErrorCode } from "../../protocol/errors.ts";
import type { DescribeClusterResponse } from "../../protocol/messages/describe_cluster.ts";
import type { BrokerInfo } from "../cluster/cluster_view.ts";
import { responseError } from "../errors.ts";

/** A broker, and whether clients can use it. */
export interface BrokerDescription extends BrokerInfo {
  /** Whether it is registered but fenced: stopped, out of reach or not yet caught up. */
  readonly isFenced: boolean;
}

/** The cluster and its brokers. */
export interface ClusterDescription {
  readonly clusterId: string | null;
  /**
   * Node id of the node that accepts changes, or -1 if there is none at present. A cluster with separate
   * controllers names any broker, which forwards changes to the active controller.
   */
  readonly controllerId: number;
  /** Ordered by node id. */
  readonly brokers: readonly BrokerDescription[];
}

/** The controllers of a cluster, as a controller knows them. */
export interface ControllersDescription {
  readonly clusterId: string;
  /** Node id of the active controller, or -1 if there is none at present. */
  readonly activeControllerId: number;
  /** The registered controllers, voters or not, ordered by node id. */
  readonly controllers: readonly BrokerInfo[];
}

/** Converts a response about brokers. Throws its error. */
export function clusterOf(answer: DescribeClusterResponse): ClusterDescription {
  const { clusterId, controllerId } = checked(answer, "Cannot describe the cluster");
  const brokers = answer.brokers.map(({ brokerId, host, port, rack, isFenced }) => ({
    nodeId: brokerId,
    host,
    port,
    rack,
    isFenced,
  }));
  return { clusterId, controllerId, brokers: brokers.sort((a, b) => a.nodeId - b.nodeId) };
}

/** Converts a response about controllers. Throws its error. */
export function controllersOf(answer: DescribeClusterResponse): ControllersDescription {
  const { clusterId, controllerId } = checked(answer, "Cannot describe the controllers");
  const controllers = answer.brokers.map(({ brokerId, host, port, rack }) => ({
    nodeId: brokerId,
    host,
    port,
    rack,
  }));
  controllers.sort((a, b) => a.nodeId - b.nodeId);
  return { clusterId, activeControllerId: controllerId, controllers };
}

function checked(answer: DescribeClusterResponse, what: string): DescribeClusterResponse {
  const { errorCode, errorMessage } = answer;
  if (errorCode !== ErrorCode.NONE) throw responseError(errorCode, what, errorMessage);
  return answer;
}
