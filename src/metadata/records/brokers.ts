/**
 * Records of brokers: their registrations, and whether clients may use them.
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
 * A broker has registered, again or for the first time. The record's offset is the usual broker
 * epoch. Version 1 adds the controlled shutdown, 2 the migration from ZooKeeper (KIP-866), 3 log
 * directories (KIP-858), 4 those that take no new partitions (KIP-1066).
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

/** A broker has left the cluster for good. */
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
 * A broker is fenced: it leads nothing and clients are not sent to it. Superseded by
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

/** A broker is in service. Superseded by BrokerRegistrationChangeRecord. */
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
 * A broker's registration changed. `fenced` and `inControlledShutdown` are 1 for a change to true,
 * -1 for one to false and 0 for none; empty `logDirs` and null `cordonedLogDirs` are no change.
 * Version 1 adds the controlled shutdown (KIP-841), 2 log directories (KIP-858), 3 those that take
 * no new partitions (KIP-1066).
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
