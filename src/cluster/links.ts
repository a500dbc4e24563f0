/**
 * The connections between the nodes of a cluster, which a partition cuts.
 *
 * @module
 */
import {
  type Address,
  type Connection,
  ConnectionError,
  type Network,
} from "../runtime/runtime.ts";

/** An open connection from one node to another. */
interface Link {
  readonly from: number;
  readonly to: number;
  readonly connection: Connection;
}

/**
 * Cuts nodes off from each other. While two nodes are cut off, their connections are broken, and an attempt
 * to connect is not answered, as by a machine that cannot be reached: it fails when the partition heals.
 */
export class Links {
  readonly #nodeAt = new Map<number, number>();
  readonly #open = new Set<Link>();
  #groups: readonly ReadonlySet<number>[] = [];
  #healed = Promise.withResolvers<void>();

  /** Registers that the node `id` listens on `port`. */
  add(id: number, port: number): void {
    this.#nodeAt.set(port, id);
  }

  /** Cuts the nodes of different groups off from each other. A node in no group keeps all its connections. */
  partition(groups: readonly (readonly number[])[]): void {
    this.heal();
    this.#groups = groups.map((group) => new Set(group));
    for (const { from, to, connection } of [...this.#open]) {
      if (this.#isCut(from, to)) connection.close();
    }
  }

  /** Ends the partition. */
  heal(): void {
    this.#groups = [];
    this.#healed.resolve();
    this.#healed = Promise.withResolvers<void>();
  }

  /** Returns `network` as the node `id` has it. */
  of(id: number, network: Network): Network {
    return {
      listen: (options) => network.listen(options),
      connect: async (options) => {
        const to = this.#nodeAt.get(options.port);
        if (to === undefined) return await network.connect(options);
        if (this.#isCut(id, to)) return await this.#unanswered(options);
        const connection = await network.connect(options);
        if (!this.#isCut(id, to)) return this.#link(id, to, connection);
        connection.close();
        return await this.#unanswered(options);
      },
    };
  }

  #isCut(from: number, to: number): boolean {
    const groupOf = (id: number) => this.#groups.findIndex((group) => group.has(id));
    const [one, other] = [groupOf(from), groupOf(to)];
    return one >= 0 && other >= 0 && one !== other;
  }

  async #unanswered({ host, port }: Address): Promise<never> {
    await this.#healed.promise;
    throw new ConnectionError(`Cannot connect to ${host}:${port}: the address was cut off`);
  }

  #link(from: number, to: number, connection: Connection): Connection {
    const link: Link = {
      from,
      to,
      connection: new LinkedConnection(connection, () => this.#open.delete(link)),
    };
    this.#open.add(link);
    return link.connection;
  }
}

/** A connection that reports when it is closed. */
class LinkedConnection implements Connection {
  readonly localAddress: Address;
  readonly remoteAddress: Address;
  readonly readInto?: (buffer: Uint8Array) => Promise<number | null>;
  readonly writeAll?: (bytes: Uint8Array) => Promise<void>;
  readonly #connection: Connection;
  readonly #onClose: () => void;

  constructor(connection: Connection, onClose: () => void) {
    this.localAddress = connection.localAddress;
    this.remoteAddress = connection.remoteAddress;
    this.#connection = connection;
    this.#onClose = onClose;
    if (connection.readInto !== undefined) {
      this.readInto = (buffer) => connection.readInto!(buffer);
    }
    if (connection.writeAll !== undefined) {
      this.writeAll = (bytes) => connection.writeAll!(bytes);
    }
  }

  get readable(): ReadableStream<Uint8Array<ArrayBuffer>> {
    return this.#connection.readable;
  }

  get writable(): WritableStream<Uint8Array> {
    return this.#connection.writable;
  }

  close(): void {
    this.#onClose();
    this.#connection.close();
  }
}
