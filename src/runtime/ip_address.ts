/**
 * The textual forms of IP addresses.
 *
 * @module
 */

/**
 * Returns `host`, or the IPv4 address of an IPv4-mapped IPv6 address (RFC 4291, section 2.5.5.2):
 * `::ffff:10.0.0.1` is `10.0.0.1`. A socket that listens on `::` reports such addresses for connections
 * over IPv4; clients and readers of the log expect the IPv4 form.
 */
export function unmappedHost(host: string): string {
  const [, dotted, high, low] =
    /^::ffff:(?:(\d+\.\d+\.\d+\.\d+)|([0-9a-f]{1,4}):([0-9a-f]{1,4}))$/i.exec(host) ?? [];
  if (dotted !== undefined) return dotted;
  if (high === undefined || low === undefined) return host;
  const [first, second] = [parseInt(high, 16), parseInt(low, 16)];
  return `${first >> 8}.${first & 255}.${second >> 8}.${second & 255}`;
}

/** Returns `host:port`, with an IPv6 address in brackets. */
export function hostAndPort(host: string, port: number): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

/** The bytes of 0.0.0.0. */
export const ANY_ADDRESS: Uint8Array = new Uint8Array(4);

/**
 * Returns the 4 or 16 bytes of an IP address, or null if `host` is none. The zone of an IPv6 address is
 * ignored.
 */
export function ipAddressBytes(host: string): Uint8Array | null {
  if (!host.includes(":")) return ipv4Bytes(host);
  let text = host.replace(/%.*$/, "");
  const dotted = /[^:]*\.[^:]*$/.exec(text)?.[0];
  if (dotted !== undefined) {
    const last = ipv4Bytes(dotted);
    if (last === null) return null;
    const groups = [last[0]! << 8 | last[1]!, last[2]! << 8 | last[3]!];
    text = text.slice(0, -dotted.length) + groups.map((group) => group.toString(16)).join(":");
  }
  const parts = text.split("::").map((part) => part === "" ? [] : part.split(":"));
  const [before, after] = parts as [string[], string[]?];
  const given = before.length + (after?.length ?? 0);
  const isComplete = after === undefined ? given === 8 : given < 8;
  if (parts.length > 2 || !isComplete) return null;
  const groups = [...before, ...Array<string>(8 - given).fill("0"), ...after ?? []];
  if (!groups.every((group) => /^[0-9a-f]{1,4}$/i.test(group))) return null;
  return Uint8Array.from(groups.flatMap((group) => {
    const value = parseInt(group, 16);
    return [value >> 8, value & 255];
  }));
}

/** Returns the text of an IP address of 4 or 16 bytes, or null for another number of bytes. */
export function ipAddressText(bytes: Uint8Array): string | null {
  if (bytes.length === 4) return bytes.join(".");
  if (bytes.length !== 16) return null;
  const groups = Array.from(
    { length: 8 },
    (_, i) => (bytes[2 * i]! << 8 | bytes[2 * i + 1]!).toString(16),
  );
  return unmappedHost(shortened(groups));
}

/** Joins the groups, with `::` for the longest run of at least two zeros (RFC 5952). */
function shortened(groups: readonly string[]): string {
  let [start, length] = [0, 0];
  for (let from = 0; from < groups.length; from++) {
    let to = from;
    while (groups[to] === "0") to++;
    if (to - from > length) [start, length] = [from, to - from];
  }
  if (length < 2) return groups.join(":");
  return `${groups.slice(0, start).join(":")}::${groups.slice(start + length).join(":")}`;
}

function ipv4Bytes(text: string): Uint8Array | null {
  if (!/^\d{1,3}(?:\.\d{1,3}){3}$/.test(text)) return null;
  const parts = text.split(".").map(Number);
  return parts.every((part) => part <= 255) ? Uint8Array.from(parts) : null;
}
