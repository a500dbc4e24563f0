/**
 * FindCoordinator: returns the coordinator of a group (`keyType` 0), a transactional id (1) or a
 * share-group partition (2).
 *
 * @module
 */
import { defineApi, type RequestOf, type ResponseOf } from "../api.ts";
import { array, int16, int32, int8, string, struct } from "../schema.ts";

/**
 * The FindCoordinator API. Version 1 adds the key type (KIP-98), 4 several keys per request
 * (KIP-699), 5 may return TRANSACTION_ABORTABLE (KIP-890), 6 finds share coordinators (KIP-932).
 */
export const findCoordinator = defineApi({
  key: 10,
  name: "FindCoordinator",
  versions: "0-6",
  flexible: "3+",
  request: struct({
    key: string({ versions: "0-3" }),
    keyType: int8({ versions: "1+", default: 0 }),
    coordinatorKeys: array(string(), { versions: "4+" }),
  }),
  response: struct({
    throttleTimeMs: int32({ versions: "1+", default: 0 }),
    errorCode: int16({ versions: "0-3" }),
    errorMessage: string({ versions: "1-3", nullable: "1-3" }),
    nodeId: int32({ versions: "0-3" }),
    host: string({ versions: "0-3" }),
    port: int32({ versions: "0-3" }),
    coordinators: array(
      struct({
        key: string(),
        nodeId: int32(),
        host: string(),
        port: int32(),
        errorCode: int16(),
        errorMessage: string({ nullable: "4+" }),
      }),
      { versions: "4+" },
    ),
  }),
});

/** A decoded FindCoordinator request. */
export type FindCoordinatorRequest = RequestOf<typeof findCoordinator>;
/** A decoded FindCoordinator response. */
export type FindCoordinatorResponse = ResponseOf<typeof findCoordinator>;
