/**
 * Sends the requests of a replica to the others, over connections that are opened on the first request and
 * kept. Answers of a connection come in the order of its requests, and a fetch is answered when there is
 * news; therefore fetches have a connection of their own, and no vote waits behind one.
 *
 * @module
 */
import { CLIENT_SOFTWARE, type PeerConnection } from "../network/peer_connection.ts";
import { ErrorCode, KafkaError } from "../protocol/errors.ts";
import { ForeignProtocolError } from "../protocol/frame.ts";
import { apiVersions } from "../protocol/messages/api_versions.ts";
import { ProtocolError } from "../protocol/protocol_error.ts";
import { RecordError } from "../protocol/records/batch.ts";
import { sparingly } from "../protocol/records/compression/steps.ts";
import { type Address, ConnectionError, type Runtime } from "../runtime/runtime.ts";
import type { Destination } from "./core/effects.ts";
import type { PeerAnswer, PeerRequest, RequestFailure } from "./core/messages.ts";
import { KeptConnection } from "./kept_connection.ts";
import type { RaftTransport } from "./raft_replica.ts";
import type { Sender } from "./wire/ends.ts";
import { exchange } from "./wire/exchange.ts";

/** The options of {@linkcode RaftPeers}. */
export interface RaftPeersOptions extends Sender {
  readonly runtime: Runtime;
  /** The client id of the requests. */
  readonly clientId: string;
  /** A connection or an answer that takes longer counts as failed, ms. */
  readonly requestTimeoutMs: number;
  /** Called when a node answers that it belongs to another cluster, once for each address `host:port`. */
  readonly onOtherCluster?: (address: string) => void;
}

/** The levels of a feature that a node supports. */
export interface FeatureLevels {
  readonly min: number;
  readonly max: number;
}

/** The feature whose level says whether the voters are in the log. */
const KRAFT_VERSION_FEATURE = "kraft.version";
/** Above the largest batch, 8 MiB. */
const MAX_RESPONSE_BYTES = 16_777_216;
/** Maximum number of connections. Beyond it the one whose last use is the longest ago is closed. */
const MAX_CONNECTIONS = 64;
/** Fetched records are checked in parts of 64 KiB, 16 of which take about a millisecond. */
const PARTS_PER_PAUSE = 16;

/** The other replicas of the quorum. */
export class RaftPeers implements RaftTransport {
  readonly #options: RaftPeersOptions;
  /** By purpose and address, in the order of their last use. */
  readonly #connections = new Map<string, KeptConnection>();
  readonly #probes = new Set<KeptConnection>();
  /** The addresses of nodes of other clusters that were reported. */
  readonly #foreign = new Set<string>();
  #isClosed = false;

  constructor(options: RaftPeersOptions) {
    this.#options = options;
  }

  /** Number of connections that are kept, open or not. */
  get size(): number {
    return this.#connections.size;
  }

