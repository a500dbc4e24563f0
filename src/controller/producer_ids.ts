/**
 * Decisions about blocks of producer ids (KIP-730).
 *
 * @module
 */
import type { MetadataImage } from "../metadata/image.ts";
import type { MetadataRecordInput } from "../metadata/records/metadata_record.ts";
import { ErrorCode, KafkaError } from "../protocol/errors.ts";
import { requireBroker } from "./brokers/registration_change.ts";

/** Number of producer ids allocated to a broker at once, as in Apache Kafka. */
const BLOCK_SIZE = 1_000;

/** A broker's identity in a request. */
export interface AllocateProducerIdsRequest {
  readonly brokerId: number;
  readonly brokerEpoch: number;
}

/** A block of producer ids and the records that reserve it. */
export interface ProducerIdsDecision {
  readonly records: readonly MetadataRecordInput[];
  readonly producerIdStart: number;
  readonly producerIdLen: number;
}

/**
 * Allocates a block of unused producer ids to a broker. Throws BROKER_ID_NOT_REGISTERED,
 * STALE_BROKER_EPOCH, and UNKNOWN_SERVER_ERROR if no ids are left.
 */
export function decideAllocateProducerIds(
  request: AllocateProducerIdsRequest,
  image: MetadataImage,
): ProducerIdsDecision {
  requireBroker("allocate producer ids", request, image);
  return allocateBlock(request, image);
}

/** Like {@linkcode decideAllocateProducerIds} for a broker that need not be registered. */
export function allocateBlock(
  { brokerId, brokerEpoch }: AllocateProducerIdsRequest,
  image: MetadataImage,
): ProducerIdsDecision {
  const producerIdStart = image.nextProducerId;
  const nextProducerId = producerIdStart + BLOCK_SIZE;
  if (!Number.isSafeInteger(nextProducerId)) {
    throw new KafkaError(
      ErrorCode.UNKNOWN_SERVER_ERROR,
      `Cannot allocate producer ids: the next id is ${producerIdStart}, the limit is 2^53`,
    );
  }
  return {
    records: [{
      name: "ProducerIdsRecord",
      value: { brokerId, brokerEpoch, nextProducerId },
    }],
    producerIdStart,
    producerIdLen: BLOCK_SIZE,
  };
}
