/**
 * Records of broker registrations and their fencing.
 *
 * @module
 */
import { defineRecord, type RecordOf } from "../../protocol/api.ts";
import {
  array,
  bool,
  int16,
  int32,
  int64,
  int8,
  string,
  struct,
  uint16,
  uuid,
} from "../../protocol/schema.ts";

/**
 * Registers a broker, initially or again. The broker epoch is usually the offset of the record.
 * Version 1 adds controlled shutdown, 2 the migration from ZooKeeper (KIP-866), 3 log directories
 * (KIP-858), 4 cordoned log directories (KIP-1066).
 */
export const registerBrokerRecord = defineRecord({
  type: 0,
  name: "RegisterBrokerRecord",
  versions: "0-4",
  flexible: "0+",
  fields: struct({
    brokerId: int32(),
    isMigratingZkBroker: bool({ versions: "2+", default: false }),
    incarnationId: uuid(),
    brokerEpoch: int64(),
    endPoints: array(struct({
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
    fenced: bool({ default: true }),
    inControlledShutdown: bool({ versions: "1+", default: false }),
    logDirs: array(uuid(), { versions: "3+", tag: 0, tagged: "3+" }),
    cordonedLogDirs: array(uuid(), {
      versions: "4+",
      nullable: "4+",
      default: null,
      tag: 1,
      tagged: "4+",
    }),
  }),
});
/** A decoded RegisterBrokerRecord. */
export type RegisterBrokerRecord = RecordOf<typeof registerBrokerRecord>;

/** Removes a broker from the cluster. */
export const unregisterBrokerRecord = defineRecord({
  type: 1,
  name: "UnregisterBrokerRecord",
  versions: "0",
  flexible: "0+",
  fields: struct({
    brokerId: int32(),
    brokerEpoch: int64(),
  }),
});
/** A decoded UnregisterBrokerRecord. */
export type UnregisterBrokerRecord = RecordOf<typeof unregisterBrokerRecord>;

/**
 * Fences a broker: it leads no partition, and clients are not directed to it. Superseded by
 * BrokerRegistrationChangeRecord.
 */
export const fenceBrokerRecord = defineRecord({
  type: 7,
  name: "FenceBrokerRecord",
  versions: "0",
  flexible: "0+",
  fields: struct({
    id: int32(),
    epoch: int64(),
  }),
});
/** A decoded FenceBrokerRecord. */
export type FenceBrokerRecord = RecordOf<typeof fenceBrokerRecord>;

/** Unfences a broker. Superseded by BrokerRegistrationChangeRecord. */
export const unfenceBrokerRecord = defineRecord({
  type: 8,
  name: "UnfenceBrokerRecord",
  versions: "0",
  flexible: "0+",
  fields: struct({
    id: int32(),
    epoch: int64(),
  }),
});
/** A decoded UnfenceBrokerRecord. */
export type UnfenceBrokerRecord = RecordOf<typeof unfenceBrokerRecord>;

/**
 * Changes a broker registration. `fenced` and `inControlledShutdown` are 1 to set the flag, -1 to
 * clear it and 0 for no change; empty `logDirs` and null `cordonedLogDirs` mean no change. Version
 * 1 adds controlled shutdown (KIP-841), 2 log directories (KIP-858), 3 cordoned log directories
 * (KIP-1066).
 */
export const brokerRegistrationChangeRecord = defineRecord({
  type: 17,
  name: "BrokerRegistrationChangeRecord",
  versions: "0-3",
  flexible: "0+",
  fields: struct({
    brokerId: int32(),
    brokerEpoch: int64(),
    fenced: int8({ tag: 0, tagged: "0+" }),
    inControlledShutdown: int8({ versions: "1+", tag: 1, tagged: "1+" }),
    logDirs: array(uuid(), { versions: "2+", tag: 2, tagged: "2+" }),
    cordonedLogDirs: array(uuid(), {
      versions: "3+",
      nullable: "3+",
      default: null,
      tag: 3,
      tagged: "3+",
    }),
  }),
});
/** A decoded BrokerRegistrationChangeRecord. */
export type BrokerRegistrationChangeRecord = RecordOf<typeof brokerRegistrationChangeRecord>;
