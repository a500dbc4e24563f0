/**
 * DescribeCluster on a controller listener returns the cluster's id, the active controller, and the registered
 * controllers with their addresses at the listener of that name (KIP-919). Tools with `--bootstrap-controller`
 * begin with it.
 *
 * Serves versions 0 to 2, all flexible. Version 1 adds the type of endpoint; version 0 asks for brokers, whose
 * addresses only brokers return. Version 2 may include fenced brokers (KIP-1073); controllers are never fenced.
 *
 * @module
 */
import type { ControllerImage, MetadataImage } from "../../metadata/image.ts";
import { defineHandler, type Handler } from "../../network/server/handler.ts";
import type { ResponseInputOf } from "../../protocol/api.ts";
import { CLUSTER_OPERATIONS, OPERATIONS_NOT_ASKED } from "../../protocol/authorized_operations.ts";
import { ErrorCode } from "../../protocol/errors.ts";
import { EndpointType, requireEndpointType } from "../../protocol/endpoint_type.ts";
import { describeCluster } from "../../protocol/messages/describe_cluster.ts";

type Response = ResponseInputOf<typeof describeCluster>;

interface Needs {
  readonly clusterId: string;
  image(): Pick<MetadataImage, "controllers">;
  readonly raft: { readonly status: { readonly leaderId: number } };
}

/** Serves DescribeCluster on a controller listener. */
export const describeClusterHandler: Handler<Needs> = defineHandler(describeCluster, {
  handle(request, { apiVersion, services, connection }) {
    requireEndpointType(EndpointType.CONTROLLERS, request, apiVersion);
    return {
      errorCode: ErrorCode.NONE,
      endpointType: EndpointType.CONTROLLERS,
      clusterId: services.clusterId,
      controllerId: services.raft.status.leaderId,
      brokers: Array.from(services.image().controllers())
        .flatMap((controller) => atListener(connection.listener, controller)),
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

/** Returns the controller with its address at the listener, or nothing if it does not have that listener. */
function atListener(listener: string, { id, endpoints }: ControllerImage): Response["brokers"] {
  return endpoints.filter(({ name }) => name === listener)
    .map(({ host, port }) => ({ brokerId: id, host, port, rack: null, isFenced: false }));
}
