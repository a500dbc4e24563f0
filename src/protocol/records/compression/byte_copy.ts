/**
 * Copying within and between arrays, the heart of every decompressor here. Short runs go byte by
 * byte: a call into the engine costs as much as some thirty bytes.
 *
 * @module
 */

const SHORT = 32;

/** Copies `length` bytes from `source` at `from` to `target` at `to`; both ranges must exist. */
export function copyBytes(
  source: Uint8Array,
  from: number,
  target: Uint8Array,
  to: number,
  length: number,
): void {
  if (length > SHORT) {
    target.set(source.subarray(from, from + length), to);
    return;
  }
  for (let index = 0; index < length; index++) target[to + index] = source[from + index]!;
}

/**
 * Repeats what lies `distance` (at least 1, at most `to`) bytes before `to` for `length` bytes, as
 * dictionary codecs do: a match may overlap itself and then repeats with the period `distance`.
 */
export function copyMatch(
  bytes: Uint8Array,
  to: number,
  distance: number,
  length: number,
): void {
  let from = to - distance;
  if (length <= SHORT) {
    for (const end = to + length; to < end;) bytes[to++] = bytes[from++]!;
    return;
  }
  // Each copy doubles the period's length that lies there to copy from.
  const end = to + length;
  while (to < end) {
    const step = Math.min(to - from, end - to);
    bytes.copyWithin(to, from, from + step);
    to += step;
  }
}
