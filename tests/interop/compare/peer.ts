/**
 * One of the two compared brokers: sends raw requests to it and normalizes its responses by
 * removing fields that may differ.
 *
 * @module
 */
import type { Api } from "../../../src/protocol/api.ts";
import { createTopics } from "../../../src/protocol/messages/create_topics.ts";
import { splitBatches } from "../../../src/protocol/records/batch.ts";
import type { Runtime } from "../../../src/runtime/runtime.ts";
import { RawClient } from "../../broker/raw_client.ts";

/** Response timeout. Requests that wait on the broker use less. */
const ANSWER_WITHIN_MS = 8_000;

/** Fields that may always differ: messages, times and random values. */
const ALWAYS_IGNORED: ReadonlySet<string> = new Set([
  "throttleTimeMs",
  "errorMessage",
  "batchIndexErrorMessage",
  "topicId",
  "clusterId",
  "host",
  "port",
  "memberId",
]);

/** Placeholder in a request for a 64-bit value that our own encoder does not accept. */
export const EXTREME = 1_234_567_890_123_456;

/** A broker. */
export class Peer {
  /** Ids of the created topics, by name. */
  readonly topicIds = new Map<string, string>();
  #client: RawClient | null = null;

  constructor(
    readonly name: string,
    private readonly runtime: Runtime,
    private readonly port: number,
  ) {}

  /**
   * Sends a request. Returns the decoded response, "closed" if the connection ends, or "no answer".
   * `extreme` replaces {@linkcode EXTREME} in the request.
   */
  async ask<QO, QI, RO, RI>(
    api: Api<QO, QI, RO, RI>,
    version: number,
    body: QI,
    extreme?: bigint,
  ): Promise<RO | "closed" | "no answer"> {
    const client = await this.#connected();
    const frame = client.frame(api, version, body);
    if (extreme !== undefined) putExtreme(frame, extreme);
    await client.sendBytes(frame);
    return await this.#settle(client, () => client.answer(api, version));
  }

  /** Sends a frame with these bytes after its length. Returns what followed. */
  async sendFrame(frame: Uint8Array): Promise<"answered" | "closed" | "no answer"> {
    const client = await this.#connected();
    const bytes = new Uint8Array(4 + frame.length);
    new DataView(bytes.buffer).setInt32(0, frame.length);
    bytes.set(frame, 4);
    await client.sendBytes(bytes);
    return await this.#settle(client, async () => {
      if (await client.nextFrame() === null) throw new Error("The broker closed");
      return "answered" as const;
    });
  }

  /** Encodes a request, without the length. */
  async frame<QO, QI, RO, RI>(
    api: Api<QO, QI, RO, RI>,
    version: number,
    body: QI,
  ): Promise<Uint8Array> {
    return (await this.#connected()).frame(api, version, body).slice(4);
  }

  /** Creates a topic and stores its id. */
  async createTopic(
    name: string,
    numPartitions: number,
    configs: Readonly<Record<string, string>> = {},
  ): Promise<void> {
    const answer = await this.ask(createTopics, 7, {
      topics: [{
        name,
        numPartitions,
        replicationFactor: 1,
        assignments: [],
        configs: Object.entries(configs).map(([name, value]) => ({ name, value })),
      }],
    });
    if (typeof answer === "string") throw new Error(`${this.name}: CreateTopics is ${answer}`);
    const { errorCode, topicId } = answer.topics[0]!;
    if (errorCode !== 0) throw new Error(`${this.name}: cannot create ${name}: ${errorCode}`);
    this.topicIds.set(name, topicId);
  }

  close(): void {
    this.#client?.close();
    this.#client = null;
  }

  async #connected(): Promise<RawClient> {
    const address = { host: "127.0.0.1", port: this.port };
    return this.#client ??= await RawClient.connect(this.runtime, address);
  }

  async #settle<T>(
    client: RawClient,
    answer: () => Promise<T>,
  ): Promise<T | "closed" | "no answer"> {
    let timer;
    const late = new Promise<"no answer">((resolve) => {
      timer = setTimeout(resolve, ANSWER_WITHIN_MS, "no answer");
    });
    const closed = answer().catch((error): "closed" => {
      if (!String(error).includes("closed")) throw error;
      return "closed";
    });
    const settled = await Promise.race([closed, late]);
    clearTimeout(timer);
    if (settled === "closed" || settled === "no answer") {
      client.close();
      this.#client = null;
    }
    return settled;
  }
}

function putExtreme(frame: Uint8Array, value: bigint): void {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.length);
  for (let at = 0; at <= frame.length - 8; at++) {
    if (view.getBigInt64(at) === BigInt(EXTREME)) return view.setBigInt64(at, value);
  }
  throw new Error("The request has no place for the extreme value");
}

/** Returns `answer` in a comparable form: without `ignored` fields, with sorted lists. */
export function comparable(answer: unknown, ignored: readonly string[]): unknown {
  if (typeof answer === "bigint") return `${answer}`;
  if (answer instanceof Uint8Array) return batchesIn(answer);
  if (Array.isArray(answer)) {
    return answer
      .map((each) => comparable(each, ignored))
      .sort((one, other) => JSON.stringify(one) < JSON.stringify(other) ? -1 : 1);
  }
  if (typeof answer !== "object" || answer === null) return answer;
  const out: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(answer)) {
    if (ALWAYS_IGNORED.has(name) || ignored.includes(name)) continue;
    out[name] = comparable(value, ignored);
  }
  return out;
}

/**
 * Returns the boundaries of batches in a Fetch response. Leader epochs and append times may differ.
 */
function batchesIn(records: Uint8Array): string {
  try {
    const view = new DataView(records.buffer, records.byteOffset, records.byteLength);
    return Array.from(splitBatches(records), ({ start }) => {
      const baseOffset = view.getBigInt64(start);
      return `${baseOffset}-${baseOffset + BigInt(view.getInt32(start + 23))}`;
    }).join(" ");
  } catch {
    return `${records.length} bytes`;
  }
}
