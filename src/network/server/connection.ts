/**
 * The connection of one client: reads frames in place, starts their requests in order, and writes the
 * answers with an {@linkcode AnswerQueue}. It stops reading while it has too many requests in flight or too
 * many unsent bytes, so a client that does not read its answers delays only itself. A request that a handler
 * retains delays later requests of its connection, as every request does in Apache Kafka, but no other
 * connection.
 *
 * @module
 */
import { MAX_IN_FLIGHT_REQUESTS, MAX_UNSENT_BYTES, REQUESTS_TURN_MS } from "../../limits.ts";
import { KafkaError } from "../../protocol/errors.ts";
import type { ForeignOpening, ForeignProtocol } from "../../protocol/foreign_protocol.ts";
import { ForeignProtocolError, FrameParser, type KeptBytes } from "../../protocol/frame.ts";
import { ProtocolError } from "../../protocol/wire.ts";
import { type Clock, type Connection, ConnectionError } from "../../runtime/runtime.ts";
import { AnswerQueue } from "./answer_queue.ts";
import type { Dispatcher } from "./dispatch.ts";
import type { FrameMemory, FrameShare } from "./frame_memory.ts";
import { CloseConnection, type ConnectionInfo } from "./handler.ts";
import type { Logger } from "../../logger.ts";
import { type ReadBytes, readerOf, writerOf } from "../connection_bytes.ts";
import type { LargeAnswers } from "./large_answers.ts";
import type { SendPool } from "./send_pool.ts";
import { serveOthers } from "./turns.ts";

/** The dependencies of a connection, shared by all connections of a server. */
export interface ConnectionEnvironment {
  readonly dispatcher: Pick<Dispatcher<never>, "start">;
  readonly pool: SendPool;
  /** The budget for large receive buffers that all connections keep. */
  readonly keptBytes: KeptBytes;
  readonly frameMemory: FrameMemory;
  readonly largeAnswers: LargeAnswers;
  readonly clock: Clock;
  readonly logger: Logger;
  /** The current value of `socket.request.max.bytes`. */
  maxFrameBytes(): number;
  /** Called when the client's side of a connection has ended or broken: answers may still be under way. */
  readonly onEnd?: (connection: ConnectionInfo) => void;
}

/** What to change if a client speaks another protocol. */
const REMEDIES: Readonly<Record<ForeignProtocol, string>> = {
  TLS: "this listener is plaintext, set security.protocol=PLAINTEXT at the client",
  HTTP: "this port serves Kafka's protocol only, correct the address or make a health check that " +
    "only connects",
  SSH: "this port serves Kafka's protocol only, correct the address",
  PROXY: "it is not supported, turn it off at the load balancer",
};

/** A connection that is being served. */
export class ClientConnection {
  readonly info: ConnectionInfo;
  readonly #connection: Connection;
  readonly #environment: ConnectionEnvironment;
  readonly #parser: FrameParser;
  readonly #share: FrameShare;
  readonly #answers: AnswerQueue;
  readonly #openSlot: () => ReturnType<AnswerQueue["open"]>;
  readonly #onFatal: (error: unknown) => void;
  readonly #readBytes: ReadBytes;
  #lastActiveMs: number;
  #closed = false;
  #draining = false;

