/**
 * An answer that another node has encoded for the same client: it is sent as it is. Decoding and encoding
 * again the configs of a thousand new topics would hold the event loop for longer than making the topics.
 *
 * @module
 */

/** Stands for an answer, as what a handler returns. */
export class EncodedAnswer {
  /** The answer without its header, in the version of the request. */
  readonly body: Uint8Array;
  readonly #decode: () => unknown;

  /** `decode` returns the answer that `body` contains. */
  constructor(body: Uint8Array, decode: () => unknown) {
    this.body = body;
    this.#decode = decode;
  }

  /** Returns the answer, decoded. */
  decode(): unknown {
    return this.#decode();
  }
}

/** Returns `answer`, decoded if it is encoded. */
export function decoded(answer: unknown): unknown {
  return answer instanceof EncodedAnswer ? answer.decode() : answer;
}
