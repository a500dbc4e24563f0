/**
 * What records do to a broker's registration.
 *
 * @module
 */
import type { BrokerImage } from "./image.ts";
import type { BrokerRegistrationChangeRecord, RegisterBrokerRecord } from "./records/brokers.ts";

/** The broker that a RegisterBrokerRecord describes. */
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

/** The broker after a change: 1 switches a flag on, -1 off, 0 and an empty list leave it. */
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
