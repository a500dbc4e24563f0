/**
 * FindCoordinator returns the broker that coordinates a group: this broker, for every group, since
 * there is no other.
 *
 * There is no transaction coordinator yet, and a transactional producer must fail immediately. The
 * answer is CLUSTER_AUTHORIZATION_FAILED with a message that names the cause: librdkafka retries
 * every code other than this one and TRANSACTIONAL_ID_AUTHORIZATION_FAILED until its timeout, and
 * for that one the Java client reports no message. Share groups have no coordinator either. Only
 * brokers ask for it, and the answer is INVALID_REQUEST.
 *
 * Serves versions 0 to 6. Version 1 adds the type of key (before it, all keys are groups), 3 is
 * flexible, 4 asks for several keys at once, 6 adds share coordinators.
 *
 * @module
 */
import { ErrorCode } from "../../protocol/errors.ts";
import { findCoordinator } from "../../protocol/messages/find_coordinator.ts";
import type { BrokersNeeds } from "../metadata_response.ts";
import { defineHandler, type Handler, type RequestContext } from "../../network/server/handler.ts";

type Needs = Pick<BrokersNeeds, "nodeId" | "advertisedAddress">;

const GROUP = 0;
const TRANSACTION = 1;
const SHARE = 2;
const SEVERAL_KEYS_SINCE = 4;
const SHARE_SINCE = 6;

interface Found {
  readonly nodeId: number;
  readonly host: string;
  readonly port: number;
  readonly errorCode: ErrorCode;
  readonly errorMessage: string | null;
}

/** Serves FindCoordinator. */
export const findCoordinatorHandler: Handler<Needs> = defineHandler(findCoordinator, {
  handle: ({ key, keyType, coordinatorKeys }, context) => {
    const found = find(keyType, context);
    return answer(context.apiVersion, found, key, coordinatorKeys);
  },
  onError: ({ key, coordinatorKeys }, code, message, { apiVersion }) =>
    answer(apiVersion, failed(code as ErrorCode, message), key, coordinatorKeys),
});

function answer(apiVersion: number, found: Found, key: string, keys: readonly string[]) {
  return {
    ...found,
    coordinators: (apiVersion < SEVERAL_KEYS_SINCE ? [key] : keys).map((key) => ({
      key,
      ...found,
    })),
  };
}

function find(
  keyType: number,
  { apiVersion, services, connection }: RequestContext<Needs>,
): Found {
  if (keyType === GROUP) {
    const { host, port } = services.advertisedAddress(connection);
    const errorCode = ErrorCode.NONE;
    return { nodeId: services.nodeId, host, port, errorCode, errorMessage: null };
  }
  if (keyType === TRANSACTION) {
    return failed(
      ErrorCode.CLUSTER_AUTHORIZATION_FAILED,
      "There is no transaction coordinator: this version does not support transactions",
    );
  }
  if (keyType === SHARE && apiVersion >= SHARE_SINCE) {
    return failed(
      ErrorCode.INVALID_REQUEST,
      "There is no share coordinator: this version has no share groups yet",
    );
  }
  return failed(
    ErrorCode.INVALID_REQUEST,
    `Version ${apiVersion} has no coordinators of type ${keyType}: 0 is a group, 1 a transaction`,
  );
}

function failed(errorCode: ErrorCode, errorMessage: string): Found {
  return { nodeId: -1, host: "", port: -1, errorCode, errorMessage };
}
