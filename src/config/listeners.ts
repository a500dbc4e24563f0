/**
 * `listeners` and `advertised.listeners`: `PLAINTEXT://host:port`.
 *
 * @module
 */

/** One listener. */
export interface ListenerAddress {
  /** Its name, which is also its security protocol. */
  readonly name: string;
  /** "" listens on every address of the machine. An IPv6 address is without its brackets. */
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
}

/** The listener that `text` names, or null when it is not of the form `NAME://host:port`. */
export function parseListener(text: string): ListenerAddress | null {
  const match = /^([A-Za-z0-9_]+):\/\/(?:\[([0-9A-Fa-f:.%]+)\]|([^:/\s[\]]*)):(\d{1,5})$/
    .exec(text.trim());
  if (match === null || Number(match[4]) > 65_535) return null;
  return {
    name: match[1]!.toUpperCase(),
    host: match[2] ?? match[3]!,
    port: Number(match[4]),
  };
}

/** The text of a listener, as Kafka writes it. */
export function formatListener({ name, host, port }: ListenerAddress): string {
  return `${name}://${host.includes(":") ? `[${host}]` : host}:${port}`;
}

/** Why `text` cannot be `listeners`, or null. One plain-text listener is what there is today. */
export function refuseListeners(text: string): string | null {
  const parts = text.split(",");
  if (parts.length > 1) return "one listener is what this version has";
  const listener = parseListener(parts[0]!);
  if (listener === null) return "write it as PLAINTEXT://host:port";
  if (listener.name !== "PLAINTEXT") {
    return `this version has PLAINTEXT only, no TLS or SASL yet`;
  }
  return null;
}

/** Why `text` cannot be `advertised.listeners`, or null. */
export function refuseAdvertisedListeners(text: string): string | null {
  const reason = refuseListeners(text);
  if (reason !== null) return reason;
  const { host } = parseListener(text)!;
  if (host === "" || host === "0.0.0.0" || host === "::") {
    return "clients cannot connect to that address, name a host they can reach";
  }
  return null;
}
