/**
 * AllocateProducerIds: allocates a block of producer ids to a broker.
 *
 * @module
 */
import { defineApi, type RequestOf, type ResponseOf } from "../api.ts";
import { int16, int32, int64, struct } from "../schema.ts";

/** The AllocateProducerIds API (KIP-730). */
export const allocateProducerIds = defineApi({
  key: 67,
  name: "AllocateProducerIds",
  versions: "0",
  flexible: "0+",
  request: struct({
    brokerId: int32(),
    brokerEpoch: int64({ default: -1 }),
  }),
  response: struct({
    throttleTimeMs: int32({ default: 0 }),
    errorCode: int16(),
    producerIdStart: int64(),
    producerIdLen: int32(),
  }),
});

/** A decoded AllocateProducerIds request. */
export type AllocateProducerIdsRequest = RequestOf<typeof allocateProducerIds>;
/** A decoded AllocateProducerIds response. */
export type AllocateProducerIdsResponse = ResponseOf<typeof allocateProducerIds>;
