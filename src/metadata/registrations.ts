/**
 * Applies metadata records to the registrations of brokers and controllers.
 *
 * @module
 */
import type { BrokerImage, ControllerImage, FeatureRange } from "./image.ts";
import type { BrokerRegistrationChangeRecord, RegisterBrokerRecord } from "./records/brokers.ts";
import type { RegisterControllerRecord } from "./records/controllers.ts";

/** Returns the broker described by a RegisterBrokerRecord. */
export function newBroker(record: RegisterBrokerRecord): BrokerImage {
  return {
    id: record.brokerId,
    epoch: record.brokerEpoch,
    incarnationId: record.incarnationId,
    endpoints: record.endPoints,
    features: featureRanges(record.features),
    rack: record.rack,
    fenced: record.fenced,
    inControlledShutdown: record.inControlledShutdown,
    isMigratingZkBroker: record.isMigratingZkBroker,
    logDirs: record.logDirs,
    cordonedLogDirs: record.cordonedLogDirs,
  };
}

/**
 * Returns the broker after a change. In the record, 1 sets a flag, -1 clears it, and 0, empty
 * `logDirs` or null `cordonedLogDirs` mean no change.
 */
export function changeBroker(
  before: BrokerImage,
  record: BrokerRegistrationChangeRecord,
): BrokerImage {
  return {
    ...before,
    fenced: record.fenced === 0 ? before.fenced : record.fenced > 0,
    inControlledShutdown: record.inControlledShutdown === 0
      ? before.inControlledShutdown
      : record.inControlledShutdown > 0,
    logDirs: record.logDirs.length === 0 ? before.logDirs : record.logDirs,
    cordonedLogDirs: record.cordonedLogDirs ?? before.cordonedLogDirs,
  };
}

/** Returns the controller described by a RegisterControllerRecord. */
export function newController(record: RegisterControllerRecord): ControllerImage {
  return {
    id: record.controllerId,
    incarnationId: record.incarnationId,
    endpoints: record.endPoints,
    features: featureRanges(record.features),
    zkMigrationReady: record.zkMigrationReady,
  };
}

function featureRanges(
  features: RegisterControllerRecord["features"],
): ReadonlyMap<string, FeatureRange> {
  return new Map(
    features.map(({ name, minSupportedVersion, maxSupportedVersion }) => [
      name,
      { min: minSupportedVersion, max: maxSupportedVersion },
    ]),
  );
}
