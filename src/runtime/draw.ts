/**
 * Fair draws from a source of 32-bit numbers, for the host's chance and the simulator's alike.
 *
 * @module
 */

/**
 * A number from 0 up to `bound` (1 to 2^32), each equally likely, from a source of 32-bit numbers:
 * the few that would favour low results are drawn again.
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
