/**
 * One direction between two machines: how long messages travel, and whether any get through.
 *
 * @module
 */

import type { Xoshiro128 } from "./xoshiro.ts";

/** A machine as links see it. */
export interface LinkEnd {
  readonly name: string;
  /** Without power a machine answers nothing, not even with a refusal. */
  readonly hasPower: boolean;
}

/** How well messages get from one machine to another. */
export interface LinkQuality {
  /** The shortest way between two machines, in microseconds. */
  readonly minDelayUs: number;
  /** The longest that is not slow. */
  readonly maxDelayUs: number;
  /** One message in this many takes up to `slowMaxUs`. */
  readonly slowOneIn: number;
  readonly slowMaxUs: number;
  /**
   * One packet in this many is lost, and sent again after a timeout that doubles each time: TCP turns
   * loss into delay. Infinity: none.
   */
  readonly lossOneIn: number;
  /** How many bytes pass per second, those of all connections together. Infinity: no limit. */
  readonly bytesPerSecond: number;
}

/** The first timeout after which TCP sends a packet again. */
const RETRANSMIT_US = 200_000;
/** TCP sends a packet again so often at most, within this model. */
const MAX_RETRANSMITS = 6;
/** Delays between a machine and itself. */
const LOCAL_MIN_US = 5;
const LOCAL_MAX_US = 30;

/** What waits for a blocked link. */
export interface BlockedPipe {
  /** Sends what was held once more. */
  resume(): void;
}

/** One direction between two machines. */
export class NetworkLink {
  #isBlocked = false;
  /** When what was sent before has left the sender. */
  #busyUntilUs = 0;
  #waiting = new Set<BlockedPipe>();

  constructor(
    readonly from: LinkEnd,
    readonly to: LinkEnd,
    readonly random: Xoshiro128,
    /** May be changed while the link is used. */
    public quality: LinkQuality,
  ) {}

  /** Whether nothing gets through. */
  get isBlocked(): boolean {
    return this.#isBlocked;
  }

  /** Stops the traffic. It is held, not lost. */
  block(): void {
    this.#isBlocked = true;
  }

  /** Lets the traffic through again, with what was held. */
  unblock(): void {
    this.#isBlocked = false;
    const pipes = this.#waiting;
    if (pipes.size === 0) return;
    this.#waiting = new Set();
    for (const pipe of pipes) pipe.resume();
  }

  /** Registers `pipe` to be resumed when the link is no longer blocked. */
  hold(pipe: BlockedPipe): void {
    this.#waiting.add(pipe);
  }

  /** Draws how long a message of `bytes` travels that is sent at `nowUs`, in microseconds. */
  drawDelayUs(nowUs: number, bytes: number): number {
    const { random } = this;
    if (this.from === this.to) return random.between(LOCAL_MIN_US, LOCAL_MAX_US);
    const { minDelayUs, maxDelayUs, slowOneIn, slowMaxUs, lossOneIn, bytesPerSecond } =
      this.quality;
    let delayUs = random.oneIn(slowOneIn)
      ? random.between(maxDelayUs, slowMaxUs)
      : random.between(minDelayUs, maxDelayUs);
    if (lossOneIn !== Infinity) delayUs += this.#retransmissionUs(lossOneIn);
    if (bytesPerSecond !== Infinity) {
      this.#busyUntilUs = Math.max(this.#busyUntilUs, nowUs) +
        Math.ceil(bytes * 1e6 / bytesPerSecond);
      delayUs += this.#busyUntilUs - nowUs;
    }
    return delayUs;
  }

  #retransmissionUs(lossOneIn: number): number {
    let delayUs = 0;
    for (let tries = 0; tries < MAX_RETRANSMITS && this.random.oneIn(lossOneIn); tries++) {
      delayUs += RETRANSMIT_US * 2 ** tries;
    }
    return delayUs;
  }
}
