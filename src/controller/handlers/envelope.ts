/**
 * Envelope carries a client's request, which a broker forwards to the active controller (KIP-590): the
 * bytes of the request with its header, the client's principal and its address. The answer has the bytes
 * of the client's answer with its header, or an error about the envelope:
 *
 * - NOT_CONTROLLER: the broker looks for the active controller and sends the request again;
 * - UNSUPPORTED_VERSION: the request cannot be decoded, so the broker closes the client's connection, and
 *   the client asks for the supported versions again;
 * - INVALID_REQUEST: the request may not be forwarded, such as another Envelope, or the address is none;
 * - PRINCIPAL_DESERIALIZATION_FAILURE: the principal cannot be decoded.
 *
 * Serves version 0, which is flexible.
 *
 * @module
 */
import { MAX_REQUEST_WORK } from "../../limits.ts";
import { type ConnectionInfo, defineHandler, type Handler } from "../../network/server/handler.ts";
import { encodeInChunks, isLargeAnswer, sourceOf } from "../../network/server/large_answers.ts";
import { runInTurns, serveOthers } from "../../network/server/turns.ts";
import type { AnyApi } from "../../protocol/api.ts";
import { ErrorCode, KafkaError } from "../../protocol/errors.ts";
import {
  readRequestHeader,
  type RequestHeader,
  writeResponseHeader,
} from "../../protocol/header.ts";
import { envelope } from "../../protocol/messages/envelope.ts";
import { decodePrincipal } from "../../protocol/principal.ts";
import type { RecordsSource } from "../../protocol/records_source.ts";
import { ByteReader, ByteWriter, ProtocolError } from "../../protocol/wire.ts";
import type { Clock } from "../../runtime/runtime.ts";
import { ipAddressText } from "../../runtime/ip_address.ts";
import { isForwardable } from "../requests/forwardable.ts";
import type { EnvelopeController } from "../requests/local_controller.ts";

interface Needs {
  /** Decides the requests inside. */
  readonly localController: EnvelopeController;
  readonly clock: Clock;
}

/** A request inside an Envelope. */
interface Forwarded extends RequestHeader {
  readonly api: AnyApi;
  readonly request: unknown;
}

/** Serves Envelope. */
export const envelopeHandler: Handler<Needs> = defineHandler(envelope, {
  async handle(
    { requestData, requestPrincipal, clientHostAddress },
    { connection, services: { localController, clock } },
  ) {
    checkPrincipal(requestPrincipal);
    const host = hostOf(clientHostAddress);
    const requestBytes = requestData.length;
    // The views of the request are valid in this turn only, in which its handler starts.
    const forwarded = decode(requestData, localController);
    const origin = { clientId: forwarded.clientId, connection: clientConnection(connection, host) };
    const answer = await answerTo(forwarded, localController, origin);
    const responseData = await encode(forwarded, answer, requestBytes, clock);
    return { responseData, errorCode: ErrorCode.NONE };
  },
  onError: (_request, errorCode) => ({ responseData: null, errorCode }),
});

function decode(bytes: Uint8Array, { apis }: EnvelopeController): Forwarded {
  try {
    const reader = new ByteReader(bytes);
    reader.work = MAX_REQUEST_WORK;
    const header = readRequestHeader(reader, apis);
    const { api, apiKey, apiVersion } = header;
    if (!isForwardable(apiKey)) {
      throw new KafkaError(
        ErrorCode.INVALID_REQUEST,
        `Cannot decide the request in an Envelope: requests with API key ${apiKey} are not forwarded`,
      );
    }
    if (api === undefined || apiVersion < api.minVersion || apiVersion > api.maxVersion) {
      throw new ProtocolError(`API key ${apiKey} version ${apiVersion} is not served here`);
    }
    return { ...header, api, request: api.requestCodec(apiVersion).read(reader) };
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    throw new KafkaError(
      ErrorCode.UNSUPPORTED_VERSION,
      `Cannot decode the request in an Envelope: ${error.message}`,
    );
  }
}

/** Encodes the client's answer. Other connections are served while a large one is encoded. */
async function encode(
  { api, apiVersion, correlationId }: Forwarded,
  answer: unknown,
  requestBytes: number,
  clock: Clock,
): Promise<Uint8Array | RecordsSource> {
  const codec = api.responseCodec(apiVersion);
  const { inSteps } = codec;
  const writeHeader = (writer: ByteWriter) =>
    writeResponseHeader(writer, api, apiVersion, correlationId);
  if (inSteps === undefined || !isLargeAnswer(inSteps.count(answer as never), requestBytes)) {
    const writer = new ByteWriter();
    writeHeader(writer);
    codec.write(writer, answer as never);
    return writer.toBytes();
  }
  await serveOthers(clock);
  return sourceOf(
    await runInTurns(encodeInChunks(inSteps, answer as never, writeHeader), clock),
  );
}

/** Returns the client's answer. Rejects with a `KafkaError` NOT_CONTROLLER, which is the broker's. */
async function answerTo(
  { api, apiVersion, request }: Forwarded,
  localController: EnvelopeController,
  origin: Parameters<EnvelopeController["handle"]>[3],
): Promise<unknown> {
  try {
    return await localController.handle(api, apiVersion, request, origin);
  } catch (error) {
    if (!(error instanceof KafkaError) || error.code === ErrorCode.NOT_CONTROLLER) throw error;
    return localController.onError(api, apiVersion, request, error);
  }
}

/** Throws for a principal that cannot be decoded. Nothing is decided by principals yet. */
function checkPrincipal(bytes: Uint8Array | null): void {
  try {
    if (bytes !== null) decodePrincipal(bytes);
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    throw new KafkaError(
      ErrorCode.PRINCIPAL_DESERIALIZATION_FAILURE,
      `Cannot decode the principal in an Envelope: ${error.message}`,
    );
  }
}

function hostOf(address: Uint8Array): string {
  const host = ipAddressText(address);
  if (host !== null) return host;
  throw new KafkaError(
    ErrorCode.INVALID_REQUEST,
    `Cannot read the client's address in an Envelope: it has ${address.length} bytes, not 4 or 16`,
  );
}

/** The client's connection as far as the broker describes it. */
function clientConnection(connection: ConnectionInfo, host: string): ConnectionInfo {
  return { ...connection, remoteAddress: { host, port: 0 } };
}
