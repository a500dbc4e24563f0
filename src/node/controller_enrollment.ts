/**
 * The registration of a controller with the active one (KIP-919), which tells administrators where it listens
 * and which features it supports.
 *
 * @module
 */
import type { ControllerChannel } from "../broker/controller_channel.ts";
import type { Logger } from "../logger.ts";
import { SUPPORTED_FEATURES } from "../metadata/features.ts";
import type { EndpointImage } from "../metadata/image.ts";
import type { MetadataLoader } from "../metadata/loader.ts";
import { ErrorCode, errorName, KafkaError } from "../protocol/errors.ts";
import { controllerRegistration } from "../protocol/messages/controller_registration.ts";
import { hostAndPort } from "../runtime/ip_address.ts";
import type { Clock, Timer } from "../runtime/runtime.ts";

/** The first and the longest wait before a controller that another process has replaced registers again, ms. */
const REPLACED_WAIT_MS = 1_000;
const MAX_REPLACED_WAIT_MS = 60_000;

/** The dependencies of {@linkcode ControllerEnrollment}. */
export interface ControllerEnrollmentOptions {
  readonly clock: Clock;
  readonly nodeId: number;
  /** Drawn at random for each process. */
  readonly incarnationId: string;
  readonly endpoints: readonly EndpointImage[];
  readonly channel: Pick<ControllerChannel, "request" | "committedOffset">;
  readonly loader: MetadataLoader;
  readonly logger: Logger;
}

/** Keeps a controller registered. */
export class ControllerEnrollment {
  readonly #options: ControllerEnrollmentOptions;
  #isRegistering = false;
  /** Whether its own registration has been in the image. */
  #wasRegistered = false;
  #waitMs = REPLACED_WAIT_MS;
  #timer: Timer | null = null;
  #isStopped = false;

  constructor(options: ControllerEnrollmentOptions) {
    this.#options = options;
  }

  /** Registers the controller, and again when its registration is removed while it lives. */
  start(): void {
    const { loader, nodeId } = this.#options;
    loader.addListener({
      apply: ({ changedControllers }) => {
        if (changedControllers.includes(nodeId)) this.#onChange();
      },
    }).catch(() => {
      // The node has stopped before it began.
    });
    this.#register();
  }

  /** Sends nothing any more. */
  stop(): void {
    this.#isStopped = true;
    this.#timer?.cancel();
  }

  /** Registers again if the registration was removed, or later if another process has replaced it. */
  #onChange(): void {
    const { loader: { image }, nodeId, logger, clock } = this.#options;
    const registered = image.controller(nodeId);
    if (this.#isRegistered) this.#wasRegistered = true;
    else if (registered === undefined || !this.#wasRegistered) this.#register();
    else if (this.#timer === null && !this.#isStopped) {
      // Two processes that answered each other at once would fill the log.
      logger.log(
        "warn",
        `Another process has registered as controller ${nodeId}, at ` +
          `${addressesOf(registered.endpoints)}, while this one listens at ` +
          `${
            addressesOf(this.#options.endpoints)
          }; stop one of the two, or give it another node.id and ` +
          "empty data directories",
      );
      this.#timer = clock.setTimer(this.#waitMs, () => {
        this.#timer = null;
        this.#register();
      });
      this.#waitMs = Math.min(2 * this.#waitMs, MAX_REPLACED_WAIT_MS);
    }
  }

  get #isRegistered(): boolean {
    const { loader: { image }, nodeId, incarnationId } = this.#options;
    return image.controller(nodeId)?.incarnationId === incarnationId;
  }

  async #register(): Promise<void> {
    if (this.#isRegistering) return;
    this.#isRegistering = true;
    try {
      while (!this.#isStopped && !this.#isRegistered && await this.#ask());
    } finally {
      this.#isRegistering = false;
    }
  }

  /** Asks once, for as long as the channel tries. Returns whether to ask again. */
  async #ask(): Promise<boolean> {
    const { channel, loader, nodeId, incarnationId, endpoints, logger } = this.#options;
    try {
      const { errorCode, errorMessage } = await channel.request(controllerRegistration, {
        controllerId: nodeId,
        incarnationId,
        zkMigrationReady: false,
        listeners: endpoints,
        features: [...SUPPORTED_FEATURES].map(([name, { min, max }]) => ({
          name,
          minSupportedVersion: min,
          maxSupportedVersion: max,
        })),
      });
      if (errorCode !== ErrorCode.NONE) {
        throw new KafkaError(errorCode as ErrorCode, errorMessage ?? errorName(errorCode));
      }
      await loader.waitFor(await channel.committedOffset());
      return false;
    } catch (error) {
      if (this.#isStopped) return false;
      const isTemporary = error instanceof KafkaError &&
        (error.code === ErrorCode.NOT_CONTROLLER || error.code === ErrorCode.REQUEST_TIMED_OUT);
      if (isTemporary) return true;
      logger.log("warn", `Cannot register controller ${nodeId}: ${(error as Error).message}`);
      return false;
    }
  }
}

function addressesOf(endpoints: readonly EndpointImage[]): string {
  return endpoints.map(({ host, port }) => hostAndPort(host, port)).join(", ");
}
