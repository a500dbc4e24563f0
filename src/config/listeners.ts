/**
 * The syntax of `listeners` and `advertised.listeners`: `NAME://host:port`, separated by commas.
 *
 * @module
 */
import { splitList } from "./definition.ts";

/** One listener. */
export interface ListenerAddress {
  /** Its name, in upper case. `listener.security.protocol.map` gives its security protocol. */
  readonly name: string;
  /** "" means every address of the machine. An IPv6 address has no brackets. */
  readonly host: string;
  /** 0 selects any free port. */
  readonly port: number;
}

/** The hosts that mean every address of a machine. A client cannot connect to them. */
export const WILDCARD_HOSTS: readonly string[] = ["", "0.0.0.0", "::"];
/** The hosts that only programs on the same machine can connect to. */
export const LOOPBACK_HOST = /^(localhost|127(\.\d{1,3}){3}|::1)$/i;

/** Parses a listener. Returns null if `text` is not of the form `NAME://host:port`. */
export function parseListener(text: string): ListenerAddress | null {
  const match =
    /^([A-Za-z0-9._-]+):\/\/(?:\[([0-9A-Fa-f:.]+(?:%[\w.-]+)?)\]|([^:/\s[\]]*)):(\d{1,5})$/
      .exec(text.trim());
  if (match === null || Number(match[4]) > 65_535) return null;
  return {
    name: match[1]!.toUpperCase(),
    host: match[2] ?? match[3]!,
    port: Number(match[4]),
  };
}

/** Parses a text that {@linkcode rejectListeners} accepts. */
export function parseListeners(text: string): ListenerAddress[] {
  return splitList(text).map((one) => parseListener(one)!);
}

/** Returns the text of a listener, as Kafka writes it. */
export function formatListener({ name, host, port }: ListenerAddress): string {
  return `${name}://${host.includes(":") ? `[${host}]` : host}:${port}`;
}

/** Returns whether the host means every address of the machine. */
export function isWildcard({ host }: ListenerAddress): boolean {
  return WILDCARD_HOSTS.includes(host);
}

/**
 * Returns a notice about those of `listeners` that other machines can reach, or null if there is none:
 * every listener is PLAINTEXT, without encryption and authentication.
 */
export function noticeOfExposedListeners(listeners: readonly ListenerAddress[]): string | null {
  const exposed = listeners.filter(({ host }) => !LOOPBACK_HOST.test(host)).map(formatListener);
  if (exposed.length === 0) return null;
  return `Other machines can reach ${exposed.join(", ")} without encryption or authentication: ` +
    "restrict access with a firewall, or listen on 127.0.0.1";
}

/** Returns why `text` is not a valid `listeners`, or null. */
export function rejectListeners(text: string): string | null {
  return rejectForm(text) ?? rejectRepeatedPorts(parseListeners(text));
}

/** Returns why `text` is not a valid `advertised.listeners`, or null. */
export function rejectAdvertisedListeners(text: string): string | null {
  const reason = rejectForm(text);
  if (reason !== null) return reason;
  return parseListeners(text).some(isWildcard)
    ? "clients cannot connect to that address, name a host that they can reach"
    : null;
}

function rejectForm(text: string): string | null {
  const parts = splitList(text);
  if (parts.length === 0) return "write it as PLAINTEXT://host:port";
  const names = new Set<string>();
  for (const part of parts) {
    const listener = parseListener(part);
    if (listener === null) return `"${part}" is not a listener, write it as PLAINTEXT://host:port`;
    if (names.has(listener.name)) {
      return `each listener needs its own name, ${listener.name} occurs twice`;
    }
    names.add(listener.name);
  }
  return null;
}

/** As in Kafka, two listeners may share a port if one is IPv4 and the other IPv6. */
function rejectRepeatedPorts(listeners: readonly ListenerAddress[]): string | null {
  for (const port of new Set(listeners.map((listener) => listener.port))) {
    const together = listeners.filter((listener) => listener.port === port);
    if (port === 0 || together.length === 1) continue;
    const families = together.map(({ host }) => addressFamily(host));
    if (together.length === 2 && families.includes(4) && families.includes(6)) continue;
    return `each listener needs its own port, ${port} occurs ${together.length} times`;
  }
  return null;
}

/** Returns 4 or 6 for an IP address, null for a name. */
function addressFamily(host: string): 4 | 6 | null {
  return host.includes(":") ? 6 : /^\d+\.\d+\.\d+\.\d+$/.test(host) ? 4 : null;
}
