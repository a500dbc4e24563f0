/**
 * The controller side of a node: its own controller as a broker of the same process sees it.
 *
 * @module
 */
import { ControllerChannel, type OwnController } from "../broker/controller_channel.ts";
import type { BrokerConfig } from "../config/broker_config.ts";
import { localController } from "../controller/local_controller.ts";
import { DECIDED_BY_CONTROLLER } from "../controller/supported.ts";
import type { Runtime } from "../runtime/runtime.ts";
import type { MetadataQuorum } from "./metadata_quorum.ts";

/** How long a request to the active controller is retried, ms: Kafka's default for `request.timeout.ms`. */
const REQUEST_TIMEOUT_MS = 30_000;

/** Returns a channel to the active controller, in this process or at another node. */
export function channelTo(
  { runtime, config, quorum }: {
    readonly runtime: Runtime;
    readonly config: BrokerConfig;
    readonly quorum: MetadataQuorum;
  },
): ControllerChannel {
  return new ControllerChannel({
    runtime,
    nodeId: config.nodeId,
    location: quorum,
    own: ownController(runtime, config, quorum),
    requestTimeoutMs: REQUEST_TIMEOUT_MS,
    retryBackoffMs: config.quorumTiming.retryBackoffMs,
  });
}

function ownController(
  { clock }: Runtime,
  config: BrokerConfig,
  { controller, replica }: MetadataQuorum,
): OwnController | null {
  if (controller === null) return null;
  const services = { clock, config, controller };
  return {
    ...localController({ handlers: DECIDED_BY_CONTROLLER, services }),
    committedOffset: () => replica.status.highWatermark - 1,
  };
}
