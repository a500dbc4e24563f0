/**
 * Assigns producer ids from blocks that the controller allocates, so that no id is used twice, across
 * restarts and brokers.
 *
 * @module
 */

import { ErrorCode, errorName, KafkaError } from "../protocol/errors.ts";
import { allocateProducerIds } from "../protocol/messages/allocate_producer_ids.ts";
import type { ControllerChannel } from "./controller_channel.ts";

/**
 * How long a producer waits for a block, ms: less than the 30 seconds after which it gives up itself.
 */
const ALLOCATION_TIMEOUT_MS = 10_000;

/** A block of `count` ids, beginning with `first`. */
export interface ProducerIdBlock {
  readonly first: number;
  readonly count: number;
}

/** The producer ids of this broker. */
export class ProducerIds {
  readonly #allocate: () => Promise<ProducerIdBlock>;
  #next = 0;
  #end = 0;
  #refill: Promise<void> | null = null;

  constructor(allocate: () => Promise<ProducerIdBlock>) {
    this.#allocate = allocate;
  }

  /** Returns an id that has never been used. */
  async next(): Promise<number> {
    while (this.#next === this.#end) {
      this.#refill ??= this.#take().finally(() => void (this.#refill = null));
      await this.#refill;
    }
    return this.#next++;
  }

  async #take(): Promise<void> {
    const block = await this.#allocate();
    this.#next = block.first;
    this.#end = block.first + block.count;
  }
}

/** The broker that blocks are allocated to. */
export interface BlockOwner {
  readonly nodeId: number;
  /** Returns the epoch of the broker's registration. */
  readonly brokerEpoch: () => number;
}

/**
 * Returns a function that requests a block from the active controller. It rejects with
 * COORDINATOR_LOAD_IN_PROGRESS, on which producers try again, while no controller is active or the broker is
 * registering.
 */
export function blocksFrom(
  channel: Pick<ControllerChannel, "request">,
  { nodeId, brokerEpoch }: BlockOwner,
): () => Promise<ProducerIdBlock> {
  return async () => {
    const request = { brokerId: nodeId, brokerEpoch: brokerEpoch() };
    const timeoutMs = ALLOCATION_TIMEOUT_MS;
    const answer = await channel.request(allocateProducerIds, request, { timeoutMs })
      .catch((error) => {
        throw error instanceof KafkaError && error.retriable ? notNow(error.message) : error;
      });
    const { errorCode, producerIdStart, producerIdLen } = answer;
    if (errorCode === ErrorCode.NONE) return { first: producerIdStart, count: producerIdLen };
    const reason = `the active controller answers ${errorName(errorCode)}`;
    if (errorCode !== ErrorCode.UNKNOWN_SERVER_ERROR) throw notNow(reason);
    throw new KafkaError(errorCode, `Cannot allocate producer ids: ${reason}`);
  };
}

function notNow(reason: string): KafkaError {
  return new KafkaError(
    ErrorCode.COORDINATOR_LOAD_IN_PROGRESS,
    `Cannot allocate producer ids now: ${reason}`,
  );
}
