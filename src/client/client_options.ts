/**
 * What a producer, a consumer and an admin client are told alike.
 *
 * @module
 */
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
  /** How often a failed request is sent again before its error is given up to the caller: 10 unless told. */
  readonly retries?: number;
  /** The wait before the first retry, ms: 100 unless told. Each further one doubles it. */
  readonly retryBackoffMs?: number;
  /** The longest wait between retries, ms: 1,000 unless told. */
  readonly retryBackoffMaxMs?: number;
  /** How old knowledge of the cluster may be, ms: 300,000 unless told. */
  readonly metadataMaxAgeMs?: number;
  /** The largest answer that is taken, bytes: 128 MiB unless told. */
  readonly maxResponseBytes?: number;
  /** What the host gives: that of this process unless told. */
  readonly runtime?: Runtime;
}

/** The options with their defaults filled in. */
export interface ClientSettings {
  readonly bootstrap: readonly Address[];
  readonly clientId: string;
  readonly requestTimeoutMs: number;
  readonly connectTimeoutMs: number;
  readonly retries: number;
  readonly retryBackoffMs: number;
  readonly retryBackoffMaxMs: number;
  readonly metadataMaxAgeMs: number;
  readonly maxResponseBytes: number;
}

/** Checks `options` and fills in what they leave out. Throws a TypeError that names the option. */
export function clientSettings(options: ClientOptions): ClientSettings {
  return {
    bootstrap: parseBootstrapServers(options.bootstrapServers),
    clientId: options.clientId ?? "millrace",
    requestTimeoutMs: positive("requestTimeoutMs", options.requestTimeoutMs, 30_000),
    connectTimeoutMs: positive("connectTimeoutMs", options.connectTimeoutMs, 10_000),
    retries: wholeNumber("retries", options.retries, 10),
    retryBackoffMs: positive("retryBackoffMs", options.retryBackoffMs, 100),
    retryBackoffMaxMs: positive("retryBackoffMaxMs", options.retryBackoffMaxMs, 1_000),
    metadataMaxAgeMs: positive("metadataMaxAgeMs", options.metadataMaxAgeMs, 300_000),
    maxResponseBytes: positive("maxResponseBytes", options.maxResponseBytes, 134_217_728),
  };
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
    `"${name}" cannot be ${value}: it takes a whole number from ${least} to 2,147,483,647`,
  );
}

/**
 * The addresses in `"host:port,host:port"` or a list of them. An IPv6 address stands in brackets:
 * `"[::1]:9092"`. Throws a TypeError that quotes what it cannot read.
 */
export function parseBootstrapServers(servers: string | readonly string[]): Address[] {
  const texts = typeof servers === "string" ? servers.split(",") : servers;
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
