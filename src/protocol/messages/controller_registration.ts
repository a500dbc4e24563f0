/**
 * ControllerRegistration: registers the endpoints and features of a controller with the active one.
 *
 * @module
 */
import { defineApi, type RequestOf, type ResponseOf } from "../api.ts";
import { array, bool, int16, int32, string, struct, uint16, uuid } from "../schema.ts";

/** The ControllerRegistration API (KIP-919). */
export const controllerRegistration = defineApi({
  key: 70,
  name: "ControllerRegistration",
  versions: "0",
  flexible: "0+",
  request: struct({
    controllerId: int32(),
    incarnationId: uuid(),
    zkMigrationReady: bool(),
    listeners: array(struct({
      name: string(),
      host: string(),
      port: uint16(),
      securityProtocol: int16(),
    })),
    features: array(struct({
      name: string(),
      minSupportedVersion: int16(),
      maxSupportedVersion: int16(),
    })),
  }),
  response: struct({
    throttleTimeMs: int32({ default: 0 }),
    errorCode: int16(),
    errorMessage: string({ nullable: "0+" }),
  }),
});

/** A decoded ControllerRegistration request. */
export type ControllerRegistrationRequest = RequestOf<typeof controllerRegistration>;
/** A decoded ControllerRegistration response. */
export type ControllerRegistrationResponse = ResponseOf<typeof controllerRegistration>;
