/**
 * One request sent to both brokers, and the parts of the responses that must be equal.
 *
 * @module
 */
import type { Api } from "../../../src/protocol/api.ts";
import type { Int64 } from "../../../src/protocol/int64.ts";
import { EXTREME, type Peer } from "./peer.ts";

/** A request to compare. */
export interface Case {
  readonly name: string;
  /** Sends the request and returns the response. */
  run(peer: Peer): Promise<unknown>;
  /** Names of fields that may differ, in addition to those that always may. */
  readonly ignored?: readonly string[];
  /** Why Millrace responds differently than Kafka. The responses must then differ. */
  readonly difference?: string;
}

type Options = Pick<Case, "ignored" | "difference">;

/** Returns a request of `api` in `version`. The body may depend on the broker's topic ids. */
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

/** Like {@linkcode ask}, with any 64-bit value: `body` receives its placeholder. */
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

/** Returns a request of `api` whose bytes are changed before it is sent. */
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
