/**
 * The keys about listeners, taken together: which listeners a node opens, and where each tells its
 * clients to connect.
 *
 * @module
 */
import { invalidConfig, splitList } from "./definition.ts";
import { formatListener, type ListenerAddress, parseListeners } from "./listeners.ts";

/** What the keys about listeners say together. */
export interface ListenerSettings {
  /** The listeners that clients connect to, at least one. */
  readonly listeners: readonly ListenerAddress[];
  /** By the name of a listener, where its clients are to connect instead of where it listens. */
  readonly advertised: ReadonlyMap<string, ListenerAddress>;
  /** What was given and has no effect, in sentences. */
  readonly notices: readonly string[];
}

/** The security protocols of Apache Kafka. */
const SECURITY_PROTOCOLS: readonly string[] = ["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"];
/** The one that is there. */
const PLAINTEXT = "PLAINTEXT";
const WHY_NO_CONTROLLER_LISTENER = "this node is its own controller and needs no listener for it";

/**
 * Resolves the keys about listeners. `text` gives the value of a key, which is of the form that the
 * key takes. Throws a `KafkaError` INVALID_CONFIG for values that do not fit together, as Apache Kafka
 * does, and for a listener with TLS or SASL.
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
      "controller.listener.names has all of them, add one for clients",
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

/** Why `text` cannot be `listener.security.protocol.map`, or null. */
export function refuseSecurityProtocolMap(text: string): string | null {
  const names = new Set<string>();
  for (const entry of splitList(text)) {
    const [, name, protocol] = /^([A-Za-z0-9._-]+):(\w+)$/.exec(entry) ?? [];
    if (name === undefined || !SECURITY_PROTOCOLS.includes(protocol!.toUpperCase())) {
      return `"${entry}" is no entry, write it as LISTENER:PLAINTEXT`;
    }
    if (names.has(name.toUpperCase())) return `the listener ${name} is there twice`;
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
    // As in Kafka, a controller's listener needs no entry where no map is given.
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
        : `${name} has the security protocol ${protocol}, and this version has PLAINTEXT only, no ` +
          "TLS or SASL yet",
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
      "security.inter.broker.protocol says the same, give one of them",
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
