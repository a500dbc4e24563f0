/**
 * DescribeCluster returns the cluster's id, its controller and its brokers (KIP-700).
 *
 * Serves versions 0 to 2, all flexible. Version 1 adds the type of endpoint, brokers or controllers
 * (KIP-919), 2 may include fenced brokers (KIP-1073).
 *
 * @module
 */
import type { ResponseInputOf } from "../../protocol/api.ts";
import { ErrorCode } from "../../protocol/errors.ts";
import { describeCluster } from "../../protocol/messages/describe_cluster.ts";
import { CLUSTER_OPERATIONS, OPERATIONS_NOT_ASKED } from "../authorized_operations.ts";
import { type BrokersNeeds, brokersOf } from "../metadata_response.ts";
import { defineHandler, type Handler } from "../../network/server/handler.ts";

type Response = ResponseInputOf<typeof describeCluster>;

const BROKERS = 1;
const CONTROLLERS = 2;

interface Needs extends BrokersNeeds {
  readonly clusterId: string;
}

/** Serves DescribeCluster. */
export const describeClusterHandler: Handler<Needs> = defineHandler(describeCluster, {
  handle({ endpointType, includeFencedBrokers, ...request }, { services, connection }) {
    if (endpointType === CONTROLLERS) {
      return failed(
        ErrorCode.MISMATCHED_ENDPOINT_TYPE,
        "This is a broker's listener: ask a controller's for controllers",
      );
    }
    if (endpointType !== BROKERS) {
      return failed(
        ErrorCode.UNSUPPORTED_ENDPOINT_TYPE,
        `Endpoint type ${endpointType} is not known: 1 is for brokers, 2 for controllers`,
      );
    }
    return {
      errorCode: 0,
      endpointType,
      clusterId: services.clusterId,
      controllerId: services.nodeId,
      brokers: brokersOf(services, connection, { includeFenced: includeFencedBrokers }).map(
        ({ id, host, port, rack, isFenced }) => ({ brokerId: id, host, port, rack, isFenced }),
      ),
      clusterAuthorizedOperations: request.includeClusterAuthorizedOperations
        ? CLUSTER_OPERATIONS
        : OPERATIONS_NOT_ASKED,
    };
  },
  onError: (_request, code, message) => failed(code, message),
});

function failed(errorCode: number, errorMessage: string): Response {
  return { errorCode, errorMessage, clusterId: "", brokers: [] };
}
