/**
 * The requests in flight to other replicas, and the waits after failed ones. At most one request is in
 * flight to a node, and at most one fetch in all: the records of a second one would be appended twice.
 *
 * @module
 */
import { assert } from "../../assert.ts";
import type { Destination } from "./effects.ts";
import type { PeerRequest } from "./messages.ts";
import { type RaftTiming, SEARCH_TIMEOUT_MS } from "./timing.ts";

/** How a request is sent. */
export interface SendOptions {
  /** Whether it asks for the leader. Defaults to false. */
  readonly isSearch?: boolean;
}

/** A request in flight. */
export interface InFlight {
  readonly correlationId: number;
  readonly to: Destination;
  readonly request: PeerRequest;
  /** When it counts as failed, in milliseconds. */
  readonly deadline: number;
}

interface Peer {
  inFlight: InFlight | null;
  failures: number;
  /** How many answers in a row were of no use. */
  refusals: number;
  /** When the next request may be sent, in milliseconds. */
  readyAt: number;
  /** How many requests in a row had no answer in time. */
  silences: number;
}

const MAX_BACKOFF_DOUBLINGS = 4;
/** An election is over in less than the first waits after so many useless answers. */
const QUICK_REFUSALS = 16;

/** The nodes to which this replica sends requests. */
export class Peers {
  readonly #timing: RaftTiming;
  readonly #peers = new Map<number, Peer>();
  readonly #inFlight = new Map<number, InFlight>();
  #nextCorrelationId = 0;

  constructor(timing: RaftTiming) {
    this.#timing = timing;
  }

  /** Returns when a request may be sent to node `id`: infinite while one is in flight. */
  readyAt(id: number): number {
    const peer = this.#peers.get(id);
    if (peer === undefined) return 0;
    return peer.inFlight === null ? peer.readyAt : Infinity;
  }

  /** Returns whether requests to node `id` fail at present. */
  isFailing(id: number): boolean {
    return (this.#peers.get(id)?.failures ?? 0) > 0;
  }

  /** Returns how many requests in a row node `id` has not answered in time. */
  silencesOf(id: number): number {
    return this.#peers.get(id)?.silences ?? 0;
  }

  /** Whether a fetch, of records or a snapshot, is in flight to any node. */
  get isFetching(): boolean {
    for (const { request: { type } } of this.#inFlight.values()) {
      if (type === "fetch" || type === "fetch-snapshot") return true;
    }
    return false;
  }

  /** The earliest time at which a request in flight counts as failed. */
  get nextDeadline(): number {
    let earliest = Infinity;
    for (const { deadline } of this.#inFlight.values()) earliest = Math.min(earliest, deadline);
    return earliest;
  }

  /**
   * Registers a request that is sent now. A search for the leader counts as failed earlier than others; see
   * {@linkcode SEARCH_TIMEOUT_MS}.
   */
  begin(
    to: Destination,
    request: PeerRequest,
    now: number,
    { isSearch = false }: SendOptions = {},
  ): InFlight {
    let peer = this.#peers.get(to.id);
    if (peer === undefined) {
      this.#peers.set(
        to.id,
        peer = {
          inFlight: null,
          failures: 0,
          refusals: 0,
          readyAt: 0,
          silences: 0,
        },
      );
    }
    assert(peer.inFlight === null, `A second request to node ${to.id}`);
    const correlationId = this.#nextCorrelationId++;
    const { requestTimeoutMs } = this.#timing;
    const doublings = Math.min(peer.silences, MAX_BACKOFF_DOUBLINGS);
    const timeoutMs = isSearch ? SEARCH_TIMEOUT_MS * 2 ** doublings : requestTimeoutMs;
    const deadline = now + Math.min(timeoutMs, requestTimeoutMs);
    peer.inFlight = { correlationId, to, request, deadline };
    this.#inFlight.set(correlationId, peer.inFlight);
    return peer.inFlight;
  }

  /**
   * Ends a request. Returns null for one that was forgotten, whose answer does not count. After a failure the
   * node gets no request for a while.
   */
  end(correlationId: number, isFailure: boolean, now: number): InFlight | null {
    const ended = this.#inFlight.get(correlationId);
    if (ended === undefined) return null;
    this.#inFlight.delete(correlationId);
    const peer = this.#peers.get(ended.to.id)!;
    peer.inFlight = null;
    if (isFailure) this.#backOff(peer, now);
    else peer.failures = peer.silences = 0;
    return ended;
  }

  /** Removes the requests that have waited too long, and returns them. */
  expire(now: number): InFlight[] {
    const expired = [...this.#inFlight.values()].filter(({ deadline }) => deadline <= now);
    for (const { correlationId, to } of expired) {
      this.end(correlationId, true, now);
      this.#peers.get(to.id)!.silences++;
    }
    return expired;
  }

  /**
   * Delays the next request to node `id`, whose answer was of no use, as after a failure. The waits double
   * only after many such answers: during an election the next one may name the leader.
   */
  delay(id: number, now: number): void {
    const peer = this.#peers.get(id);
    if (peer === undefined) return;
    this.#backOff(peer, now);
    const doublings = Math.min(peer.refusals++ - QUICK_REFUSALS, MAX_BACKOFF_DOUBLINGS);
    if (doublings > 0) peer.readyAt = now + this.#timing.retryBackoffMs * 2 ** doublings;
  }

  /** Ends the delays after answers of no use: node `id` has answered as the leader. */
  accept(id: number): void {
    const peer = this.#peers.get(id);
    if (peer !== undefined) peer.refusals = 0;
  }

  /** Forgets the requests in flight, since the answers are of no use in another role or epoch. */
  reset(): void {
    this.#inFlight.clear();
    for (const peer of this.#peers.values()) {
      peer.inFlight = null;
      peer.refusals = 0;
      peer.readyAt = 0;
    }
  }

  #backOff(peer: Peer, now: number): void {
    const doublings = Math.min(peer.failures, MAX_BACKOFF_DOUBLINGS);
    peer.readyAt = now + this.#timing.retryBackoffMs * 2 ** doublings;
    peer.failures++;
  }
}
