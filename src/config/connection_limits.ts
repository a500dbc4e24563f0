/**
 * `max.connections.per.ip.overrides`: connection limits of single addresses.
 *
 * @module
 */
import { MAX_INT, splitList } from "./definition.ts";

/** Parses the limits in `text`, by address. */
export function parseConnectionLimits(text: string): Map<string, number> {
  return new Map(
    splitList(text).map((entry) => {
      const at = entry.lastIndexOf(":");
      return [addressIn(entry.slice(0, at)), Number(entry.slice(at + 1))];
    }),
  );
}

/** Returns why `text` is not a valid `max.connections.per.ip.overrides`, or null. */
export function rejectConnectionLimits(text: string): string | null {
  const seen = new Set<string>();
  for (const entry of splitList(text)) {
    const [, written, limit] = /^(.+):(\d{1,10})$/.exec(entry) ?? [];
    const address = written === undefined ? null : addressIn(written);
    if (address === null || !isAddress(address) || Number(limit) > MAX_INT) {
      return `"${entry}" is not a valid limit, write it as address:number, such as 10.0.0.1:50`;
    }
    if (seen.has(address)) return `${address} occurs twice`;
    seen.add(address);
  }
  return null;
}

/** Returns the address without the optional brackets of IPv6. */
function addressIn(written: string): string {
  return written.replace(/^\[(.*)\]$/, "$1").toLowerCase();
}

function isAddress(text: string): boolean {
  return /^\d{1,3}(\.\d{1,3}){3}$/.test(text) || text.includes(":") && /^[0-9a-f:.]+$/.test(text);
}
