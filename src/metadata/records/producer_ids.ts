/**
 * Records of producer id allocation.
 *
 * @module
 */
import { defineRecord, type RecordOf } from "../../protocol/api.ts";
import { int32, int64, struct } from "../../protocol/schema.ts";

/** Allocates the producer ids before `nextProducerId` to a broker (KIP-730). */
export const producerIdsRecord = defineRecord({
  type: 15,
  name: "ProducerIdsRecord",
  versions: "0",
  flexible: "0+",
  fields: struct({
    brokerId: int32(),
    brokerEpoch: int64({ default: -1 }),
    nextProducerId: int64(),
  }),
});
/** A decoded ProducerIdsRecord. */
export type ProducerIdsRecord = RecordOf<typeof producerIdsRecord>;
