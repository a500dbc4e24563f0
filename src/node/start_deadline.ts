/**
 * What ends the start of a node before it serves: the bound on its time, `server.max.startup.time.ms`, and
 * failures that make its waits vain.
 *
 * @module
 */
import type { BrokerConfig } from "../config/broker_config.ts";
import { ErrorCode, KafkaError } from "../protocol/errors.ts";
import type { Clock, Timer } from "../runtime/runtime.ts";

/** The longest timer of a host. A longer bound is none. */
const MAX_TIMER_MS = 0x7fff_ffff;

/** Ends the start of a node that takes too long, or cannot succeed. */
export class StartDeadline {
  /** Describes what the node waits for: "an active controller to register it". */
  waitsFor: () => string = () => "its configuration";
  readonly #config: BrokerConfig;
  readonly #ended = new AbortController();
  readonly #timer: Timer | null;

  /** Begins to count. */
  constructor(clock: Pick<Clock, "setTimer">, config: BrokerConfig) {
    this.#config = config;
    const { maxStartupTimeMs } = config.brokerLifecycle;
    this.#timer = maxStartupTimeMs > MAX_TIMER_MS
      ? null
      : clock.setTimer(maxStartupTimeMs, () => this.#ended.abort(this.#error(maxStartupTimeMs)));
  }

  /**
   * Aborted at the deadline, with a `KafkaError` that names what the node waited for, or by
   * {@linkcode StartDeadline.fail}.
   */
  get signal(): AbortSignal {
    return this.#ended.signal;
  }

  /** Ends the start with `error`, unless it has ended. */
  fail(error: KafkaError): void {
    this.#ended.abort(error);
  }

  /** Throws the error of {@linkcode StartDeadline.signal} if the start must end: for work that is not interrupted. */
  check(): void {
    this.signal.throwIfAborted();
  }

  /** Counts no more. */
  cancel(): void {
    this.#timer?.cancel();
  }

  #error(limitMs: number): KafkaError {
    const { nodeId, quorumVoters, quorumBootstrapServers } = this.#config;
    const controllers = [...quorumVoters, ...quorumBootstrapServers]
      .map(({ host, port }) => `${host}:${port}`);
    const remedy = controllers.length === 0
      ? "raise it"
      : `start the controllers ${controllers.join(", ")} or raise it`;
    return new KafkaError(
      ErrorCode.REQUEST_TIMED_OUT,
      `Cannot start node ${nodeId} within server.max.startup.time.ms, ` +
        `${limitMs.toLocaleString("en-US")} ms: it still waits for ${this.waitsFor()}; ${remedy}`,
    );
  }
}
