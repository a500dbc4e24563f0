/**
 * The addresses under which clients and other nodes reach a node.
 *
 * @module
 */
import type { BrokerConfig } from "../config/broker_config.ts";
import { isWildcard } from "../config/listeners.ts";
import type { BrokerRegistration } from "../controller/registration.ts";
import type { ConnectionInfo } from "../network/server/handler.ts";
import type { VoterEndpoint } from "../raft/core/voter_set.ts";
import type { Address } from "../runtime/runtime.ts";

const PLAINTEXT = 0;

/**
 * Returns the address that the client of `connection` is referred to. With a wildcard listener, that is
 * the address that the client connected to.
 */
export function advertisedAddress(
  config: BrokerConfig,
  { listener: name, localAddress }: ConnectionInfo,
): Address {
  const listener = config.brokerListeners.find((one) => one.name === name)!;
  const advertised = config.advertisedListener(name);
  if (advertised !== null) {
    return { host: advertised.host, port: advertised.port || listener.port };
  }
  return { host: isWildcard(listener) ? localAddress.host : listener.host, port: listener.port };
}

/** Returns the endpoints to register. `addresses` are those of the listeners, by name. */
export function registeredEndpoints(
  config: BrokerConfig,
  addresses: ReadonlyMap<string, Address>,
): BrokerRegistration["endpoints"] {
  return [...addresses].map(([name, listensOn]) => {
    const { host, port } = config.advertisedListener(name) ?? listensOn;
    return { name, host, port: port || listensOn.port, securityProtocol: PLAINTEXT };
  });
}

/**
 * Returns where other nodes reach the controller of this one. A listener on every address without an advertised one,
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
