/**
 * BrokerHeartbeat: reports to the active controller that a broker is alive, and asks it to unfence
 * the broker or to let it shut down.
 *
 * @module
 */
import { defineApi, type RequestOf, type ResponseOf } from "../api.ts";
import { array, bool, int16, int32, int64, struct, uuid } from "../schema.ts";

/**
 * The BrokerHeartbeat API (KIP-631). Version 1 adds the log directories that went offline
 * (KIP-858), 2 those that take no new replicas (KIP-1066), null for a broker that does not report
 * them.
 */
export const brokerHeartbeat = defineApi({
  key: 63,
  name: "BrokerHeartbeat",
  versions: "0-2",
  flexible: "0+",
  request: struct({
    brokerId: int32(),
    brokerEpoch: int64({ default: -1 }),
    currentMetadataOffset: int64(),
    wantFence: bool(),
    wantShutDown: bool(),
    offlineLogDirs: array(uuid(), { versions: "1+", tag: 0, tagged: "1+" }),
    cordonedLogDirs: array(uuid(), {
      versions: "2+",
      nullable: "2+",
      default: null,
      tag: 1,
      tagged: "2+",
    }),
  }),
  response: struct({
    throttleTimeMs: int32({ default: 0 }),
    errorCode: int16(),
    isCaughtUp: bool({ default: false }),
    isFenced: bool({ default: true }),
    shouldShutDown: bool(),
  }),
});

/** A decoded BrokerHeartbeat request. */
export type BrokerHeartbeatRequest = RequestOf<typeof brokerHeartbeat>;
/** A decoded BrokerHeartbeat response. */
export type BrokerHeartbeatResponse = ResponseOf<typeof brokerHeartbeat>;
