/**
 * One request that both brokers get, and what of the answers must agree.
 *
 * @module
 */
import type { Api } from "../../../src/protocol/api.ts";
import type { Int64 } from "../../../src/protocol/int64.ts";
import { EXTREME, type Peer } from "./peer.ts";

/** A request to compare. */
export interface Case {
  readonly name: string;
  /** Sends it and returns what came back. */
  run(peer: Peer): Promise<unknown>;
  /** Fields that need not agree, by their names, beside those that never have to. */
  readonly ignored?: readonly string[];
  /** Why we answer otherwise than Kafka. The answers must differ then. */
  readonly difference?: string;
}

type Options = Pick<Case, "ignored" | "difference">;

/** A request of `api` in `version`; the body may depend on the broker's topic ids. */
export function ask<QO, QI, RO, RI>(
  name: string,
  api: Api<QO, QI, RO, RI>,
  version: number,
  body: QI | ((peer: Peer) => QI),
  options: Options = {},
): Case {
  return {
    name: `${api.name} ${version}, ${name}`,
    run: (peer) =>
      peer.ask(
        api,
        version,
        typeof body === "function" ? (body as (peer: Peer) => QI)(peer) : body,
      ),
    ...options,
  };
}

/** As {@linkcode ask}, with a value anywhere in 64 bits: `body` is given what stands for it. */
export function askExtreme<QO, QI, RO, RI>(
  name: string,
  api: Api<QO, QI, RO, RI>,
  version: number,
  value: Int64,
  body: (value: number) => QI,
  options: Options = {},
): Case {
  return {
    name: `${api.name} ${version}, ${name}`,
    run: (peer) => peer.ask(api, version, body(EXTREME), BigInt(value)),
    ...options,
  };
}

/** A request of `api` whose bytes are changed before they are sent. */
export function askBytes<QO, QI, RO, RI>(
  name: string,
  api: Api<QO, QI, RO, RI>,
  version: number,
  body: QI,
  change: (frame: Uint8Array) => Uint8Array,
  options: Options = {},
): Case {
  return {
    name: `${api.name} ${version}, ${name}`,
    run: async (peer) => await peer.sendFrame(change(await peer.frame(api, version, body))),
    ...options,
  };
}
