/**
 * The states, events and effects of `broker_lifecycle.ts`.
 *
 * @module
 */

/** Where a broker is in its life. `epoch` is that of its registration. */
export type BrokerState =
  | { readonly kind: "starting" }
  | { readonly kind: "recovery"; readonly epoch: number }
  | { readonly kind: "running"; readonly epoch: number }
  | { readonly kind: "controlled shutdown"; readonly epoch: number }
  | { readonly kind: "stopped" };

/** The answer to a heartbeat. */
export interface HeartbeatAnswer {
  /** Whether the controller considers the broker fenced after this heartbeat. */
  readonly isFenced: boolean;
  /** Whether a broker in controlled shutdown leads nothing any more. */
  readonly shouldShutDown: boolean;
}

/** Something that has happened. */
export type LifecycleEvent =
  | { readonly kind: "start" }
  /** The logs are open and the listeners accept requests. */
  | { readonly kind: "ready" }
  /** The broker's image has the record at `offset`. */
  | { readonly kind: "image reached"; readonly offset: number }
  /** The image has changed while another broker shuts down, which waits until the controllers know it. */
  | { readonly kind: "offset awaited" }
  /** A log directory has gone out of service. */
  | { readonly kind: "directory failed"; readonly id: string }
  /** The process is asked to stop. */
  | { readonly kind: "shut down" }
  | { readonly kind: "tick" }
  | { readonly kind: "registered"; readonly epoch: number }
  /** A controller has refused the registration with `code`, or none has answered. */
  | { readonly kind: "registration failed"; readonly code: number; readonly reason: string }
  | { readonly kind: "heartbeat answered" } & HeartbeatAnswer
  /** A controller has refused the heartbeat with `code`, or none has answered. */
  | { readonly kind: "heartbeat failed"; readonly code: number; readonly reason: string };

/** Something to do. */
export type LifecycleEffect =
  | { readonly kind: "register" }
  | {
    readonly kind: "heartbeat";
    readonly epoch: number;
    readonly wantFence: boolean;
    readonly wantShutDown: boolean;
    readonly offlineDirectories: readonly string[];
  }
  /** Report when the broker's image has the record at `offset`. */
  | { readonly kind: "await image"; readonly offset: number }
  /** The broker's image has its own registration: logs may be opened. */
  | { readonly kind: "caught up" }
  /** Partitions may be led by this broker from now on. */
  | { readonly kind: "unfenced" }
  /** The process may stop: other brokers have taken over, or will. */
  | { readonly kind: "may stop" }
  /** A refusal to report. Attempts to register go on. */
  | { readonly kind: "registration refused"; readonly code: number; readonly reason: string }
  /** The broker cannot register and must stop. */
  | {
    readonly kind: "fatal";
    readonly code: number;
    readonly reason: string;
    readonly waitedMs: number;
  }
  | {
    readonly kind: "notice";
    readonly level: "debug" | "info" | "warn";
    readonly text: string;
  };
