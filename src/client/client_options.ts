/**
 * The options common to producers, consumers and admin clients.
 *
 * @module
 */
import { nearestName } from "../nearest_name.ts";
import type { Address, Runtime } from "../runtime/runtime.ts";

/** Options of the connection to a cluster. */
export interface ClientOptions {
  /**
   * Addresses of one or more brokers: `"host:port"`, several separated by commas, or a list. One
   * reachable broker is sufficient to discover the others.
   */
  readonly bootstrapServers: string | readonly string[];
  /** The client name in the logs of brokers. Defaults to `"millrace"`. */
  readonly clientId?: string;
  /** Timeout of a request in ms. Defaults to 30,000. */
  readonly requestTimeoutMs?: number;
  /** Timeout of a connection attempt in ms. Defaults to 10,000. */
  readonly connectTimeoutMs?: number;
  /**
   * Maximum number of retries of a failed request. Defaults to 10; for the records of a producer,
   * to as many as fit into `deliveryTimeoutMs`.
   */
  readonly retries?: number;
  /** Delay before the first retry in ms, doubled for each further retry. Defaults to 100. */
  readonly retryBackoffMs?: number;
  /** Maximum delay between retries in ms. Defaults to 1,000. */
  readonly retryBackoffMaxMs?: number;
  /**
   * Delay before reconnecting to a broker after a failed attempt, in ms, doubled for each further
   * failure. Defaults to 50.
   */
  readonly reconnectBackoffMs?: number;
  /** Maximum delay between connection attempts in ms. Defaults to 1,000. */
  readonly reconnectBackoffMaxMs?: number;
  /** Maximum age of cluster metadata in ms. Defaults to 300,000. */
  readonly metadataMaxAgeMs?: number;
  /** Maximum size of a response in bytes. Defaults to 128 MiB. */
  readonly maxResponseBytes?: number;
  /** The host interface. Defaults to that of this process. */
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

/** The validated options with defaults. */
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

/** Validates `options` and applies defaults. Throws a TypeError that names an invalid option. */
export function clientSettings(options: ClientOptions): ClientSettings {
  const retryBackoffMs = positive("retryBackoffMs", options.retryBackoffMs, 100);
  const retryBackoffMaxMs = positive("retryBackoffMaxMs", options.retryBackoffMaxMs, 1_000);
  requireAtMost("retryBackoffMs", retryBackoffMs, "retryBackoffMaxMs", retryBackoffMaxMs);
  const reconnectBackoffMs = positive("reconnectBackoffMs", options.reconnectBackoffMs, 50);
  const reconnectBackoffMaxMs = positive(
    "reconnectBackoffMaxMs",
    options.reconnectBackoffMaxMs,
    1_000,
  );
  requireAtMost(
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
 * Throws a TypeError for an option that is neither a common option nor among `own`, to detect
 * misspelt names in JavaScript. `client` is the name of the class.
 */
export function checkOptionNames(
  client: string,
  options: ClientOptions,
  own: Readonly<Record<string, true>> = {},
): void {
  checkNames(client, options, { ...NAMES, ...own });
}

/**
 * Throws a TypeError for a property of `options` that is not among `known`. `what` describes the
 * object.
 */
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

/** Returns `value`, undefined if absent. Throws a TypeError unless it is a non-empty string. */
export function text(name: string, value: string | undefined): string | undefined {
  if (value === undefined || typeof value === "string" && value !== "") return value;
  throw new TypeError(`"${name}" cannot be ${formatValue(value)}: expected a non-empty string`);
}

/** Returns `value`, or `fallback` if absent. Throws a TypeError unless it is one of `words`. */
export function oneOf<const W extends string | number | boolean>(
  name: string,
  value: W | undefined,
  fallback: NoInfer<W>,
  words: readonly W[],
): W {
  if (value === undefined) return fallback;
  if (words.includes(value)) return value;
  const listed = words.map((word) => JSON.stringify(word)).join(", ");
  throw new TypeError(`"${name}" cannot be ${formatValue(value)}: expected ${listed}`);
}

/** Throws a TypeError if the option `lower` is greater than the option `upper`. */
export function requireAtMost(lower: string, value: number, upper: string, limit: number): void {
  if (value <= limit) return;
  throw new TypeError(
    `"${lower}" cannot be ${value}: it must not exceed "${upper}", which is ${limit}`,
  );
}

/**
 * Returns `value`, or `fallback` if absent. Throws a TypeError unless it is an integer of at least
 * 1.
 */
export function positive(name: string, value: number | undefined, fallback: number): number {
  return atLeast(name, value, fallback, 1);
}

/**
 * Returns `value`, or `fallback` if absent. Throws a TypeError unless it is an integer of at least
 * 0.
 */
export function wholeNumber(name: string, value: number | undefined, fallback: number): number {
  return atLeast(name, value, fallback, 0);
}

function atLeast(name: string, value: number | undefined, fallback: number, min: number): number {
  if (value === undefined) return fallback;
  if (Number.isInteger(value) && value >= min && value <= 2_147_483_647) return value;
  throw new TypeError(
    `"${name}" cannot be ${formatValue(value)}: expected an integer from ${min} to 2,147,483,647`,
  );
}

/**
 * Parses addresses in a list or in the form `"host:port,host:port"`. IPv6 addresses are in
 * brackets: `"[::1]:9092"`. Throws a TypeError that quotes an invalid address.
 */
export function parseBootstrapServers(servers: string | readonly string[]): Address[] {
  const texts = typeof servers === "string" ? servers.split(",") : servers;
  if (!Array.isArray(texts) || !texts.every((one) => typeof one === "string")) {
    throw new TypeError(
      `"bootstrapServers" must be a string or a list of strings, such as "127.0.0.1:9092"`,
    );
  }
  const addresses = texts.map((text) => text.trim()).filter((text) => text !== "").map(
    parseAddress,
  );
  if (addresses.length === 0) {
    throw new TypeError(
      `"bootstrapServers" is empty: give the address of a broker, such as "127.0.0.1:9092"`,
    );
  }
  return addresses;
}

function parseAddress(text: string): Address {
  const match = /^(?:\[([^\]]+)\]|([^:\s]+)):(\d{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  if (match === null || port < 1 || port > 65_535) {
    throw new TypeError(`"${text}" is not the address of a broker: use the form "127.0.0.1:9092"`);
  }
  return { host: (match[1] ?? match[2])!, port };
}

/** Formats a value for a message. */
export function formatValue(value: unknown): string {
  return typeof value === "string" || typeof value === "object" && value !== null
    ? JSON.stringify(value, (_, part) => typeof part === "bigint" ? String(part) : part)
    : String(value);
}
