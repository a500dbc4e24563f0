/**
 * Copying within and between arrays, the heart of every codec here. Runs are short, some ten bytes:
 * a call into the engine costs as much as thirty bytes one by one, so short runs are copied in
 * steps of sixteen bytes through a DataView, which V8 compiles to plain loads and stores (twice as fast as
 * single bytes).
 *
 * @module
 */

const SHORT = 64;
const STEP = 16;

/** How much room behind the last byte an array needs so that every short run may go in whole steps. */
export const COPY_SLACK: number = STEP;

/** An array and a DataView of the same bytes. */
export interface ViewedBytes {
  readonly bytes: Uint8Array;
  readonly view: DataView;
}

/** `bytes` with a view of them. */
export function viewed(bytes: Uint8Array): ViewedBytes {
  return { bytes, view: new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength) };
}

/**
 * Copies `length` bytes from `source` at `from` to `target` at `to`; both ranges must exist. Up to
 * 15 bytes behind the target's range may be overwritten: write from front to back.
 */
export function copyBytes(
  source: ViewedBytes,
  from: number,
  target: ViewedBytes,
  to: number,
  length: number,
): void {
  const end = to + length;
  if (length > SHORT) {
    target.bytes.set(source.bytes.subarray(from, from + length), to);
  } else if (
    from + length + STEP <= source.bytes.length && end + STEP <= target.bytes.length
  ) {
    const input = source.view;
    const output = target.view;
    for (; to < end; to += STEP, from += STEP) {
      output.setInt32(to, input.getInt32(from, true), true);
      output.setInt32(to + 4, input.getInt32(from + 4, true), true);
      output.setInt32(to + 8, input.getInt32(from + 8, true), true);
      output.setInt32(to + 12, input.getInt32(from + 12, true), true);
    }
  } else {
    while (to < end) target.bytes[to++] = source.bytes[from++]!;
  }
}

/**
 * Repeats what lies `distance` (at least 1, at most `to`) bytes before `to` for `length` bytes, as
 * dictionary codecs do: a match may overlap itself and then repeats with the period `distance`. Up
 * to 15 bytes behind the range may be overwritten.
 */
export function copyMatch(
  target: ViewedBytes,
  to: number,
  distance: number,
  length: number,
): void {
  const bytes = target.bytes;
  const end = to + length;
  let from = to - distance;
  if (length <= SHORT) {
    // Four bytes are read after the four before them were written: any distance from 4 on is right.
    if (distance >= 4 && end + STEP <= bytes.length) {
      const view = target.view;
      for (; to < end; to += STEP, from += STEP) {
        view.setInt32(to, view.getInt32(from, true), true);
        view.setInt32(to + 4, view.getInt32(from + 4, true), true);
        view.setInt32(to + 8, view.getInt32(from + 8, true), true);
        view.setInt32(to + 12, view.getInt32(from + 12, true), true);
      }
    } else {
      while (to < end) bytes[to++] = bytes[from++]!;
    }
    return;
  }
  // Each copy doubles the period's length that lies there to copy from.
  while (to < end) {
    const step = Math.min(to - from, end - to);
    bytes.copyWithin(to, from, from + step);
    to += step;
  }
}
