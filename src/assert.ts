/**
 * Assertions that are always enabled. They guard the invariants of stored data: a failed assertion
 * stops the node instead of damaging a log.
 *
 * @module
 */

/** A violated invariant: a bug in this package, not invalid input. */
export class AssertionFailure extends Error {
  override readonly name = "AssertionFailure";
}

/** Throws {@linkcode AssertionFailure} if `condition` is false. */
export function assert(condition: boolean, message: string): asserts condition {
  if (!condition) throw new AssertionFailure(message);
}
