/**
 * Notices that the process of a broker has ended, long before its session times out: the connections of a
 * killed process end, and its listeners refuse new ones. A new active controller knows no connections: it tries
 * to connect to each broker in service that has not reached it yet. Fencing a broker by mistake costs
 * availability only, and the liveness of the active controller limits such mistakes.
 *
 * @module
 */
import type { ActiveController } from "../controller/active_controller.ts";
import type { MetadataImage } from "../metadata/image.ts";
import type { ConnectionInfo } from "../network/server/handler.ts";
import type { Interceptor } from "../network/server/interceptor.ts";
import { type Address, ConnectionError, type Runtime, type Timer } from "../runtime/runtime.ts";

/** The waits before the attempts to connect, ms: a dying process closes its sockets one after the other. */
const ATTEMPTS_MS: readonly number[] = [0, 10, 30, 80];
/** The waits of a new active controller: a process that died with its predecessor is gone. */
const FIRST_ATTEMPTS_MS: readonly number[] = [0];
const CONNECT_TIMEOUT_MS = 500;

/** The active controller as the watch needs it. */
type WatchingController = Pick<ActiveController, "connectionsClosed" | "refused" | "image">;

/** The controller of the node. */
export interface WatchedController {
  /** Null while another node is active. */
  readonly active: WatchingController | null;
  /** Calls `follower` with the active controller, if this node is it, and whenever it becomes that again. */
  follow(follower: (active: WatchingController) => void): void;
}

/** The dependencies of {@linkcode BrokerWatch}. */
export interface BrokerWatchOptions {
  readonly runtime: Pick<Runtime, "clock" | "network">;
  readonly controller: WatchedController;
  readonly image: MetadataImage;
}

/** Watches the connections of brokers to a controller listener. */
export class BrokerWatch {
  readonly #options: BrokerWatchOptions;
  /** The broker of each connection, by the connection's id. */
  readonly #brokers = new Map<number, number>();
  /** The open connections of each broker. */
  readonly #connections = new Map<number, Set<number>>();
  readonly #timers = new Set<Timer>();
  /** Attempts to connect. */
  readonly #probes = new Set<Probe>();
  #isStopped = false;

  constructor(options: BrokerWatchOptions) {
    this.#options = options;
    options.controller.follow((active) => this.#checkAll(active));
  }

  /** Learns from the requests of a connection which broker it belongs to. */
  readonly interceptor: Interceptor = ({ name, request, context }, next) => {
    const brokerId = brokerIn(name, request);
    if (brokerId >= 0) this.#note(brokerId, context.connection.id);
    return next();
  };

  /** Takes note of the end of a connection. */
  readonly onEnd = ({ id }: ConnectionInfo): void => {
    const brokerId = this.#brokers.get(id);
    if (brokerId === undefined) return;
    this.#brokers.delete(id);
    const open = this.#connections.get(brokerId);
    open?.delete(id);
    if (open === undefined || open.size > 0) return;
    this.#connections.delete(brokerId);
    const active = this.#options.controller.active;
    if (!this.#isStopped && active?.connectionsClosed(brokerId)) {
      this.#attempt(brokerId, ATTEMPTS_MS);
    }
  };

  /** Makes no more attempts. */
  stop(): void {
    this.#isStopped = true;
    for (const timer of this.#timers) timer.cancel();
    this.#timers.clear();
    for (const probe of this.#probes) probe.stop();
  }

  #note(brokerId: number, connectionId: number): void {
    if (this.#brokers.has(connectionId)) return;
    this.#brokers.set(connectionId, brokerId);
    const open = this.#connections.get(brokerId);
    if (open === undefined) this.#connections.set(brokerId, new Set([connectionId]));
    else open.add(connectionId);
  }

  /** Looks for brokers that ended before this node became active. */
  #checkAll(active: WatchingController): void {
    if (this.#isStopped) return;
    for (const { id, fenced } of active.image.brokers()) {
      if (fenced || this.#connections.has(id)) continue;
      if (active.connectionsClosed(id)) this.#attempt(id, FIRST_ATTEMPTS_MS);
    }
  }

  #attempt(brokerId: number, [delayMs, ...later]: readonly number[]): void {
    if (delayMs === undefined) return;
    const timer = this.#options.runtime.clock.setTimer(delayMs, async () => {
      this.#timers.delete(timer);
      const isRefused = await this.#isRefused(brokerId);
      // The broker may have connected again meanwhile.
      if (this.#isStopped || this.#connections.has(brokerId)) return;
      if (isRefused) this.#options.controller.active?.refused(brokerId);
      else this.#attempt(brokerId, later);
    });
    this.#timers.add(timer);
  }

  async #isRefused(brokerId: number): Promise<boolean> {
    // The address of one listener may be of another network, where something else refuses.
    const endpoints = this.#options.image.broker(brokerId)?.endpoints ?? [];
    const answers = await Promise.all(endpoints.map((endpoint) => this.#refuses(endpoint)));
    return answers.length > 0 && !answers.includes(false);
  }

  async #refuses(endpoint: Address): Promise<boolean> {
    const probe = new Probe(this.#options.runtime, endpoint);
    this.#probes.add(probe);
    try {
      return await probe.isRefused;
    } finally {
      this.#probes.delete(probe);
    }
  }
}

/** Returns the broker that sends the request, or -1 if it is none. */
function brokerIn(name: string, request: unknown): number {
  switch (name) {
    case "BrokerHeartbeat":
    case "BrokerRegistration":
      return (request as { readonly brokerId: number }).brokerId;
    case "Fetch": {
      const { replicaId, replicaState } = request as {
        readonly replicaId?: number;
        readonly replicaState?: { readonly replicaId: number };
      };
      return Math.max(replicaId ?? -1, replicaState?.replicaId ?? -1);
    }
    default:
      return -1;
  }
}

/** An attempt to connect to a broker. */
class Probe {
  /** Resolves with whether nothing listens at the address. */
  readonly isRefused: Promise<boolean>;
  /** Ends the attempt as one that was not refused. */
  readonly stop: () => void;

  constructor(
    { network, clock }: BrokerWatchOptions["runtime"],
    { host, port }: Address,
  ) {
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const timer = clock.setTimer(CONNECT_TIMEOUT_MS, () => resolve(false));
    const settle = (isRefused: boolean) => {
      timer.cancel();
      resolve(isRefused);
    };
    this.isRefused = promise;
    this.stop = () => settle(false);
    network.connect({ host, port }).then((connection) => {
      connection.close();
      settle(false);
    }, (error) => settle(error instanceof ConnectionError && error.reason === "refused"));
  }
}
