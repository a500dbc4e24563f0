/**
 * Markers in the metadata log: transactions, which make many records take effect at once (KIP-868),
 * and no-ops.
 *
 * @module
 */
import { defineRecord, type RecordOf } from "../../protocol/api.ts";
import { string, struct } from "../../protocol/schema.ts";

/** Begins a transaction. The records that follow take effect when it ends. */
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

/** Ends the open transaction, whose records take effect. */
export const endTransactionRecord = defineRecord({
  type: 24,
  name: "EndTransactionRecord",
  versions: "0",
  flexible: "0+",
  fields: struct({}),
});
/** A decoded EndTransactionRecord. */
export type EndTransactionRecord = RecordOf<typeof endTransactionRecord>;

/** Aborts the open transaction, whose records are dropped. */
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
 * Has no effect. The active controller writes it periodically to show that the quorum works
 * (KIP-835).
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
