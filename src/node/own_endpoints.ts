/**
 * The endpoints of a node's controller.
 *
 * @module
 */
import type { BrokerConfig } from "../config/broker_config.ts";
import { isWildcard } from "../config/listeners.ts";
import type { VoterEndpoint } from "../raft/core/voter_set.ts";

/**
 * Where other nodes reach the controller of this one. A listener on every address without an advertised one,
 * which only a node that is alone may have, is reached on this machine.
 */
export function ownEndpoints(config: BrokerConfig): VoterEndpoint[] {
  return config.controllerListeners.map((listener) => {
    const { name, port } = listener;
    const advertised = config.advertisedListener(name);
    const host = advertised?.host ?? (isWildcard(listener) ? "localhost" : listener.host);
    return { name, host, port: advertised?.port || port };
  });
}
