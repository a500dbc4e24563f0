/**
 * DescribeCluster: returns the cluster's id, controller and brokers, for administration clients.
 *
 * @module
 */
import { defineApi, type RequestOf, type ResponseOf } from "../api.ts";
import { array, bool, int16, int32, int8, string, struct } from "../schema.ts";

/**
 * The DescribeCluster API (KIP-700). Version 1 can query a controller for the controllers
 * (KIP-919), 2 includes fenced brokers on request (KIP-1073).
 */
export const describeCluster = defineApi({
  key: 60,
  name: "DescribeCluster",
  versions: "0-2",
  flexible: "0+",
  request: struct({
    includeClusterAuthorizedOperations: bool(),
    endpointType: int8({ versions: "1+", default: 1 }),
    includeFencedBrokers: bool({ versions: "2+" }),
  }),
  response: struct({
    throttleTimeMs: int32({ default: 0 }),
    errorCode: int16(),
    errorMessage: string({ nullable: "0+", default: null }),
    endpointType: int8({ versions: "1+", default: 1 }),
    clusterId: string(),
    controllerId: int32({ default: -1 }),
    brokers: array(struct({
      brokerId: int32(),
      host: string(),
      port: int32(),
      rack: string({ nullable: "0+", default: null }),
      isFenced: bool({ versions: "2+" }),
    })),
    clusterAuthorizedOperations: int32({ default: -2147483648 }),
  }),
});

/** A decoded DescribeCluster request. */
export type DescribeClusterRequest = RequestOf<typeof describeCluster>;
/** A decoded DescribeCluster response. */
export type DescribeClusterResponse = ResponseOf<typeof describeCluster>;
