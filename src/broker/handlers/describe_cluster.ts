/**
 * DescribeCluster on a broker's listener returns the cluster's id and its brokers, with the one to which clients send
 * requests for the controller (KIP-700). Only controllers return the addresses of controllers.
 *
 * Serves versions 0 to 2, all flexible. Version 1 adds the type of endpoint, brokers or controllers
 * (KIP-919), 2 may include fenced brokers (KIP-1073).
 *
 * @module
 */
import { EndpointType, requireEndpointType } from "../../protocol/endpoint_type.ts";
import { ErrorCode } from "../../protocol/errors.ts";
import { describeCluster } from "../../protocol/messages/describe_cluster.ts";
import { CLUSTER_OPERATIONS, OPERATIONS_NOT_ASKED } from "../../protocol/authorized_operations.ts";
import { type BrokersNeeds, brokersOf, forwardingBroker } from "../metadata_response.ts";
import { defineHandler, type Handler } from "../../network/server/handler.ts";

interface Needs extends BrokersNeeds {
  readonly clusterId: string;
}

/** Serves DescribeCluster. */
export const describeClusterHandler: Handler<Needs> = defineHandler(describeCluster, {
  handle(request, { apiVersion, services, connection }) {
    requireEndpointType(EndpointType.BROKERS, request, apiVersion);
    const { includeFencedBrokers: includeFenced } = request;
    const brokers = brokersOf(services, connection, { includeFenced });
    return {
      errorCode: ErrorCode.NONE,
      endpointType: EndpointType.BROKERS,
      clusterId: services.clusterId,
      controllerId: forwardingBroker(brokers, services.nodeId),
      brokers: brokers.map(({ id, host, port, rack, isFenced }) => ({
        brokerId: id,
        host,
        port,
        rack,
        isFenced,
      })),
      clusterAuthorizedOperations: request.includeClusterAuthorizedOperations
        ? CLUSTER_OPERATIONS
        : OPERATIONS_NOT_ASKED,
    };
  },
  onError: (_request, errorCode, errorMessage) => ({
    errorCode,
    errorMessage,
    clusterId: "",
    brokers: [],
  }),
});
