/**
 * Copies bytes within and between arrays: the inner loop of every codec here. Runs are short, about
 * ten bytes, and a call into the engine costs as much as thirty single bytes. Short runs are
 * therefore copied in steps of sixteen bytes through a DataView, which V8 compiles to plain loads
 * and stores (twice as fast as single bytes).
 *
 * @module
 */

const SHORT = 64;
const STEP = 16;

/**
 * Spare bytes an array needs after its last byte so that short runs can always be copied in whole
 * steps.
 */
export const COPY_SLACK: number = STEP;

/** An array and a DataView of the same bytes. */
export interface ViewedBytes {
  readonly bytes: Uint8Array;
  readonly view: DataView;
}

/** Returns `bytes` with a view of them. */
export function viewed(bytes: Uint8Array): ViewedBytes {
  return { bytes, view: new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength) };
}

/**
 * Copies `length` bytes from `source` at `from` to `target` at `to`; both ranges must exist. May
 * overwrite up to 15 bytes after the target range, so write from front to back.
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
 * Repeats the bytes `distance` (1 to `to`) before `to` for `length` bytes, as in dictionary codecs:
 * a match may overlap itself and then repeats with period `distance`. May overwrite up to 15 bytes
 * after the range.
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
    // Each four bytes are read after the previous four were written, so any distance from 4 on
    // works.
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
  // Each copy doubles the available length of the repeated period.
  while (to < end) {
    const step = Math.min(to - from, end - to);
    bytes.copyWithin(to, from, from + step);
    to += step;
  }
}
