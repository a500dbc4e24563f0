/**
 * What a look over a data directory finds, and how much it looked at.
 *
 * @module
 */
import { grouped } from "../protocol/records/record_error.ts";

/** One place that is not as it should be. */
export interface LogDamage {
  /** The file. */
  readonly file: string;
  /** Where in the file, bytes from its beginning, or null where no one byte is to blame. */
  readonly position: number | null;
  /** The offset of the partition that is concerned, or null. */
  readonly offset: number | null;
  /** What is wrong and what becomes of it, in words. */
  readonly problem: string;
}

/** How much was looked at. */
export interface VerifySummary {
  /** Partitions that were looked at. */
  readonly partitions: number;
  /** Segments of partitions that were looked at. */
  readonly segments: number;
  /** Batches whose checksum was computed. */
  readonly batches: number;
  /** Bytes of segments that were read. */
  readonly bytes: number;
  /** All that is wrong, in the order in which it was found. */
  readonly damages: readonly LogDamage[];
}

/** Gathers what is found. */
export class Findings implements VerifySummary {
  partitions = 0;
  segments = 0;
  batches = 0;
  bytes = 0;
  readonly damages: LogDamage[] = [];

  /** Each damage goes to `onDamage` as it is found. */
  constructor(readonly onDamage: (damage: LogDamage) => void) {}

  /** Takes in a damage. */
  add(
    file: string,
    problem: string,
    where: { readonly position?: number; readonly offset?: number } = {},
  ): void {
    const { position = null, offset = null } = where;
    const damage = { file, position, offset, problem };
    this.damages.push(damage);
    this.onDamage(damage);
  }
}

/** A damage as one sentence: file, byte, offset, what is wrong. */
export function describeDamage({ file, position, offset, problem }: LogDamage): string {
  const byte = position === null ? "" : ` at byte ${grouped(position)}`;
  const place = offset === null ? "" : ` (offset ${grouped(offset)})`;
  return `${file}${byte}${place}: ${problem}`;
}
