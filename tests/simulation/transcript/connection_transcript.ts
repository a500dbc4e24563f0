/**
 * The requests and responses on one connection in words, from the bytes of both directions. Bytes that
 * cannot be decoded are reported and end the decoding of their direction; nothing is thrown.
 *
 * @module
 */
import type { AnyApi } from "../../../src/protocol/api.ts";
import {
  type ApiTable,
  peekCorrelationId,
  readRequestHeader,
  readResponseHeader,
} from "../../../src/protocol/header.ts";
import { ByteReader } from "../../../src/protocol/wire.ts";
import { Frames } from "./frames.ts";
import { describeRequest, describeResponse, learnTopics, type TopicNames } from "./message_text.ts";

interface Asked {
  readonly api: AnyApi;
  readonly version: number;
}

/** Decodes one connection. */
export class ConnectionTranscript {
  readonly #requests = new Frames();
  readonly #responses = new Frames();
  /** The requests that were not answered yet, by correlation id. */
  readonly #asked = new Map<number, Asked>();

  /** `topics` is filled from responses, and may be shared by several connections. */
  constructor(private readonly apis: ApiTable, private readonly topics: TopicNames = new Map()) {}

  /** Adds bytes from the client and returns a line for each request that they complete. */
  request(bytes: Uint8Array): string[] {
    return lines(this.#requests, bytes, (frame) => this.#describeRequest(frame));
  }

  /** Adds bytes from the node and returns a line for each response that they complete. */
  response(bytes: Uint8Array): string[] {
    return lines(this.#responses, bytes, (frame) => this.#describeResponse(frame));
  }

  #describeRequest(frame: Uint8Array): string {
    const reader = new ByteReader(frame);
    const { api, apiKey, apiVersion, correlationId, clientId } = readRequestHeader(
      reader,
      this.apis,
    );
    const client = clientId === null ? "" : ` by ${clientId}`;
    if (api === undefined) return `API ${apiKey} v${apiVersion} #${correlationId}${client}`;
    this.#asked.set(correlationId, { api, version: apiVersion });
    const title = `${api.name} v${apiVersion} #${correlationId}${client}`;
    if (apiVersion < api.minVersion || apiVersion > api.maxVersion) {
      return `${title}, a version that is not supported`;
    }
    return joined(title, describeRequest(api.requestCodec(apiVersion).read(reader), this.topics));
  }

  #describeResponse(frame: Uint8Array): string {
    const correlationId = peekCorrelationId(new ByteReader(frame));
    const asked = this.#asked.get(correlationId);
    if (asked === undefined) return `a response to #${correlationId}, which was not asked`;
    this.#asked.delete(correlationId);
    const { api, version } = asked;
    const response = decodeResponse(frame, api, version);
    learnTopics(response, this.topics);
    return joined(
      `${api.name} v${version} #${correlationId} response`,
      describeResponse(response, this.topics),
    );
  }
}

/** Decodes a response. A version that is not supported is answered in version 0. */
function decodeResponse(frame: Uint8Array, api: AnyApi, version: number): unknown {
  const isSupported = version >= api.minVersion && version <= api.maxVersion;
  const answered = isSupported ? version : api.minVersion;
  const reader = new ByteReader(frame);
  readResponseHeader(reader, api, answered);
  return api.responseCodec(answered).read(reader);
}

function joined(title: string, text: string): string {
  return text === "" ? title : `${title}: ${text}`;
}

function lines(
  frames: Frames,
  bytes: Uint8Array,
  describe: (frame: Uint8Array) => string,
): string[] {
  const wasLost = frames.isLost;
  const found = frames.add(bytes).map((frame) => {
    try {
      return describe(frame);
    } catch (error) {
      return `${frame.length} bytes that cannot be decoded: ${(error as Error).message}`;
    }
  });
  if (frames.isLost && !wasLost) found.push("bytes that are no frame");
  return found;
}
