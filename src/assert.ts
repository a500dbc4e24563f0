/**
 * Assertions that are always on: what must hold for the data to stay whole. A failed one stops the
 * node rather than damages a log.
 *
 * @module
 */

/** Something that cannot happen has happened: a defect of ours, not bad input. */
export class AssertionFailure extends Error {
  override readonly name = "AssertionFailure";
}

/** Throws {@linkcode AssertionFailure} unless `condition` holds. */
export function assert(condition: boolean, message: string): asserts condition {
  if (!condition) throw new AssertionFailure(message);
}
