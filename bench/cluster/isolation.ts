/**
 * A network namespace of Linux with one broker in it, whose link to the other nodes can be cut. Packets are
 * then lost without any sign to either side, unlike those to a process that has ended.
 *
 * @module
 */
import { MissingToolError } from "../kafka/environment.ts";
import { run } from "../kafka/process.ts";
import type { BrokerPlace } from "./nodes.ts";

/** Addresses of a network that no other host uses: 198.18.0.0/15 is for benchmarks (RFC 2544). */
const HOST_ADDRESS = "198.18.77.1";
const BROKER_ADDRESS = "198.18.77.2";

/** A namespace and its link. */
export class Isolation implements AsyncDisposable {
  readonly #name = `millrace-${Deno.pid}`;
  readonly #outer = `mr${Deno.pid}a`;
  readonly #inner = `mr${Deno.pid}b`;

  private constructor() {}

  /** Creates them. Throws a {@linkcode MissingToolError} without the right to. */
  static async create(): Promise<Isolation> {
    const isolation = new Isolation();
    try {
      await isolation.#setUp();
    } catch (error) {
      await isolation[Symbol.asyncDispose]();
      throw new MissingToolError(
        `The isolation of a broker needs a network namespace, which root can create with iproute2: ${error}`,
      );
    }
    return isolation;
  }

  async #setUp(): Promise<void> {
    await ip("netns", "add", this.#name);
    await ip(
      ...["link", "add", this.#outer, "type", "veth"],
      ...["peer", "name", this.#inner, "netns", this.#name],
    );
    await ip("addr", "add", `${HOST_ADDRESS}/30`, "dev", this.#outer);
    await ip("link", "set", this.#outer, "up");
    await this.#inside("addr", "add", `${BROKER_ADDRESS}/30`, "dev", this.#inner);
    await this.#inside("link", "set", "lo", "up");
    await this.#inside("link", "set", this.#inner, "up");
  }

  /** The address of the nodes that are not isolated. */
  get host(): string {
    return HOST_ADDRESS;
  }

  /** The place of the broker that is isolated. */
  get broker(): BrokerPlace {
    return { host: BROKER_ADDRESS, prefix: ["ip", "netns", "exec", this.#name] };
  }

  /** Cuts the link. */
  async begin(): Promise<void> {
    await this.#inside("link", "set", this.#inner, "down");
  }

  /** Restores the link. */
  async end(): Promise<void> {
    await this.#inside("link", "set", this.#inner, "up");
  }

  /** Removes the namespace, and its link with it. */
  async [Symbol.asyncDispose](): Promise<void> {
    await ip("netns", "del", this.#name).catch(() => {});
  }

  #inside(...args: string[]): Promise<void> {
    return ip("-n", this.#name, ...args);
  }
}

async function ip(...args: string[]): Promise<void> {
  await run(["ip", ...args]);
}
