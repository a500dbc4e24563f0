/**
 * Requests of a registered broker: the check of its epoch, and the record that changes its
 * registration.
 *
 * @module
 */
import { registrationChangeVersion } from "../../metadata/features.ts";
import type { BrokerImage, MetadataImage } from "../../metadata/image.ts";
import type { MetadataRecordInput } from "../../metadata/records/metadata_record.ts";
import { ErrorCode, KafkaError } from "../../protocol/errors.ts";

/** New values of a registration. An absent field keeps its value. */
export interface RegistrationChange {
  readonly fenced?: boolean;
  readonly inControlledShutdown?: boolean;
  /** The directories in service, at least one. */
  readonly logDirs?: readonly string[];
}

/** Returns the record that changes a registration. */
export function changeRegistration(
  { id, epoch }: BrokerImage,
  image: MetadataImage,
  { fenced, inControlledShutdown, logDirs = [] }: RegistrationChange,
): MetadataRecordInput {
  return {
    name: "BrokerRegistrationChangeRecord",
    version: registrationChangeVersion(image),
    value: {
      brokerId: id,
      brokerEpoch: epoch,
      fenced: flagOf(fenced),
      inControlledShutdown: flagOf(inControlledShutdown),
      logDirs,
    },
  };
}

function flagOf(value: boolean | undefined): number {
  if (value === undefined) return 0;
  return value ? 1 : -1;
}

/**
 * Returns the registered broker that sent a request. Throws BROKER_ID_NOT_REGISTERED if there is
 * none, and STALE_BROKER_EPOCH for a request of an earlier or unknown registration.
 */
export function requireBroker(
  action: string,
  { brokerId, brokerEpoch }: { readonly brokerId: number; readonly brokerEpoch: number },
  image: MetadataImage,
): BrokerImage {
  const broker = image.broker(brokerId);
  if (broker === undefined) {
    throw new KafkaError(
      ErrorCode.BROKER_ID_NOT_REGISTERED,
      `Cannot ${action}: broker ${brokerId} is not registered`,
    );
  }
  if (broker.epoch !== brokerEpoch) {
    throw new KafkaError(
      ErrorCode.STALE_BROKER_EPOCH,
      `Cannot ${action}: broker ${brokerId} has epoch ${broker.epoch}, the request ${brokerEpoch}`,
    );
  }
  return broker;
}
