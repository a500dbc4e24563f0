/**
 * The requests and responses of all connections of a simulation, for its transcript.
 *
 * @module
 */
import { SUPPORTED } from "../../../src/broker/supported.ts";
import { apiTable } from "../../../src/protocol/header.ts";
import type { Address } from "../../../src/runtime/runtime.ts";
import type { FrameObserver } from "../../../src/simulator/simulated_connection.ts";
import { ConnectionTranscript } from "./connection_transcript.ts";
import type { TopicNames } from "./message_text.ts";

const APIS = apiTable(SUPPORTED.map(({ api }) => api));

/** Decodes what arrives and calls `note` with a line for each message. */
export class NetworkTranscript implements FrameObserver {
  /** By the address of the client and that of the node. */
  readonly #connections = new Map<string, ConnectionTranscript>();

  readonly #topics: TopicNames = new Map();

  constructor(private readonly note: (line: string) => void) {}

  /** As {@linkcode FrameObserver.received}. */
  received(from: Address, to: Address, isRequest: boolean, bytes: Uint8Array): void {
    const name = isRequest ? `${textOf(from)} ${textOf(to)}` : `${textOf(to)} ${textOf(from)}`;
    let connection = this.#connections.get(name);
    if (connection === undefined) {
      connection = new ConnectionTranscript(APIS, this.#topics);
      this.#connections.set(name, connection);
    }
    const lines = isRequest ? connection.request(bytes) : connection.response(bytes);
    for (const line of lines) this.note(`  ${textOf(from)} > ${textOf(to)} ${line}`);
  }
}

function textOf({ host, port }: Address): string {
  return `${host}:${port}`;
}
