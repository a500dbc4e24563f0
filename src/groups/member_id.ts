/**
 * Generates member ids.
 *
 * @module
 */
import type { RandomSource } from "../runtime/runtime.ts";

/** Returns a unique id: `prefix` (a client id or group instance id), a dash and a UUID. */
export function freshMemberId(prefix: string, random: RandomSource): string {
  const bytes = random.fill(new Uint8Array(16));
  bytes[6] = bytes[6]! & 0x0f | 0x40;
  bytes[8] = bytes[8]! & 0x3f | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  const uuid = [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20)].join("-");
  return `${prefix}-${uuid}-${hex.slice(20)}`;
}
