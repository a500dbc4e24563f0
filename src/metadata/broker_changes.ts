/**
 * Applies metadata records to a broker registration.
 *
 * @module
 */
import type { BrokerImage } from "./image.ts";
import type { BrokerRegistrationChangeRecord, RegisterBrokerRecord } from "./records/brokers.ts";

/** Returns the broker described by a RegisterBrokerRecord. */
export function newBroker(record: RegisterBrokerRecord): BrokerImage {
  return {
    id: record.brokerId,
    epoch: record.brokerEpoch,
    incarnationId: record.incarnationId,
    endpoints: record.endPoints,
    features: new Map(
      record.features.map(({ name, minSupportedVersion, maxSupportedVersion }) => [
        name,
        { min: minSupportedVersion, max: maxSupportedVersion },
      ]),
    ),
    rack: record.rack,
    fenced: record.fenced,
    inControlledShutdown: record.inControlledShutdown,
    logDirs: record.logDirs,
  };
}

/**
 * Returns the broker after a change. In the record, 1 sets a flag, -1 clears it, and 0 or an empty
 * list means no change.
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
  };
}
