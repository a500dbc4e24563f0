/**
 * The findings of a verification, and how much was checked.
 *
 * @module
 */
import { grouped } from "../protocol/records/record_error.ts";

/** A damage. */
export interface LogDamage {
  /** The file. */
  readonly file: string;
  /** Position in the file, bytes, or null if the damage has no single position. */
  readonly position: number | null;
  /** The affected offset of the partition, or null. */
  readonly offset: number | null;
  /** What is wrong, and its remedy or consequence. */
  readonly problem: string;
}

/** The result of a verification. */
export interface VerifySummary {
  /** Number of partitions checked. */
  readonly partitions: number;
  /** Number of segments checked. */
  readonly segments: number;
  /** Number of batches whose checksum was computed. */
  readonly batches: number;
  /** Bytes of segments read. */
  readonly bytes: number;
  /** All damages, in the order in which they were found. */
  readonly damages: readonly LogDamage[];
}

/** Collects damages. */
export class Findings implements VerifySummary {
  partitions = 0;
  segments = 0;
  batches = 0;
  bytes = 0;
  readonly damages: LogDamage[] = [];

  /** Calls `onDamage` for each damage as it is found. */
  constructor(readonly onDamage: (damage: LogDamage) => void) {}

  /** Adds a damage. */
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

/** Describes a damage in one sentence: file, byte, offset, problem. */
export function describeDamage({ file, position, offset, problem }: LogDamage): string {
  const byte = position === null ? "" : ` at byte ${grouped(position)}`;
  const place = offset === null ? "" : ` (offset ${grouped(offset)})`;
  return `${file}${byte}${place}: ${problem}`;
}