  /**
   * Sends a request and resolves with the answer, or with the reason why there is none. Never rejects.
   *
   * A kept connection may turn out to be dead only when it is used. Then a new one is opened, which shows
   * whether the peer's process has ended (`refused`), and the request is sent again, since every request of
   * the quorum may be repeated. A fetch is not: that its connection ended is news to the core
   * (`disconnected`).
   */
  async send(to: Destination, request: PeerRequest): Promise<PeerAnswer | RequestFailure> {
    if (this.#isClosed) return { type: "failure", reason: "disconnected" };
    const isFetch = request.type === "fetch" || request.type === "fetch-snapshot";
    const kept = this.#connectionTo(to.address, isFetch ? "fetch" : "other");
    kept.users++;
    try {
      const wasOpen = kept.isOpen;
      const outcome = await this.#attempt(kept, request);
      const isDead = wasOpen && outcome.type === "failure" && outcome.reason === "disconnected";
      if (!isDead || this.#isClosed) return outcome;
      if (!isFetch) return await this.#attempt(kept, request);
      await kept.get();
      return outcome;
    } catch (error) {
      return failureOf(error);
    } finally {
      kept.users--;
    }
  }

  /**
   * Returns the levels of `kraft.version` that the node supports, {0, 0} if it does not know
   * the feature, or null if it does not answer.
   */
  async probe({ address }: Destination): Promise<FeatureLevels | null> {
    if (this.#isClosed) return null;
    const probe = new KeptConnection(this.#connectionOptions(address));
    this.#probes.add(probe);
    try {
      const connection: PeerConnection = await probe.get();
      const { errorCode, supportedFeatures } = await connection.request(
        apiVersions,
        CLIENT_SOFTWARE,
      );
      if (errorCode !== ErrorCode.NONE) return null;
      const levels = supportedFeatures.find(({ name }) => name === KRAFT_VERSION_FEATURE);
      return { min: levels?.minVersion ?? 0, max: levels?.maxVersion ?? 0 };
    } catch {
      return null;
    } finally {
      this.#probes.delete(probe);
      probe.close();
    }
  }

  /** Closes all connections. Requests in flight resolve as failed, as do later ones. */
  close(): void {
    this.#isClosed = true;
    for (const connection of this.#connections.values()) connection.close();
    for (const probe of this.#probes) probe.close();
    this.#connections.clear();
  }

  async #attempt(
    kept: KeptConnection,
    request: PeerRequest,
  ): Promise<PeerAnswer | RequestFailure> {
    const { clock } = this.#options.runtime;
    const pause = sparingly(() => clock.yieldToLoop(), PARTS_PER_PAUSE);
    try {
      const connection = await kept.get();
      const answer = await exchange(connection, request, this.#options, pause);
      if (answer.errorCode === ErrorCode.INCONSISTENT_CLUSTER_ID) {
        this.#reportForeign(connection.address);
      }
      return answer;
    } catch (error) {
      return failureOf(error);
    }
  }

  #reportForeign(address: string): void {
    if (this.#foreign.has(address) || this.#foreign.size >= MAX_CONNECTIONS) return;
    this.#foreign.add(address);
    this.#options.onOtherCluster?.(address);
  }

  #connectionTo(address: Address, purpose: "fetch" | "other"): KeptConnection {
    const name = `${purpose} ${address.host}:${address.port}`;
    const kept = this.#connections.get(name) ??
      new KeptConnection(this.#connectionOptions(address));
    this.#connections.delete(name);
    this.#connections.set(name, kept);
    if (this.#connections.size > MAX_CONNECTIONS) this.#closeUnused(kept);
    return kept;
  }

  #closeUnused(except: KeptConnection): void {
    for (const [name, kept] of this.#connections) {
      if (kept.users > 0 || kept === except) continue;
      this.#connections.delete(name);
      return kept.close();
    }
  }

  #connectionOptions(address: Address) {
    const { runtime, clientId, requestTimeoutMs } = this.#options;
    return {
      runtime,
      address,
      clientId,
      requestTimeoutMs,
      connectTimeoutMs: requestTimeoutMs,
      maxResponseBytes: MAX_RESPONSE_BYTES,
    };
  }
}

/** Returns why a request failed with `error`. */
function failureOf(error: unknown): RequestFailure {
  return { type: "failure", reason: reasonOf(error) };
}

function reasonOf(error: unknown): RequestFailure["reason"] {
  for (let at = error; at instanceof Error; at = at.cause) {
    if (at instanceof ConnectionError && at.reason === "refused") return "refused";
    if (
      at instanceof ProtocolError || at instanceof RecordError || at instanceof ForeignProtocolError
    ) return "unreadable";
  }
  if (!(error instanceof KafkaError)) return "disconnected";
  switch (error.code) {
    case ErrorCode.REQUEST_TIMED_OUT:
      return "timeout";
    case ErrorCode.UNSUPPORTED_VERSION:
      return "unsupported";
    case ErrorCode.NETWORK_EXCEPTION:
      return "disconnected";
    // The peer does not say which versions it supports.
    default:
      return "unreadable";
  }
}
