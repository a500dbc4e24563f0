/**
 * UUIDs as Apache Kafka prints them: 16 bytes as 22 characters of URL-safe base64 without padding.
 * Map keys, logs and wire values all use this form.
 *
 * @module
 */
import { asciiText } from "./interner.ts";
import { ProtocolError } from "./protocol_error.ts";

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const CODES = Uint8Array.from(ALPHABET, (character) => character.charCodeAt(0));
const VALUE_OF = new Int8Array(128).fill(-1);
for (let i = 0; i < 64; i++) VALUE_OF[ALPHABET.charCodeAt(i)] = i;

/** The UUID of sixteen zero bytes, which means "none" in Kafka's protocol. */
export const ZERO_UUID = "AAAAAAAAAAAAAAAAAAAAAA";

/** Directory id of a replica whose broker has not chosen a log directory yet (KIP-858). */
export const UNASSIGNED_DIRECTORY = "AAAAAAAAAAAAAAAAAAAAAQ";

/** The directory id that Apache Kafka reserves for "the directory of this replica is out of service". */
export const LOST_DIRECTORY = "AAAAAAAAAAAAAAAAAAAAAg";

/** The topic id of `__cluster_metadata` (KIP-595). */
export const METADATA_TOPIC_ID = "AAAAAAAAAAAAAAAAAAAAAQ";

const text = new Uint8Array(22);

/** Returns the text of the 16 bytes at `offset`. */
export function formatUuid(bytes: Uint8Array, offset = 0): string {
  let at = 0;
  for (let i = 0; i < 15; i += 3) {
    const group = bytes[offset + i]! << 16 | bytes[offset + i + 1]! << 8 | bytes[offset + i + 2]!;
    text[at++] = CODES[group >> 18]!;
    text[at++] = CODES[group >> 12 & 63]!;
    text[at++] = CODES[group >> 6 & 63]!;
    text[at++] = CODES[group & 63]!;
  }
  const last = bytes[offset + 15]!;
  text[at++] = CODES[last >> 2]!;
  text[at] = CODES[(last & 3) << 4]!;
  return asciiText(text);
}

/**
 * Writes the 16 bytes of `text` at `offset`. Throws {@linkcode ProtocolError} if it is not a UUID.
 */
export function parseUuid(text: string, target: Uint8Array, offset = 0): void {
  if (text.length !== 22) throw invalid(text);
  let bits = 0;
  let count = 0;
  let position = offset;
  for (let i = 0; i < 22; i++) {
    const code = text.charCodeAt(i);
    const value = code < 128 ? VALUE_OF[code]! : -1;
    if (value < 0) throw invalid(text);
    bits = bits << 6 | value;
    count += 6;
    if (count >= 8) {
      count -= 8;
      target[position++] = bits >> count & 255;
    }
  }
  if ((bits & 15) !== 0) throw invalid(text);
}

/** Returns whether `text` is a UUID in this form. */
export function isUuid(text: string): boolean {
  try {
    parseUuid(text, new Uint8Array(16));
    return true;
  } catch {
    return false;
  }
}

/**
 * Generates a random UUID (version 4). Like Kafka, never returns a reserved UUID or one whose text
 * begins with a dash, which a command line would take for an option.
 */
export function randomUuid(random: { fill(target: Uint8Array): Uint8Array }): string {
  const bytes = new Uint8Array(16);
  for (;;) {
    random.fill(bytes);
    bytes[6] = bytes[6]! & 0x0f | 0x40;
    bytes[8] = bytes[8]! & 0x3f | 0x80;
    const text = formatUuid(bytes);
    if (!text.startsWith("-")) return text;
  }
}

function invalid(text: string): ProtocolError {
  return new ProtocolError(`"${text}" is not a UUID: expected 22 characters of URL-safe base64`);
}
