/**
 * Control records, written by the cluster itself between the records of clients. The key holds the
 * type; the values of KRaft's own types (2 to 6) are messages with their own schemas.
 *
 * @module
 */

import { RecordError } from "./record_error.ts";

/**
 * The type of a control record. Types added by newer Kafka versions are `unknown` and must be
 * skipped.
 */
export type ControlRecordType =
  | "abort"
  | "commit"
  | "leader-change"
  | "snapshot-header"
  | "snapshot-footer"
  | "kraft-version"
  | "kraft-voters"
  | "unknown";

const TYPES: readonly ControlRecordType[] = [
  "abort",
  "commit",
  "leader-change",
  "snapshot-header",
  "snapshot-footer",
  "kraft-version",
  "kraft-voters",
];

const KEY_LENGTH = 4;
const MARKER_LENGTH = 6;

/** Encodes the key of a control record of `type`: int16 version 0, int16 type. */
export function encodeControlRecordKey(
  type: Exclude<ControlRecordType, "unknown">,
): Uint8Array<ArrayBuffer> {
  return Uint8Array.of(0, 0, 0, TYPES.indexOf(type));
}

/**
 * Returns the type in a control record's key. Newer versions of the key may be longer. Throws
 * `invalid` for a key that is null, shorter than four bytes or of a negative version.
 */
export function decodeControlRecordKey(key: Uint8Array | null): ControlRecordType {
  const view = viewOf(key, KEY_LENGTH, "key");
  return TYPES[view.getInt16(2)] ?? "unknown";
}

/** Encodes the value of an `abort` or `commit` marker: int16 version 0, int32 coordinator epoch. */
export function encodeEndTransactionMarker(coordinatorEpoch: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(MARKER_LENGTH);
  new DataView(bytes.buffer).setInt32(2, coordinatorEpoch);
  return bytes;
}

/**
 * Returns the coordinator epoch in the value of an `abort` or `commit` marker. Throws `invalid`.
 */
export function decodeEndTransactionMarker(value: Uint8Array | null): number {
  return viewOf(value, MARKER_LENGTH, "end transaction marker").getInt32(2);
}

function viewOf(bytes: Uint8Array | null, minimum: number, what: string): DataView {
  if (bytes === null || bytes.length < minimum) {
    throw new RecordError(
      `Cannot read a control record's ${what}: ${
        bytes?.length ?? 0
      } bytes, at least ${minimum} are needed`,
      "invalid",
    );
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const version = view.getInt16(0);
  if (version < 0) {
    throw new RecordError(
      `Cannot read a control record's ${what}: its version is ${version}`,
      "invalid",
    );
  }
  return view;
}
