/**
 * The place of a broker in its cluster: its registration and what it reports about itself.
 *
 * @module
 */
import type { EndpointImage } from "../../metadata/image.ts";

/** What a broker tells the controller about itself when it starts. */
export interface BrokerPresentation {
  readonly endpoints: readonly EndpointImage[];
  /** The ids of the log directories that are online. */
  readonly directoryIds: readonly string[];
}

/** How a broker belongs to its cluster. */
export interface BrokerMembership {
  /**
   * Registers this process of the broker. Resolves when the registration is in the broker's own image, and
   * with it everything that was committed before. Rejects with a `KafkaError` that says what to do.
   */
  register(presentation: BrokerPresentation): Promise<void>;
  /** Brings the broker into service, once it accepts requests. Resolves when the controller has agreed. */
  enterService(): Promise<void>;
  /** Reports the log directories that are online, after one has failed. */
  reportDirectories(onlineIds: readonly string[]): Promise<void>;
  /**
   * Reports the offset of the broker's image at once: another broker that shuts down waits until all brokers
   * know the new leaders.
   */
  reportOffset(): void;
  /** Leaves the service in an orderly way. Resolves when the broker may stop. */
  leaveService(): Promise<void>;
  /** The epoch of the registration, for requests to the controller; -1 before the first. */
  readonly brokerEpoch: number;
  /** Ends all that is under way. */
  stop(): void;
}
