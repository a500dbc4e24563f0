/**
 * Metadata: returns the brokers of the cluster and the ids, partitions, leaders and replicas of
 * topics. Can create missing topics.
 *
 * @module
 */
import { defineApi, type RequestOf, type ResponseOf } from "../api.ts";
import { array, bool, int16, int32, string, struct, uuid } from "../schema.ts";

const partitionMetadata = struct({
  errorCode: int16(),
  partitionIndex: int32(),
  leaderId: int32(),
  leaderEpoch: int32({ versions: "7+", default: -1 }),
  replicaNodes: array(int32()),
  isrNodes: array(int32()),
  offlineReplicas: array(int32(), { versions: "5+" }),
});

const topicMetadata = struct({
  errorCode: int16(),
  name: string({ nullable: "12+" }),
  topicId: uuid({ versions: "10+" }),
  isInternal: bool({ versions: "1+", default: false }),
  partitions: array(partitionMetadata),
  topicAuthorizedOperations: int32({ versions: "8+", default: -2147483648 }),
});

/**
 * The Metadata API. All topics are selected by an empty list in version 0 and by null in later
 * versions. Version 4 lets the client disable auto-creation (KIP-204), 7 adds leader epochs
 * (KIP-320), 8 authorized operations (KIP-430), 10 topic ids, 12 lookup by topic id (KIP-516), 13
 * an error for the whole request that sends a client back to its bootstrap servers (KIP-1102).
 */
export const metadata = defineApi({
  key: 3,
  name: "Metadata",
  versions: "0-13",
  flexible: "9+",
  request: struct({
    topics: array(
      struct({
        topicId: uuid({ versions: "10+" }),
        name: string({ nullable: "10+" }),
      }),
      { nullable: "1+" },
    ),
    allowAutoTopicCreation: bool({ versions: "4+", default: true }),
    includeClusterAuthorizedOperations: bool({ versions: "8-10" }),
    includeTopicAuthorizedOperations: bool({ versions: "8+" }),
  }),
  response: struct({
    throttleTimeMs: int32({ versions: "3+", default: 0 }),
    brokers: array(struct({
      nodeId: int32(),
      host: string(),
      port: int32(),
      rack: string({ versions: "1+", nullable: "1+", default: null }),
    })),
    clusterId: string({ versions: "2+", nullable: "2+", default: null }),
    controllerId: int32({ versions: "1+", default: -1 }),
    topics: array(topicMetadata),
    clusterAuthorizedOperations: int32({ versions: "8-10", default: -2147483648 }),
    errorCode: int16({ versions: "13+" }),
  }),
});

/** A decoded Metadata request. */
export type MetadataRequest = RequestOf<typeof metadata>;
/** A decoded Metadata response. */
export type MetadataResponse = ResponseOf<typeof metadata>;
