/**
 * UnregisterBroker: removes the registration of a broker that has left the cluster for good.
 *
 * @module
 */
import { defineApi, type RequestOf, type ResponseOf } from "../api.ts";
import { int16, int32, string, struct } from "../schema.ts";

/** The UnregisterBroker API (KIP-631). */
export const unregisterBroker = defineApi({
  key: 64,
  name: "UnregisterBroker",
  versions: "0",
  flexible: "0+",
  request: struct({
    brokerId: int32(),
  }),
  response: struct({
    throttleTimeMs: int32({ default: 0 }),
    errorCode: int16(),
    errorMessage: string({ nullable: "0+" }),
  }),
});

/** A decoded UnregisterBroker request. */
export type UnregisterBrokerRequest = RequestOf<typeof unregisterBroker>;
/** A decoded UnregisterBroker response. */
export type UnregisterBrokerResponse = ResponseOf<typeof unregisterBroker>;
