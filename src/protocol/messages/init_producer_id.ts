/**
 * InitProducerId: gives a producer its id and epoch, for idempotence and transactions. A
 * transactional id gets the same producer id again with a higher epoch, and its unfinished
 * transaction is aborted.
 *
 * @module
 */
import { defineApi, type RequestOf, type ResponseOf } from "../api.ts";
import { exactInt64, int16, int32, string, struct } from "../schema.ts";

/**
 * The InitProducerId API (KIP-98). Version 3 lets a producer continue with a higher epoch
 * (KIP-360), 4 may answer PRODUCER_FENCED (KIP-588), 5 TRANSACTION_ABORTABLE (KIP-890). Version 6,
 * two-phase commit (KIP-939), is not stable in Apache Kafka 4.4 and so not here.
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
