/**
 * Resolves the keys about listeners: which listeners a node opens, and the address that each advertises
 * to clients.
 *
 * @module
 */
import { invalidConfig, splitList } from "./definition.ts";
import { formatListener, type ListenerAddress, parseListeners } from "./listeners.ts";

/** The result of all keys about listeners. */
export interface ListenerSettings {
  /** The listeners for clients. At least one. */
  readonly listeners: readonly ListenerAddress[];
  /** Advertised addresses that differ from the address listened on, by the listener's name. */
  readonly advertised: ReadonlyMap<string, ListenerAddress>;
  /** Notices about settings without effect. */
  readonly notices: readonly string[];
}

/** The security protocols of Apache Kafka. */
const SECURITY_PROTOCOLS: readonly string[] = ["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"];
/** The only supported protocol. */
const PLAINTEXT = "PLAINTEXT";
const WHY_NO_CONTROLLER_LISTENER =
  "this node is its own controller and needs no controller listener";

/**
 * Resolves the keys about listeners. `text` returns the value of a key, already validated by itself.
 * Throws a `KafkaError` INVALID_CONFIG for inconsistent values, as Apache Kafka does, and for a listener
 * with TLS or SASL.
 */
export function resolveListeners(text: (name: string) => string | null): ListenerSettings {
  const listenersText = text("listeners")!;
  const all = parseListeners(listenersText);
  const controllerNames = splitList(text("controller.listener.names") ?? "")
    .map((name) => name.toUpperCase());
  checkSecurityProtocols(
    all,
    controllerNames,
    text("listener.security.protocol.map"),
    listenersText,
  );
  const listeners = all.filter(({ name }) => !controllerNames.includes(name));
  if (listeners.length === 0) {
    throw invalidConfig(
      "listeners",
      listenersText,
      "controller.listener.names lists all of them, add one for clients",
    );
  }
  const advertised = resolveAdvertised(text("advertised.listeners"), listeners, controllerNames);
  checkInterBrokerListener(text, listeners);
  return {
    listeners,
    advertised,
    notices: controllerNames.map((name) => {
      const listener = all.find((one) => one.name === name);
      return listener === undefined
        ? `controller.listener.names has no effect: ${WHY_NO_CONTROLLER_LISTENER}`
        : `Listener ${formatListener(listener)} is not opened: ${WHY_NO_CONTROLLER_LISTENER}`;
    }),
  };
}

/** Returns why `text` is not a valid `listener.security.protocol.map`, or null. */
export function rejectSecurityProtocolMap(text: string): string | null {
  const names = new Set<string>();
  for (const entry of splitList(text)) {
    const [, name, protocol] = /^([A-Za-z0-9._-]+):(\w+)$/.exec(entry) ?? [];
    if (name === undefined || !SECURITY_PROTOCOLS.includes(protocol!.toUpperCase())) {
      return `"${entry}" is not a valid entry, write it as LISTENER:PLAINTEXT`;
    }
    if (names.has(name.toUpperCase())) return `the listener ${name} occurs twice`;
    names.add(name.toUpperCase());
  }
  return null;
}

function checkSecurityProtocols(
  listeners: readonly ListenerAddress[],
  controllerNames: readonly string[],
  mapText: string | null,
  listenersText: string,
): void {
  const protocols = new Map(SECURITY_PROTOCOLS.map((name) => [name, name]));
  if (mapText === null) {
    // As in Kafka, a controller listener needs no entry if no map is given.
    for (const name of controllerNames) if (!protocols.has(name)) protocols.set(name, PLAINTEXT);
  } else {
    protocols.clear();
    for (const entry of splitList(mapText)) {
      const [name, protocol] = entry.toUpperCase().split(":");
      protocols.set(name!, protocol!);
    }
  }
  for (const { name } of listeners) {
    const protocol = protocols.get(name);
    if (protocol === PLAINTEXT) continue;
    throw invalidConfig(
      "listeners",
      listenersText,
      protocol === undefined
        ? `${name} has no security protocol, add ${name}:PLAINTEXT to listener.security.protocol.map`
        : `${name} has the security protocol ${protocol}, and this version supports PLAINTEXT only, not ` +
          "TLS or SASL",
    );
  }
}

function resolveAdvertised(
  text: string | null,
  listeners: readonly ListenerAddress[],
  controllerNames: readonly string[],
): Map<string, ListenerAddress> {
  const advertised = new Map<string, ListenerAddress>();
  if (text === null) return advertised;
  for (const listener of parseListeners(text)) {
    if (controllerNames.includes(listener.name)) continue;
    if (!listeners.some(({ name }) => name === listener.name)) {
      throw invalidConfig(
        "advertised.listeners",
        text,
        `${listener.name} is not among the listeners, ${namesOf(listeners)}`,
      );
    }
    advertised.set(listener.name, listener);
  }
  return advertised;
}

function checkInterBrokerListener(
  text: (name: string) => string | null,
  listeners: readonly ListenerAddress[],
): void {
  const name = text("inter.broker.listener.name");
  if (name === null) return;
  if (text("security.inter.broker.protocol") !== null) {
    throw invalidConfig(
      "inter.broker.listener.name",
      name,
      "security.inter.broker.protocol has the same meaning, give only one of them",
    );
  }
  if (listeners.some((listener) => listener.name === name.toUpperCase())) return;
  throw invalidConfig(
    "inter.broker.listener.name",
    name,
    `it must be one of the listeners for clients, ${namesOf(listeners)}`,
  );
}

function namesOf(listeners: readonly ListenerAddress[]): string {
  return listeners.map(({ name }) => name).join(", ");
}
