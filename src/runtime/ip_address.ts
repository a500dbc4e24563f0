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
