/**
 * Marks within the metadata log: transactions, which make many records take effect together
 * (KIP-868), and records that do nothing.
 *
 * @module
 */
import { defineRecord, type RecordOf } from "../../protocol/api.ts";
import { string, struct } from "../../protocol/schema.ts";

/** The records that follow take effect with the transaction's end. */
export const beginTransactionRecord = defineRecord({
  type: 23,
  name: "BeginTransactionRecord",
  versions: "0",
  flexible: "0+",
  fields: struct({
    name: string({ nullable: "0+", default: null, tag: 0, tagged: "0+" }),
  }),
});
/** A decoded BeginTransactionRecord. */
export type BeginTransactionRecord = RecordOf<typeof beginTransactionRecord>;

/** The transaction under way takes effect. */
export const endTransactionRecord = defineRecord({
  type: 24,
  name: "EndTransactionRecord",
  versions: "0",
  flexible: "0+",
  fields: struct({}),
});
/** A decoded EndTransactionRecord. */
export type EndTransactionRecord = RecordOf<typeof endTransactionRecord>;

/** The transaction under way is dropped. */
export const abortTransactionRecord = defineRecord({
  type: 25,
  name: "AbortTransactionRecord",
  versions: "0",
  flexible: "0+",
  fields: struct({
    reason: string({ nullable: "0+", default: null, tag: 0, tagged: "0+" }),
  }),
});
/** A decoded AbortTransactionRecord. */
export type AbortTransactionRecord = RecordOf<typeof abortTransactionRecord>;

/**
 * Nothing: an active controller writes it now and then to show that the quorum works (KIP-835).
 */
export const noOpRecord = defineRecord({
  type: 20,
  name: "NoOpRecord",
  versions: "0",
  flexible: "0+",
  fields: struct({}),
});
/** A decoded NoOpRecord. */
export type NoOpRecord = RecordOf<typeof noOpRecord>;
