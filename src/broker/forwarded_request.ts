/**
 * The form of a client's request and its answer inside an Envelope.
 *
 * @module
 */
import type { Clock } from "../runtime/runtime.ts";
import { ANY_ADDRESS, ipAddressBytes } from "../runtime/ip_address.ts";
import type { RequestOrigin } from "../controller/requests/local_controller.ts";
import { EncodedAnswer } from "../network/server/encoded_answer.ts";
import { encodeInChunks, sourceOf } from "../network/server/large_answers.ts";
import type { RequestContext } from "../network/server/handler.ts";
import { runInTurns } from "../network/server/turns.ts";
import type { AnyApi } from "../protocol/api.ts";
import { ErrorCode, KafkaError } from "../protocol/errors.ts";
import { readResponseHeader, writeRequestHeader } from "../protocol/header.ts";
import { ByteReader, ByteWriter, ProtocolError } from "../protocol/wire.ts";

/** The client's side of a request to be forwarded. */
export type ForwardedContext = RequestOrigin & Pick<RequestContext<unknown>, "apiVersion">;

/** The number of the only request inside an Envelope. */
const CORRELATION_ID = 0;

/** A client's request that may be sent several times. */
export class ForwardedRequest {
  readonly #api: AnyApi;
  readonly #request: unknown;
  readonly #context: ForwardedContext;
  #bytes: Uint8Array | null = null;

  /** `request` is decoded in the version of `context`. Its views must stay valid. */
  constructor(api: AnyApi, request: unknown, context: ForwardedContext) {
    this.#api = api;
    this.#request = request;
    this.#context = context;
  }

  /**
   * Returns the request with its header, in the client's version. Other connections are served while a large
   * one is encoded.
   */
  async bytes(clock: Clock): Promise<Uint8Array> {
    return this.#bytes ??= await this.#encode(clock);
  }

  /** The client's IP address. All zeros if the transport has no IP addresses. */
  get clientHostAddress(): Uint8Array {
    return ipAddressBytes(this.#context.connection.remoteAddress.host) ?? ANY_ADDRESS;
  }

  /**
   * Returns the answer that follows its header in `bytes`. Throws UNKNOWN_SERVER_ERROR for bytes that do not
   * answer the request, now or when the answer is decoded.
   */
  answerIn(bytes: Uint8Array): EncodedAnswer {
    const { apiVersion } = this.#context;
    const reader = new ByteReader(bytes);
    const body = this.#decode(() => {
      const correlationId = readResponseHeader(reader, this.#api, apiVersion);
      if (correlationId !== CORRELATION_ID) {
        throw new ProtocolError(`it answers request ${correlationId}`);
      }
      return bytes.subarray(reader.offset);
    });
    const decode = () => this.#api.responseCodec(apiVersion).read(new ByteReader(body));
    return new EncodedAnswer(body, () => this.#decode(decode));
  }

  #decode<T>(decode: () => T): T {
    try {
      return decode();
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      throw new KafkaError(
        ErrorCode.UNKNOWN_SERVER_ERROR,
        `Cannot decode the controller's answer to ${this.#api.name}: ${error.message}`,
      );
    }
  }

  async #encode(clock: Clock): Promise<Uint8Array> {
    const { apiVersion, clientId } = this.#context;
    const codec = this.#api.requestCodec(apiVersion);
    const writeHeader = (writer: ByteWriter) =>
      writeRequestHeader(writer, this.#api, apiVersion, CORRELATION_ID, clientId);
    if (codec.inSteps === undefined) {
      const writer = new ByteWriter();
      writeHeader(writer);
      codec.write(writer, this.#request as never);
      return writer.toBytes();
    }
    const steps = encodeInChunks(codec.inSteps, this.#request as never, writeHeader);
    const source = sourceOf(await runInTurns(steps, clock));
    const bytes = new Uint8Array(source.byteLength);
    source.copyTo(bytes, 0);
    return bytes;
  }
}
