/**
 * InitProducerId: allocates a producer id and epoch, for idempotence and transactions. A known
 * transactional id keeps its producer id, gets a higher epoch, and its open transaction is aborted.
 *
 * @module
 */
import { defineApi, type RequestOf, type ResponseOf } from "../api.ts";
import { exactInt64, int16, int32, string, struct } from "../schema.ts";

/**
 * The InitProducerId API (KIP-98). Version 3 lets a producer raise its own epoch (KIP-360), 4 may
 * return PRODUCER_FENCED (KIP-588), 5 TRANSACTION_ABORTABLE (KIP-890). Version 6, two-phase commit
 * (KIP-939), is not stable in Apache Kafka 4.4 and not supported.
 */
export const initProducerId = defineApi({
  key: 22,
  name: "InitProducerId",
  versions: "0-5",
  flexible: "2+",
  request: struct({
    transactionalId: string({ nullable: "0+" }),
    transactionTimeoutMs: int32(),
    producerId: exactInt64({ versions: "3+", default: -1 }),
    producerEpoch: int16({ versions: "3+", default: -1 }),
  }),
  response: struct({
    throttleTimeMs: int32({ default: 0 }),
    errorCode: int16(),
    producerId: exactInt64({ default: -1 }),
    producerEpoch: int16(),
  }),
});

/** A decoded InitProducerId request. */
export type InitProducerIdRequest = RequestOf<typeof initProducerId>;
/** A decoded InitProducerId response. */
export type InitProducerIdResponse = ResponseOf<typeof initProducerId>;
