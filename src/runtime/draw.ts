/**
 * Uniform random numbers from a source of 32-bit numbers, for the host's source and the simulator's.
 *
 * @module
 */

/**
 * Returns a uniformly distributed number from 0 up to, but not including, `bound` (1 to 2^32). Numbers of
 * the source that would favour low results are drawn again.
 */
export function drawBelow(bound: number, nextUint32: () => number): number {
  if (!Number.isInteger(bound) || bound < 1 || bound > 2 ** 32) {
    throw new RangeError(`Cannot draw below ${bound}: the bound is a whole number from 1 to 2^32`);
  }
  const fair = 2 ** 32 - 2 ** 32 % bound;
  let drawn = nextUint32();
  while (drawn >= fair) drawn = nextUint32();
  return drawn % bound;
}
