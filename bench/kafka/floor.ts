/**
 * A server that does nothing: it answers every Produce request with the response to the connection's first
 * one, and stores nothing. Its cost is that of Deno, the system's sockets and the client, so no broker on
 * Deno can use less CPU or be faster. All other requests are forwarded to a broker in memory.
 *
 * Usage: `floor.ts PORT`
 *
 * @module
 */
import { startCluster } from "../../mod.ts";

const PRODUCE = 0;
const LENGTH_BYTES = 4;
const API_KEY_AT = 4;
const API_VERSION_AT = 6;
const REQUEST_CORRELATION_AT = 8;
const ANSWER_CORRELATION_AT = 4;

/** Reads whole frames from a connection, in place. */
class Frames {
  #buffer = new Uint8Array(1 << 20);
  #from = 0;
  #to = 0;

  constructor(readonly connection: Deno.TcpConn) {}

  /** Returns the next frame with its length, or null at the end. Valid until the next call. */
  async next(): Promise<Uint8Array | null> {
    for (;;) {
      const frame = this.buffered();
      if (frame !== null) return frame;
      this.#buffer.copyWithin(0, this.#from, this.#to);
      this.#to -= this.#from;
      this.#from = 0;
      if (this.#to === this.#buffer.length) throw new Error("a frame is over 1 MiB");
      const length = await this.connection.read(this.#buffer.subarray(this.#to));
      if (length === null) return null;
      this.#to += length;
    }
  }

  /** Returns the next frame if all of it has been read. */
  buffered(): Uint8Array | null {
    const left = this.#to - this.#from;
    if (left < LENGTH_BYTES) return null;
    const view = new DataView(this.#buffer.buffer, this.#from);
    const length = LENGTH_BYTES + view.getInt32(0);
    if (left < length) return null;
    this.#from += length;
    return this.#buffer.subarray(this.#from - length, this.#from);
  }
}

async function write(connection: Deno.TcpConn, bytes: Uint8Array): Promise<void> {
  for (let from = 0; from < bytes.length;) from += await connection.write(bytes.subarray(from));
}

async function serve(client: Deno.TcpConn, brokerPort: number): Promise<void> {
  using _client = client;
  using broker = await Deno.connect({ hostname: "127.0.0.1", port: brokerPort });
  client.setNoDelay(true);
  broker.setNoDelay(true);
  const requests = new Frames(client);
  const relayed = new Frames(broker);
  const out = new Uint8Array(1 << 16);
  // By version. A client sends to one partition, which the response names.
  const answers = new Map<number, Uint8Array>();
  for (let frame = await requests.next(); frame !== null; frame = await requests.next()) {
    let length = 0;
    // Requests that arrive together are answered together, as by a broker.
    for (let next: Uint8Array | null = frame; next !== null; next = requests.buffered()) {
      const view = new DataView(next.buffer, next.byteOffset, next.byteLength);
      const isProduce = view.getInt16(API_KEY_AT) === PRODUCE;
      const version = view.getInt16(API_VERSION_AT);
      const known = isProduce ? answers.get(version) : undefined;
      if (known !== undefined) {
        out.set(known, length);
        new DataView(out.buffer).setInt32(
          length + ANSWER_CORRELATION_AT,
          view.getInt32(REQUEST_CORRELATION_AT),
        );
        length += known.length;
        continue;
      }
      await write(broker, next);
      const answer = await relayed.next();
      if (answer === null) return;
      if (isProduce) answers.set(version, answer.slice());
      await write(client, answer);
    }
    if (length > 0) await write(client, out.subarray(0, length));
  }
}

if (import.meta.main) {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: Number(Deno.args[0]) });
  const { hostname, port } = listener.addr;
  await using cluster = await startCluster({
    config: {
      "advertised.listeners": `PLAINTEXT://${hostname}:${port}`,
      "auto.create.topics.enable": "false",
    },
  });
  for await (const client of listener) {
    serve(client, cluster.port).catch((error) => {
      if (!(error instanceof Deno.errors.ConnectionReset)) console.error(error);
    });
  }
}
