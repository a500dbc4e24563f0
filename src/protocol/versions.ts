/**
 * Version ranges in the notation of Kafka's schemas.
 *
 * @module
 */

/** The first and last version of a range. `last` is Infinity for an open range. */
export interface Versions {
  readonly first: number;
  readonly last: number;
}

/** Parses `"3"`, `"0-12"`, `"9+"` or `"none"` (the empty range). */
export function parseVersions(text: string): Versions {
  if (text === "none") return { first: Infinity, last: -Infinity };
  const match = /^(\d+)(?:(\+)|-(\d+))?$/.exec(text);
  if (match === null) {
    throw new TypeError(`"${text}" is not a version range: use "3", "0-12", "9+" or "none"`);
  }
  const first = Number(match[1]);
  return { first, last: match[2] ? Infinity : match[3] ? Number(match[3]) : first };
}

/** Returns whether `range` includes `version`. */
export function includes(range: string | Versions, version: number): boolean {
  const { first, last } = typeof range === "string" ? parseVersions(range) : range;
  return version >= first && version <= last;
}
