/**
 * Recognizes peers that speak another protocol than Kafka's. Their first four bytes would be the
 * length of a frame: `GET ` is 1,195,725,856, a TLS handshake is 369,295,616 and a little more.
 *
 * @module
 */

/** A protocol that is not Kafka's. */
export type ForeignProtocol = "TLS" | "HTTP" | "SSH" | "PROXY";

/** How a peer opened a connection in a protocol that is not Kafka's. */
export interface ForeignOpening {
  readonly protocol: ForeignProtocol;
  /** What the peer sent, as the object of a sentence: `a TLS handshake`. */
  readonly sent: string;
}

const TLS_ALERT = 0x15;
const TLS_HANDSHAKE = 0x16;
/** From SSL 3.0, as 0, to TLS 1.3, as 4. */
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
 * Returns what a peer sent whose first four bytes are the big-endian integer `prefix`, or null when
 * they are of no protocol known here. The answer is a guess anywhere but at a connection's beginning.
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

/** The first four characters of `text`, which are ASCII, as an integer. */
function prefixOf(text: string): number {
  let prefix = 0;
  for (let i = 0; i < 4; i++) prefix = prefix << 8 | text.charCodeAt(i);
  return prefix;
}
