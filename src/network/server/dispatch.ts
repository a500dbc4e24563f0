/**
 * From a frame to its handler and back: reads the header, selects the handler and the version, decodes the
 * request, starts the handler, and encodes its answer. A listener serves exactly the handlers given here.
 *
 * @module
 */
import { assert } from "../../assert.ts";
import { MAX_REQUEST_WORK } from "../../limits.ts";
import type { Logger } from "../../logger.ts";
import type { AnyApi, ApiSummary } from "../../protocol/api.ts";
import { ErrorCode, KafkaError } from "../../protocol/errors.ts";
import { startFrame } from "../../protocol/frame.ts";
import {
  type ApiTable,
  apiTable,
  readRequestHeader,
  type RequestHeader,
  writeResponseHeader,
} from "../../protocol/header.ts";
import { apiVersions } from "../../protocol/messages/api_versions.ts";
import { ByteReader, type ByteWriter, ProtocolError } from "../../protocol/wire.ts";
import type { AnswerSlot, FillAnswer, LargeAnswer } from "./answer_queue.ts";
import { EncodedAnswer } from "./encoded_answer.ts";
import {
  CloseConnection,
  type ConnectionInfo,
  type Handler,
  type HandlerOnDemand,
  type RequestContext,
} from "./handler.ts";
import { encodeInChunks, isLargeAnswer, sourceOf } from "./large_answers.ts";
import { intercept, type Interceptor } from "./interceptor.ts";

/** Encoded answers up to this size are copied. */
const SMALL_BODY_BYTES = 65_536;

/** Counts the calls of {@linkcode RequestContext.retain} that are in force for one request. */
class Retention {
  readonly ended: Promise<void>;
  #end!: () => void;
  #calls = 0;
  hasEnded = false;

