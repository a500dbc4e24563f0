/**
 * `TransactionLog` of `__transaction_state`.
 *
 * @module
 */
import { defineCoordinatorRecord, type KeyOf, type ValueOf } from "../../protocol/api.ts";
import {
  array,
  exactInt64,
  int16,
  int32,
  int64,
  int8,
  string,
  struct,
} from "../../protocol/schema.ts";

/**
 * A transactional id with its producer and the state of its transaction. Version 1 adds the next
 * and previous producer ids and epochs (KIP-890).
 */
export const transactionLogRecord = defineCoordinatorRecord({
  type: 0,
  name: "TransactionLog",
  key: struct({
    transactionalId: string(),
  }),
  versions: "0-1",
  flexible: "1+",
  value: struct({
    producerId: exactInt64(),
    previousProducerId: exactInt64({ versions: "1+", default: -1, tag: 0, tagged: "1+" }),
    nextProducerId: exactInt64({ versions: "1+", default: -1, tag: 1, tagged: "1+" }),
    producerEpoch: int16(),
    nextProducerEpoch: int16({ versions: "1+", default: -1, tag: 3, tagged: "1+" }),
    transactionTimeoutMs: int32(),
    transactionStatus: int8(),
    transactionPartitions: array(
      struct({
        topic: string(),
        partitionIds: array(int32()),
      }),
      { nullable: "0+" },
    ),
    transactionLastUpdateTimestampMs: int64(),
    transactionStartTimestampMs: int64(),
    clientTransactionVersion: int16({ versions: "1+", tag: 2, tagged: "1+" }),
  }),
});
/** The key of TransactionLog. */
export type TransactionLogKey = KeyOf<typeof transactionLogRecord>;
/** The decoded value of TransactionLog. */
export type TransactionLogValue = ValueOf<typeof transactionLogRecord>;
