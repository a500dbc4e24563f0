/**
 * The network of a simulation: machines by name, and the links between them, with delays drawn from the
 * seed, order kept within a connection, and partitions that hold traffic back until they heal.
 *
 * Messages are never lost or doubled while both machines have power: TCP hides that. What TCP does
 * not hide is simulated: delay, pieces cut anywhere, refusal, reset, silence, and a sender that gives
 * up while its peer knows nothing of it.
 *
 * @module
 */

import { type LinkEnd, type LinkQuality, NetworkLink } from "./network_link.ts";
import { Pipe } from "./pipe.ts";
import type { FrameObserver } from "./simulated_connection.ts";
import type { SimulatedListener } from "./simulated_listener.ts";
import type { SimulatedTime } from "./simulated_time.ts";
import type { Xoshiro128 } from "./xoshiro.ts";

/** How long messages travel, and how long machines wait for them. */
export interface NetworkTiming extends LinkQuality {
  /** How long connecting waits for an answer, in microseconds. */
  readonly connectTimeoutUs: number;
  /** How long TCP repeats what is not acknowledged before the sender's end fails, in microseconds. */
  readonly retransmitTimeoutUs: number;
}

/** A local network that hiccups at times, with Linux's patience for lost peers. */
export const DEFAULT_NETWORK_TIMING: NetworkTiming = {
  minDelayUs: 50,
  maxDelayUs: 500,
  slowOneIn: 50,
  slowMaxUs: 5000,
  lossOneIn: Infinity,
  bytesPerSecond: Infinity,
  connectTimeoutUs: 30_000_000,
  retransmitTimeoutUs: 924_600_000,
};

/** A machine as the network sees it. */
export interface NetworkHost extends LinkEnd {
  /** By port. */
  readonly listeners: Map<number, SimulatedListener>;
  /** Takes the next free port. */
  takePort(): number;
}

/** The network between the machines. */
export class SimulatedNetwork {
  readonly hosts: Map<string, NetworkHost> = new Map();
  readonly #links = new Map<string, NetworkLink>();

  /** `trace` is called with a line for each arrival, `observer` with its bytes. */
  constructor(
    readonly time: SimulatedTime,
    readonly random: Xoshiro128,
    readonly timing: NetworkTiming,
    readonly trace: (event: string) => void,
    readonly observer: FrameObserver | undefined = undefined,
  ) {}

  /** The link from one machine to another. */
  link(from: LinkEnd, to: LinkEnd): NetworkLink {
    const name = `${from.name}>${to.name}`;
    let link = this.#links.get(name);
    if (link === undefined) {
      link = new NetworkLink(from, to, this.random, this.timing);
      this.#links.set(name, link);
    }
    return link;
  }

  /** Creates one direction of a new connection. */
  pipe(from: LinkEnd, to: LinkEnd): Pipe {
    const { time, timing: { retransmitTimeoutUs } } = this;
    return new Pipe({ time, link: this.link(from, to), retransmitTimeoutUs });
  }

  /** Stops the traffic from one machine to another. It is held, not lost. */
  cut(from: LinkEnd, to: LinkEnd): void {
    this.link(from, to).block();
    this.trace(`cut ${from.name}>${to.name}`);
  }

  /** Undoes {@linkcode cut}. */
  uncut(from: LinkEnd, to: LinkEnd): void {
    const link = this.link(from, to);
    if (!link.isBlocked) return;
    this.trace(`uncut ${from.name}>${to.name}`);
    link.unblock();
  }

  /** Undoes every {@linkcode cut}. */
  uncutAll(): void {
    this.trace("uncut all");
    for (const link of this.#links.values()) link.unblock();
  }

  /** Changes how well messages get from one machine to another; what is left out is as at the start. */
  setQuality(from: LinkEnd, to: LinkEnd, quality: Partial<LinkQuality>): void {
    this.link(from, to).quality = { ...this.timing, ...quality };
    const text = Object.entries(quality).map(([name, value]) => `${name} ${value}`).join(" ");
    this.trace(`link ${from.name}>${to.name} ${text || "as at the start"}`);
  }

  /** Makes every link as good as it was at the start. */
  restoreQuality(): void {
    for (const link of this.#links.values()) link.quality = this.timing;
    this.trace("links as at the start");
  }
}
