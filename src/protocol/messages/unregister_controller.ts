/**
 * UnregisterController: removes the registration of a controller that has left the cluster for
 * good.
 *
 * @module
 */
import { defineApi, type RequestOf, type ResponseOf } from "../api.ts";
import { int16, int32, string, struct } from "../schema.ts";

/** The UnregisterController API (KIP-1312). */
export const unregisterController = defineApi({
  key: 94,
  name: "UnregisterController",
  versions: "0",
  flexible: "0+",
  request: struct({
    controllerId: int32(),
  }),
  response: struct({
    throttleTimeMs: int32({ default: 0 }),
    errorCode: int16(),
    errorMessage: string({ nullable: "0+" }),
  }),
});

/** A decoded UnregisterController request. */
export type UnregisterControllerRequest = RequestOf<typeof unregisterController>;
/** A decoded UnregisterController response. */
export type UnregisterControllerResponse = ResponseOf<typeof unregisterController>;
