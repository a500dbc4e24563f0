/**
 * One direction of one simulated connection: messages come out later, in the order in which they went
 * in.
 *
 * @module
 */

import type { Timer } from "../runtime/runtime.ts";
import type { NetworkLink } from "./network_link.ts";
import type { SimulatedTime } from "./simulated_time.ts";

/** Where a pipe belongs to. */
export interface PipeSetting {
  readonly time: SimulatedTime;
  readonly link: NetworkLink;
  /** How long the sender repeats what is not acknowledged before it gives up, in microseconds. */
  readonly retransmitTimeoutUs: number;
}

/** One direction of one connection. */
export class Pipe {
  /** Called when the sender has given up, with what had not arrived lost. */
  onTimeout: (() => void) | undefined;
  readonly #travelling: { readonly deliver: () => void; readonly bytes: number }[] = [];
  #lastDueUs = 0;
  /** How many of the first messages wait at a blocked link. */
  #held = 0;
  #timeout: Timer | undefined;
  /** Incremented when messages are dropped: arrivals that were scheduled before do not count. */
  #generation = 0;

  constructor(readonly setting: PipeSetting) {}

  /** The link that the pipe goes over. */
  get link(): NetworkLink {
    return this.setting.link;
  }

  /** Calls `deliver` when a message of `bytes` has arrived. */
  send(deliver: () => void, bytes = 0): void {
    this.#travelling.push({ deliver, bytes });
    this.#schedule(bytes);
  }

  #schedule(bytes: number): void {
    const { time, link } = this.setting;
    const dueUs = time.nowUs + link.drawDelayUs(time.nowUs, bytes);
    this.#lastDueUs = Math.max(this.#lastDueUs, dueUs);
    const generation = this.#generation;
    time.schedule(this.#lastDueUs - time.nowUs, () => {
      if (generation === this.#generation) this.#arrive();
    });
  }

  #arrive(): void {
    const { time, link, retransmitTimeoutUs } = this.setting;
    if (!link.isBlocked) {
      this.#travelling.shift()!.deliver();
      return;
    }
    this.#held++;
    link.hold(this);
    this.#timeout ??= time.schedule(retransmitTimeoutUs, () => this.#giveUp());
  }

  #giveUp(): void {
    this.#travelling.length = 0;
    this.#held = 0;
    this.#timeout = undefined;
    this.#generation++;
    this.onTimeout?.();
  }

  /** Sends what was held once more: the link may no longer be blocked. */
  resume(): void {
    const count = this.#held;
    this.#held = 0;
    this.#timeout?.cancel();
    this.#timeout = undefined;
    for (let index = 0; index < count; index++) this.#schedule(this.#travelling[index]!.bytes);
  }
}
