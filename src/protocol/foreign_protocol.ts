/**
 * Recognizes peers that do not speak Kafka's protocol. Their first four bytes would be read as a
 * frame length: `GET ` is 1,195,725,856, a TLS handshake is slightly over 369,295,616.
 *
 * @module
 */

/** A protocol other than Kafka's. */
export type ForeignProtocol = "TLS" | "HTTP" | "SSH" | "PROXY";

/** The beginning of a connection in a protocol other than Kafka's. */
export interface ForeignOpening {
  readonly protocol: ForeignProtocol;
  /** What the peer sent, as a noun phrase: `a TLS handshake`. */
  readonly sent: string;
}

const TLS_ALERT = 0x15;
const TLS_HANDSHAKE = 0x16;
/** The minor version of TLS 1.3. SSL 3.0 has minor version 0. */
const NEWEST_TLS_MINOR_VERSION = 4;
/** The first four bytes of the signature of PROXY protocol version 2. */
const PROXY_2_SIGNATURE = 0x0d0a0d0a;

const HTTP_METHODS = [
  "GET",
  "HEAD",
  "POST",
  "PUT",
  "DELETE",
  "CONNECT",
  "OPTIONS",
  "TRACE",
  "PATCH",
];

const OPENINGS: ReadonlyMap<number, ForeignOpening> = new Map<number, ForeignOpening>([
  ...HTTP_METHODS.map((method) =>
    [prefixOf(`${method} `), { protocol: "HTTP", sent: `an HTTP ${method} request` }] as const
  ),
  [prefixOf("PRI "), { protocol: "HTTP", sent: "an HTTP/2 connection preface" }],
  [prefixOf("HTTP"), { protocol: "HTTP", sent: "an HTTP response" }],
  [prefixOf("SSH-"), { protocol: "SSH", sent: "an SSH version string" }],
  [prefixOf("PROXY"), { protocol: "PROXY", sent: "a PROXY protocol header" }],
  [PROXY_2_SIGNATURE, { protocol: "PROXY", sent: "a PROXY protocol header" }],
]);

/**
 * Returns what a peer sent if the big-endian integer `prefix` is the first four bytes of a known
 * protocol, or null. Reliable only for the first bytes of a connection.
 */
export function recognizeForeignOpening(prefix: number): ForeignOpening | null {
  const type = prefix >>> 24;
  const major = prefix >>> 16 & 0xff;
  const minor = prefix >>> 8 & 0xff;
  if (major === 3 && minor <= NEWEST_TLS_MINOR_VERSION) {
    if (type === TLS_HANDSHAKE) return { protocol: "TLS", sent: "a TLS handshake" };
    if (type === TLS_ALERT) return { protocol: "TLS", sent: "a TLS alert" };
  }
  return OPENINGS.get(prefix) ?? null;
}

/** Returns the first four characters of `text`, which must be ASCII, as an integer. */
function prefixOf(text: string): number {
  let prefix = 0;
  for (let i = 0; i < 4; i++) prefix = prefix << 8 | text.charCodeAt(i);
  return prefix;
}
