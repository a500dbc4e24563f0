/**
 * Asks a handler as a client does, without a socket: through a dispatcher, with the request and the answer
 * encoded and decoded in their version.
 *
 * @module
 */
import type { FillAnswer, LargeAnswer } from "../../../src/network/server/answer_queue.ts";
import { Dispatcher } from "../../../src/network/server/dispatch.ts";
import type { ConnectionInfo, Handler } from "../../../src/network/server/handler.ts";
import type { Interceptor } from "../../../src/network/server/interceptor.ts";
import type { Logger } from "../../../src/logger.ts";
import type { Api } from "../../../src/protocol/api.ts";
import { readResponseHeader, writeRequestHeader } from "../../../src/protocol/header.ts";
import { atOnce } from "../../../src/protocol/records/compression/steps.ts";
import { ByteReader, ByteWriter } from "../../../src/protocol/wire.ts";

const LENGTH_BYTES = 4;

/** The connection of requests by {@linkcode askHandler}. */
export const CONNECTION: ConnectionInfo = {
  id: 1,
  listener: "PLAINTEXT",
  localAddress: { host: "127.0.0.1", port: 9092 },
  remoteAddress: { host: "10.0.0.9", port: 50_000 },
  clientSoftwareName: "",
  clientSoftwareVersion: "",
};

/** The options of {@linkcode askHandler}. */
export interface Asked<Needs> {
  readonly services: Needs;
  readonly interceptors?: readonly Interceptor<Needs>[];
  /** Receives what the dispatcher logs. Defaults to an error that fails the test. */
  readonly logger?: Logger;
}

const failingLogger: Logger = {
  log: (_level, message) => {
    throw new Error(message);
  },
};

/** Returns the answer of `handler`. Rejects with an error that would close the connection. */
export function askHandler<Needs, QO, QI, RO, RI>(
  handler: Handler<Needs>,
  api: Api<QO, QI, RO, RI>,
  apiVersion: number,
  request: QI,
  asked: Asked<Needs>,
): Promise<RO> {
  return new Promise((resolve, reject) => {
    startHandler(handler, api, apiVersion, request, {
      ...asked,
      onAnswer: (answer) =>
        answer === null ? reject(new Error("The request was not answered")) : resolve(answer),
      onFatal: reject,
    });
  });
}

/** Like {@linkcode askHandler}, with the answer given to `onAnswer` in the turn in which it is complete. */
export function startHandler<Needs, QO, QI, RO, RI>(
  handler: Handler<Needs>,
  api: Api<QO, QI, RO, RI>,
  apiVersion: number,
  request: QI,
  { services, interceptors = [], logger = failingLogger, onAnswer, onFatal }: Asked<Needs> & {
    readonly onAnswer: (answer: RO | null) => void;
    readonly onFatal: (error: unknown) => void;
  },
): void {
  const frame = new ByteWriter();
  writeRequestHeader(frame, api, apiVersion, 1, "client");
  api.requestCodec(apiVersion).write(frame, request);
  const complete = (prepared: FillAnswer | LargeAnswer | null) => {
    if (prepared === null) return onAnswer(null);
    const fill = typeof prepared === "function" ? prepared : atOnce(prepared.encode());
    const answer = new ByteWriter();
    fill(answer);
    const reader = new ByteReader(answer.toBytes().subarray(LENGTH_BYTES));
    readResponseHeader(reader, api, apiVersion);
    onAnswer(api.responseCodec(apiVersion).read(reader));
  };
  const dispatcher = new Dispatcher({ handlers: [handler], services, logger, interceptors });
  dispatcher.start(frame.toBytes(), CONNECTION, () => ({ complete }), onFatal);
}
