/**
 * Records of controllers.
 *
 * @module
 */
import { defineRecord, type RecordOf } from "../../protocol/api.ts";
import {
  array,
  bool,
  int16,
  int32,
  int8,
  string,
  struct,
  uint16,
  uuid,
} from "../../protocol/schema.ts";

/** Registers a controller with its endpoints and features (KIP-919). */
export const registerControllerRecord = defineRecord({
  type: 27,
  name: "RegisterControllerRecord",
  versions: "0",
  flexible: "0+",
  fields: struct({
    controllerId: int32(),
    incarnationId: uuid(),
    zkMigrationReady: bool(),
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
  }),
});
/** A decoded RegisterControllerRecord. */
export type RegisterControllerRecord = RecordOf<typeof registerControllerRecord>;

/** Removes the registration of a controller that left the quorum. Since Apache Kafka 4.4. */
export const unregisterControllerRecord = defineRecord({
  type: 29,
  name: "UnregisterControllerRecord",
  versions: "0",
  flexible: "0+",
  fields: struct({
    controllerId: int32(),
  }),
});
/** A decoded UnregisterControllerRecord. */
export type UnregisterControllerRecord = RecordOf<typeof unregisterControllerRecord>;

/**
 * The progress of a migration from ZooKeeper (KIP-866). May occur in logs created before Apache
 * Kafka 4.0.
 */
export const zkMigrationStateRecord = defineRecord({
  type: 21,
  name: "ZkMigrationStateRecord",
  versions: "0",
  flexible: "0+",
  fields: struct({
    zkMigrationState: int8(),
  }),
});
/** A decoded ZkMigrationStateRecord. */
export type ZkMigrationStateRecord = RecordOf<typeof zkMigrationStateRecord>;