  constructor(
    { id, listener }: Pick<ConnectionInfo, "id" | "listener">,
    connection: Connection,
    environment: ConnectionEnvironment,
  ) {
    const { localAddress, remoteAddress } = connection;
    this.info = {
      id,
      listener,
      localAddress,
      remoteAddress,
      clientSoftwareName: "",
      clientSoftwareVersion: "",
    };
    this.#connection = connection;
    this.#readBytes = readerOf(connection);
    this.#environment = environment;
    this.#lastActiveMs = environment.clock.monotonicMs();
    this.#parser = new FrameParser(environment.maxFrameBytes(), environment.keptBytes);
    this.#share = environment.frameMemory.share((reason) => this.#end(new CloseConnection(reason)));
    this.#onFatal = (error) => this.#end(error);
    this.#answers = new AnswerQueue(
      writerOf(connection),
      environment.pool,
      this.#onFatal,
      environment.largeAnswers,
    );
    this.#openSlot = () => this.#answers.open();
  }

  /** When the client last sent bytes or had a request in flight, by the monotonic clock. */
  get lastActiveMs(): number {
    return this.#answers.inFlight > 0 ? this.#environment.clock.monotonicMs() : this.#lastActiveMs;
  }

  /** Serves the client until the connection ends. Never rejects. */
  async run(): Promise<void> {
    try {
      while (!this.#closed && await this.#read()) {
        this.#lastActiveMs = this.#environment.clock.monotonicMs();
        await this.#startRequests();
      }
      this.#environment.onEnd?.(this.info);
      if (!this.#closed) await this.#finishAnswers();
      const opening = this.#closed ? null : this.#parser.foreignOpening;
      if (opening !== null) this.#end(new ForeignProtocolError(opening));
      this.close();
    } catch (error) {
      this.#environment.onEnd?.(this.info);
      this.#end(error);
    }
  }

  /** Starts no more requests and closes once those in flight are answered. */
  async drain(): Promise<void> {
    this.#draining = true;
    await this.#finishAnswers();
    this.close();
  }

  /** Closes the connection immediately. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#answers.close();
    this.#parser.close();
    this.#share.close();
    this.#connection.close();
  }

  /** Reads bytes into the parser. Returns false at the end of the client's stream. */
  async #read(): Promise<boolean> {
    const turn = this.#share.beforeRead(this.#parser.buffered, this.#parser.missing);
    if (turn !== null) {
      await turn;
      if (this.#closed) return false;
    }
    const read = await this.#readBytes(this.#parser.space());
    this.#share.afterRead();
    if (read === null) return false;
    this.#parser.filled(read);
    return true;
  }

  async #startRequests(): Promise<void> {
    const { dispatcher, clock } = this.#environment;
    const answers = this.#answers;
    answers.hold();
    let turnBegan = this.#lastActiveMs;
    let isFirst = true;
    try {
      for (;;) {
        const frame = this.#parser.next();
        if (frame === null || this.#closed || this.#draining) break;
        // Other connections have waited while the earlier requests were started.
        if (!isFirst && clock.monotonicMs() - turnBegan > REQUESTS_TURN_MS) {
          answers.release();
          await serveOthers(clock);
          answers.hold();
          if (this.#closed || this.#draining) break;
          turnBegan = clock.monotonicMs();
        }
        isFirst = false;
        const held = dispatcher.start(frame, this.info, this.#openSlot, this.#onFatal);
        if (held === null && !this.#isFull()) continue;
        answers.release();
        if (held !== null) await this.#share.using(held, frame.length + this.#parser.buffered);
        while (this.#isFull() && !this.#closed) await answers.progress();
        turnBegan = clock.monotonicMs();
        answers.hold();
      }
    } finally {
      answers.release();
    }
  }

  #isFull(): boolean {
    return this.#answers.inFlight >= MAX_IN_FLIGHT_REQUESTS ||
      this.#answers.unsentBytes >= MAX_UNSENT_BYTES;
  }

  async #finishAnswers(): Promise<void> {
    const answers = this.#answers;
    while (!this.#closed && (answers.inFlight > 0 || answers.unsentBytes > 0)) {
      await answers.progress();
    }
  }

  #end(error: unknown): void {
    if (this.#closed) return;
    const { host, port } = this.info.remoteAddress;
    // A KafkaError reaches this only from records that cannot be read while they are sent.
    const isExpected = error instanceof ProtocolError || error instanceof CloseConnection ||
      error instanceof KafkaError;
    if (isExpected) {
      const reason = error instanceof ForeignProtocolError
        ? foreignClient(error.opening)
        : error.message;
      this.#environment.logger.log("warn", `Closed ${host}:${port}: ${reason}`);
    } else if (!(error instanceof ConnectionError)) {
      const text = error instanceof Error ? error.stack ?? error.message : String(error);
      this.#environment.logger.log("error", `Closed ${host}:${port} by a defect: ${text}`);
    }
    this.close();
  }
}

function foreignClient({ protocol, sent }: ForeignOpening): string {
  return `the client sent ${sent}: ${REMEDIES[protocol]}`;
}
