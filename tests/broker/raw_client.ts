/**
 * A client for tests: one connection that sends any request in any version, or any bytes.
 *
 * @module
 */
import type { Api } from "../../src/protocol/api.ts";
import { FrameParser, startFrame } from "../../src/protocol/frame.ts";
import { readResponseHeader, writeRequestHeader } from "../../src/protocol/header.ts";
import { ByteReader, ByteWriter } from "../../src/protocol/wire.ts";
import type { Address, Connection, Runtime } from "../../src/runtime/runtime.ts";

/** A connection to a broker. */
export class RawClient {
  readonly #connection: Connection;
  readonly #parser = new FrameParser(200_000_000);
  #correlationId = 0;

  private constructor(connection: Connection) {
    this.#connection = connection;
  }

  static async connect(runtime: Runtime, address: Address): Promise<RawClient> {
    return new RawClient(await runtime.network.connect(address));
  }

  /** Sends a request and returns its decoded answer. */
  async request<QO, QI, RO, RI>(
    api: Api<QO, QI, RO, RI>,
    version: number,
    body: QI,
    clientId: string | null = "raw",
  ): Promise<RO> {
    await this.send(api, version, body, clientId);
    return await this.answer(api, version);
  }

  /** Sends a request. */
  async send<QO, QI, RO, RI>(
    api: Api<QO, QI, RO, RI>,
    version: number,
    body: QI,
    clientId: string | null = "raw",
  ): Promise<void> {
    await this.sendBytes(this.frame(api, version, body, clientId));
  }

  /** Encodes a request. */
  frame<QO, QI, RO, RI>(
    api: Api<QO, QI, RO, RI>,
    version: number,
    body: QI,
    clientId: string | null = "raw",
  ): Uint8Array {
    const writer = new ByteWriter();
    const start = startFrame(writer);
    writeRequestHeader(writer, api, version, ++this.#correlationId, clientId);
    api.requestCodec(version).write(writer, body);
    writer.patchInt32(start, writer.totalLength - 4);
    return writer.toBytes();
  }

  /** Sends bytes as they are. */
  async sendBytes(bytes: Uint8Array): Promise<void> {
    await this.#connection.writeAll!(bytes);
  }

  /** Reads the next answer, which must be one of `api` in `version`. */
  async answer<QO, QI, RO, RI>(api: Api<QO, QI, RO, RI>, version: number): Promise<RO> {
    const frame = await this.nextFrame();
    if (frame === null) throw new Error(`The broker closed instead of answering ${api.name}`);
    const reader = new ByteReader(frame);
    readResponseHeader(reader, api, version);
    const response = api.responseCodec(version).read(reader);
    if (reader.remaining > 0) throw new Error(`${reader.remaining} bytes follow the answer`);
    return response;
  }

  /** Reads the next frame, as a copy, or null when the broker has closed the connection. */
  async nextFrame(): Promise<Uint8Array | null> {
    for (;;) {
      const frame = this.#parser.next();
      if (frame !== null) return frame.slice();
      let length: number | null;
      try {
        length = await this.#connection.readInto!(this.#parser.space());
      } catch {
        return null;
      }
      if (length === null) return null;
      this.#parser.filled(length);
    }
  }

  close(): void {
    this.#connection.close();
  }
}
