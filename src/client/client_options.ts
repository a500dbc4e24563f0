/**
 * What a producer, a consumer and an admin client are told alike.
 *
 * @module
 */
import { nearestName } from "../nearest_name.ts";
import type { Address, Runtime } from "../runtime/runtime.ts";

/** How a client finds and talks to its cluster. */
export interface ClientOptions {
  /**
   * Where to begin: `"host:port"`, several separated by commas, or a list. One that answers is
   * enough; the others of the cluster are found through it.
   */
  readonly bootstrapServers: string | readonly string[];
  /** The name that brokers see in their logs: `"millrace"` unless told. */
  readonly clientId?: string;
  /** How long to wait for an answer, ms: 30,000 unless told. */
  readonly requestTimeoutMs?: number;
  /** How long to wait for a connection, ms: 10,000 unless told. */
  readonly connectTimeoutMs?: number;
  /**
   * How often a failed request is sent again before the caller gets its error. Defaults to 10, for the
   * records of a producer to as often as `deliveryTimeoutMs` allows.
   */
  readonly retries?: number;
  /** The wait before the first retry, ms: 100 unless told. Each further one doubles it. */
  readonly retryBackoffMs?: number;
  /** The longest wait between retries, ms: 1,000 unless told. */
  readonly retryBackoffMaxMs?: number;
  /**
   * The wait before a broker is connected to again after a failed attempt, ms. Each further failure
   * doubles it. Defaults to 50.
   */
  readonly reconnectBackoffMs?: number;
  /** The longest wait between attempts to connect, ms. Defaults to 1,000. */
  readonly reconnectBackoffMaxMs?: number;
  /** How old knowledge of the cluster may be, ms: 300,000 unless told. */
  readonly metadataMaxAgeMs?: number;
  /** The largest answer that is taken, bytes: 128 MiB unless told. */
  readonly maxResponseBytes?: number;
  /** What the host gives: that of this process unless told. */
  readonly runtime?: Runtime;
}

/** The names of {@linkcode ClientOptions}. */
const NAMES: Readonly<Record<keyof ClientOptions, true>> = {
  bootstrapServers: true,
  clientId: true,
  requestTimeoutMs: true,
  connectTimeoutMs: true,
  retries: true,
  retryBackoffMs: true,
  retryBackoffMaxMs: true,
  reconnectBackoffMs: true,
  reconnectBackoffMaxMs: true,
  metadataMaxAgeMs: true,
  maxResponseBytes: true,
  runtime: true,
};

/** The options with their defaults filled in. */
export interface ClientSettings {
  readonly bootstrap: readonly Address[];
  readonly clientId: string;
  readonly requestTimeoutMs: number;
  readonly connectTimeoutMs: number;
  readonly retries: number;
  readonly retryBackoffMs: number;
  readonly retryBackoffMaxMs: number;
  readonly reconnectBackoffMs: number;
  readonly reconnectBackoffMaxMs: number;
  readonly metadataMaxAgeMs: number;
  readonly maxResponseBytes: number;
}

/** Checks `options` and fills in what they leave out. Throws a TypeError that names the option. */
export function clientSettings(options: ClientOptions): ClientSettings {
  const retryBackoffMs = positive("retryBackoffMs", options.retryBackoffMs, 100);
  const retryBackoffMaxMs = positive("retryBackoffMaxMs", options.retryBackoffMaxMs, 1_000);
  notAbove("retryBackoffMs", retryBackoffMs, "retryBackoffMaxMs", retryBackoffMaxMs);
  const reconnectBackoffMs = positive("reconnectBackoffMs", options.reconnectBackoffMs, 50);
  const reconnectBackoffMaxMs = positive(
    "reconnectBackoffMaxMs",
    options.reconnectBackoffMaxMs,
    1_000,
  );
  notAbove(
    "reconnectBackoffMs",
    reconnectBackoffMs,
    "reconnectBackoffMaxMs",
    reconnectBackoffMaxMs,
  );
  return {
    bootstrap: parseBootstrapServers(options.bootstrapServers),
    clientId: text("clientId", options.clientId) ?? "millrace",
    requestTimeoutMs: positive("requestTimeoutMs", options.requestTimeoutMs, 30_000),
    connectTimeoutMs: positive("connectTimeoutMs", options.connectTimeoutMs, 10_000),
    retries: wholeNumber("retries", options.retries, 10),
    retryBackoffMs,
    retryBackoffMaxMs,
    reconnectBackoffMs,
    reconnectBackoffMaxMs,
    metadataMaxAgeMs: positive("metadataMaxAgeMs", options.metadataMaxAgeMs, 300_000),
    maxResponseBytes: positive("maxResponseBytes", options.maxResponseBytes, 134_217_728),
  };
}

