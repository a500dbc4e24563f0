/**
 * Decides when the active controller of an idle cluster appends a record without effect. Brokers and
 * controllers that replicate it prove that they are connected.
 *
 * @module
 */
import type { MetadataRecordInput } from "../../metadata/records/metadata_record.ts";

/** When the log last grew and how long it may be idle. */
export interface NoOpInput {
  /** When the last record was appended. */
  readonly lastAppendMs: number;
  /** `metadata.max.idle.interval.ms`. 0 disables the records. */
  readonly maxIdleIntervalMs: number;
}

/** Returns the time at which a record is due unless another is appended first, or undefined. */
export function noOpDueAt({ lastAppendMs, maxIdleIntervalMs }: NoOpInput): number | undefined {
  return maxIdleIntervalMs > 0 ? lastAppendMs + maxIdleIntervalMs : undefined;
}

/** Returns the record if it is due. */
export function decideNoOp(input: NoOpInput, now: number): MetadataRecordInput[] {
  const dueAt = noOpDueAt(input);
  return dueAt !== undefined && now >= dueAt ? [{ name: "NoOpRecord", value: {} }] : [];
}
