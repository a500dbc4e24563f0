/**
 * BrokerRegistration: registers a broker that starts with the active controller, which assigns its
 * broker epoch.
 *
 * @module
 */
import { defineApi, type RequestOf, type ResponseOf } from "../api.ts";
import { array, bool, int16, int32, int64, string, struct, uint16, uuid } from "../schema.ts";

/**
 * The BrokerRegistration API (KIP-631). Version 1 adds brokers that migrate from ZooKeeper
 * (KIP-866), 2 the log directories (KIP-858), 3 the broker epoch before a clean shutdown (KIP-966),
 * 4 allows the minimum version of a feature to be 0.
 */
export const brokerRegistration = defineApi({
  key: 62,
  name: "BrokerRegistration",
  versions: "0-4",
  flexible: "0+",
  request: struct({
    brokerId: int32(),
    clusterId: string(),
    incarnationId: uuid(),
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
    rack: string({ nullable: "0+" }),
    isMigratingZkBroker: bool({ versions: "1+", default: false }),
    logDirs: array(uuid(), { versions: "2+" }),
    previousBrokerEpoch: int64({ versions: "3+", default: -1 }),
  }),
  response: struct({
    throttleTimeMs: int32({ default: 0 }),
    errorCode: int16(),
    brokerEpoch: int64({ default: -1 }),
  }),
});

/** A decoded BrokerRegistration request. */
export type BrokerRegistrationRequest = RequestOf<typeof brokerRegistration>;
/** A decoded BrokerRegistration response. */
export type BrokerRegistrationResponse = ResponseOf<typeof brokerRegistration>;