/**
 * Throws a TypeError for an option that is neither one of all clients' nor among `own`: JavaScript has
 * no types that would find a misspelt one. `client` is the name of its class.
 */
export function checkOptionNames(
  client: string,
  options: ClientOptions,
  own: Readonly<Record<string, true>> = {},
): void {
  checkNames(client, options, { ...NAMES, ...own });
}

/** Throws a TypeError for a property of `options` that is not among `known`. `what` names them. */
export function checkNames(
  what: string,
  options: object,
  known: Readonly<Record<string, true>>,
): void {
  const unknown = Object.keys(options).find((name) => !Object.hasOwn(known, name));
  if (unknown === undefined) return;
  const nearest = nearestName(unknown, Object.keys(known));
  throw new TypeError(
    `${what} has no option "${unknown}"${nearest === null ? "" : `, did you mean "${nearest}"?`}`,
  );
}

/** `value`, which is undefined when it is absent. Throws a TypeError unless it is a text with content. */
export function text(name: string, value: string | undefined): string | undefined {
  if (value === undefined || typeof value === "string" && value !== "") return value;
  throw new TypeError(`"${name}" cannot be ${shown(value)}: it takes a text`);
}

/** `value`, or `fallback` when it is absent. Throws a TypeError unless it is one of `words`. */
export function oneOf<const W extends string | number | boolean>(
  name: string,
  value: W | undefined,
  fallback: NoInfer<W>,
  words: readonly W[],
): W {
  if (value === undefined) return fallback;
  if (words.includes(value)) return value;
  const listed = words.map((word) => JSON.stringify(word)).join(", ");
  throw new TypeError(`"${name}" cannot be ${shown(value)}: it takes ${listed}`);
}

/** Throws a TypeError when the option `lower` is above the option `upper`. */
export function notAbove(lower: string, least: number, upper: string, most: number): void {
  if (least <= most) return;
  throw new TypeError(`"${lower}" cannot be ${least}: it must not be above "${upper}", ${most}`);
}

/** `value`, or `fallback` when it is absent. Throws a TypeError unless it is whole and 1 or more. */
export function positive(name: string, value: number | undefined, fallback: number): number {
  return atLeast(name, value, fallback, 1);
}

/** `value`, or `fallback` when it is absent. Throws a TypeError unless it is whole and 0 or more. */
export function wholeNumber(name: string, value: number | undefined, fallback: number): number {
  return atLeast(name, value, fallback, 0);
}

function atLeast(name: string, value: number | undefined, fallback: number, least: number): number {
  if (value === undefined) return fallback;
  if (Number.isInteger(value) && value >= least && value <= 2_147_483_647) return value;
  throw new TypeError(
    `"${name}" cannot be ${shown(value)}: it takes a whole number from ${least} to 2,147,483,647`,
  );
}

/**
 * The addresses in `"host:port,host:port"` or a list of them. An IPv6 address stands in brackets:
 * `"[::1]:9092"`. Throws a TypeError that quotes what it cannot read.
 */
export function parseBootstrapServers(servers: string | readonly string[]): Address[] {
  const texts = typeof servers === "string" ? servers.split(",") : servers;
  if (!Array.isArray(texts) || !texts.every((one) => typeof one === "string")) {
    throw new TypeError(`"bootstrapServers" takes a text or a list of them: "127.0.0.1:9092"`);
  }
  const addresses = texts.map((text) => text.trim()).filter((text) => text !== "").map(
    parseAddress,
  );
  if (addresses.length === 0) {
    throw new TypeError(`"bootstrapServers" is empty: name a broker, as "127.0.0.1:9092"`);
  }
  return addresses;
}

function parseAddress(text: string): Address {
  const match = /^(?:\[([^\]]+)\]|([^:\s]+)):(\d{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  if (match === null || port < 1 || port > 65_535) {
    throw new TypeError(`"${text}" is no address of a broker: write it as "127.0.0.1:9092"`);
  }
  return { host: (match[1] ?? match[2])!, port };
}

/** A value in a message. */
export function shown(value: unknown): string {
  return typeof value === "string" || typeof value === "object" && value !== null
    ? JSON.stringify(value, (_, part) => typeof part === "bigint" ? String(part) : part)
    : String(value);
}