  constructor() {
    this.ended = new Promise((resolve) => this.#end = resolve);
  }

  add(): () => void {
    this.#calls++;
    let isOver = false;
    return () => {
      if (isOver) return;
      isOver = true;
      if (--this.#calls === 0) this.end();
    };
  }

  /** Ends all that is in force. */
  readonly end = (): void => {
    this.hasEnded = true;
    this.#end();
  };
}

/** The context of one request. */
class Context<Needs> implements RequestContext<Needs> {
  /** Null until the first call of {@linkcode Context.retain}. */
  retention: Retention | null = null;
  /** Whether the handler has returned from its start. */
  hasStarted = false;

  constructor(
    readonly apiVersion: number,
    readonly clientId: string | null,
    readonly connection: ConnectionInfo,
    readonly services: Needs,
    readonly servedApis: readonly ApiSummary[],
  ) {}

  retain(): () => void {
    assert(
      this.retention === null ? !this.hasStarted : !this.retention.hasEnded,
      "retain() was called after the start of a request",
    );
    this.retention ??= new Retention();
    return this.retention.add();
  }
}

/** How a {@linkcode Dispatcher} works. */
export interface DispatcherOptions<Needs> {
  readonly handlers: readonly (Handler<Needs> | HandlerOnDemand<Needs>)[];
  /** The dependencies of the handlers. */
  readonly services: Needs;
  readonly logger: Logger;
  /** Called before the handlers, in this order. Defaults to none. */
  readonly interceptors?: readonly Interceptor<Needs>[];
}

/** Starts requests. `Needs` are the dependencies of all handlers together. */
export class Dispatcher<Needs> {
  readonly #services: Needs;
  readonly #logger: Logger;
  readonly #interceptors: readonly Interceptor<Needs>[];
  /** By API key. */
  readonly #handlers: (Handler<Needs> | undefined)[] = [];
  /** By API key: those that have not been loaded. */
  readonly #onDemand = new Map<number, HandlerOnDemand<Needs>>();
  readonly #apis: ApiTable<ApiSummary>;
  readonly #served: readonly ApiSummary[];

  constructor({ handlers, services, logger, interceptors = [] }: DispatcherOptions<Needs>) {
    this.#services = services;
    this.#logger = logger;
    this.#interceptors = interceptors;
    for (const handler of handlers) {
      if ("load" in handler) this.#onDemand.set(handler.api.key, handler);
      else this.#add(handler);
    }
    this.#served = handlers.map(({ api }) => api);
    this.#apis = apiTable(this.#served);
  }

  /**
   * Starts the request in `frame`, a view that may be overwritten after the call. The answer goes to the
   * slot that `openSlot` returns. Throws {@linkcode ProtocolError} or
   * {@linkcode CloseConnection} when the connection must end, and calls `onFatal` with the error when that
   * turns out later. Returns null, or a promise: until it resolves `frame` must not change and no other
   * request of the connection may be started ({@linkcode RequestContext.retain}). It never rejects.
   */
  start(
    frame: Uint8Array,
    connection: ConnectionInfo,
    openSlot: () => AnswerSlot,
    onFatal: (error: unknown) => void,
  ): Promise<void> | null {
    const reader = new ByteReader(frame);
    reader.work = MAX_REQUEST_WORK;
    const header = readRequestHeader(reader, this.#apis);
    const { api, apiKey, apiVersion, correlationId } = header;
    if (api === undefined) throw new ProtocolError(`Request ${apiKey} is not served here`);
    if (apiVersion < api.minVersion || apiVersion > api.maxVersion) {
      if (apiKey === apiVersions.key) {
        openSlot().complete(unsupportedApiVersions(correlationId));
        return null;
      }
      throw new ProtocolError(
        `${api.name} version ${apiVersion} is not served here, ${api.minVersion} to ${api.maxVersion} are`,
      );
    }
    const handler = this.#handlers[apiKey];
    if (handler !== undefined) {
      return this.#startWith(handler, header, reader, connection, openSlot, onFatal);
    }
    // Opened before the handler is loaded, so that an orderly shutdown waits for the answer.
    const slot = openSlot();
    return this.#load(this.#onDemand.get(apiKey)!)
      .then(async (handler) => {
        await this.#startWith(handler, header, reader, connection, () => slot, onFatal);
      })
      .catch(onFatal);
  }

  /** Starts a request whose header has been read. */
  #startWith(
    handler: Handler<Needs>,
    { apiVersion, clientId, correlationId }: RequestHeader<ApiSummary>,
    reader: ByteReader,
    connection: ConnectionInfo,
    openSlot: () => AnswerSlot,
    onFatal: (error: unknown) => void,
  ): Promise<void> | null {
    const { api } = handler;
    const request = api.requestCodec(apiVersion).read(reader);
    const requestBytes = reader.end;
    const complete = (answer: unknown) =>
      slot.complete(
        answer === null ? null : prepare(api, apiVersion, correlationId, answer, requestBytes),
      );
    const context = new Context(
      apiVersion,
      clientId,
      connection,
      this.#services,
      this.#served,
    );
    const slot = openSlot();
    let answer: unknown;
    try {
      answer = handler.handle(request, context);
    } catch (error) {
      answer = this.#answerTo(error, handler, request, context);
    }
    if (!(answer instanceof Promise)) {
      complete(answer);
      return null;
    }
    answer
      .catch((error) => this.#answerTo(error, handler, request, context))
      .then(complete)
      .catch(onFatal);
    context.hasStarted = true;
    const { retention } = context;
    if (retention === null) return null;
    answer.then(retention.end, retention.end);
    return retention.ended;
  }

  #add(handler: Handler<Needs>): void {
    this.#handlers[handler.api.key] = this.#interceptors.length === 0
      ? handler
      : intercept(handler, this.#interceptors);
  }

  async #load(onDemand: HandlerOnDemand<Needs>): Promise<Handler<Needs>> {
    const { key, name } = onDemand.api;
    try {
      // Another connection may load it at the same time: both receive the same.
      this.#add(await onDemand.load(this.#services));
    } catch (error) {
      const { message } = error as Error;
      this.#logger.log("error", `Cannot load what answers ${name}: ${message}`);
      throw new CloseConnection(`${name} cannot be answered`);
    }
    return this.#handlers[key]!;
  }

  #answerTo(
    error: unknown,
    handler: Handler<Needs>,
    request: unknown,
    context: RequestContext<Needs>,
  ): unknown {
    if (error instanceof KafkaError) {
      return handler.onError(request, error.code, error.message, context);
    }
    if (error instanceof CloseConnection || error instanceof ProtocolError) throw error;
    const { name } = handler.api;
    const text = error instanceof Error ? error.stack ?? error.message : String(error);
    this.#logger.log("error", `${name} failed by a defect of this broker: ${text}`);
    return handler.onError(
      request,
      ErrorCode.UNKNOWN_SERVER_ERROR,
      `${name} failed by a defect of the broker, its log says more`,
      context,
    );
  }
}

/** Returns the answer in the form in which it is sent. Large ones are encoded in steps. */
function prepare(
  api: AnyApi,
  apiVersion: number,
  correlationId: number,
  answer: unknown,
  requestBytes: number,
): FillAnswer | LargeAnswer {
  const fill = (write: (writer: ByteWriter) => void): FillAnswer => (writer) => {
    // The writer may contain records of earlier answers, which the length of this frame excludes.
    const start = startFrame(writer);
    const before = writer.totalLength;
    writeResponseHeader(writer, api, apiVersion, correlationId);
    write(writer);
    writer.patchInt32(start, writer.totalLength - before);
  };
  if (answer instanceof EncodedAnswer) {
    const { body } = answer;
    return fill((writer) =>
      body.length > SMALL_BODY_BYTES ? writer.external(sourceOf([body])) : writer.raw(body)
    );
  }
  const codec = api.responseCodec(apiVersion);
  const { inSteps } = codec;
  if (inSteps === undefined || !isLargeAnswer(inSteps.count(answer as never), requestBytes)) {
    return fill((writer) => codec.write(writer, answer as never));
  }
  return {
    *encode() {
      const chunks = sourceOf(yield* encodeInChunks(inSteps, answer as never));
      return fill((writer) => writer.external(chunks));
    },
  };
}

/** Answers an unknown version of ApiVersions in version 0, with the versions served (KIP-511). */
function unsupportedApiVersions(correlationId: number): FillAnswer | LargeAnswer {
  const { key, minVersion, maxVersion } = apiVersions;
  const answer = {
    errorCode: ErrorCode.UNSUPPORTED_VERSION,
    apiKeys: [{ apiKey: key, minVersion, maxVersion }],
  };
  return prepare(apiVersions as unknown as AnyApi, 0, correlationId, answer, 0);
}
