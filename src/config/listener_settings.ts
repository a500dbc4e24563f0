/**
 * Resolves the keys about listeners: which listeners a node opens for clients and brokers, which for
 * controllers, and the address that each advertises.
 *
 * @module
 */
import { invalidConfig, splitList } from "./definition.ts";
import { type ListenerAddress, parseListeners } from "./listeners.ts";

/** What a process is. */
export type ProcessRole = "broker" | "controller";

/** The result of all keys about listeners. */
export interface ListenerSettings {
  /** The listeners for clients and other brokers: at least one on a broker, none on another node. */
  readonly brokerListeners: readonly ListenerAddress[];
  /** The listeners for controllers and for brokers that talk to them. Empty on a broker only. */
  readonly controllerListeners: readonly ListenerAddress[];
  /** `controller.listener.names`: the first is the one that brokers use to reach a controller. */
  readonly controllerListenerNames: readonly string[];
  /** The listener at which brokers reach each other, or null if this node is no broker. */
  readonly interBrokerListenerName: string | null;
  /** Advertised addresses that are given, by the listener's name. */
  readonly advertised: ReadonlyMap<string, ListenerAddress>;
  /** Notices about settings without effect. */
  readonly notices: readonly string[];
}

/** The input of {@linkcode resolveListeners}. */
export interface ListenerInput {
  readonly roles: readonly ProcessRole[];
  /** Whether a key names the controllers of the quorum. */
  readonly hasQuorum: boolean;
  /** Returns the value of a key, already validated by itself. */
  text(name: string): string | null;
}

/** The security protocols of Apache Kafka. */
const SECURITY_PROTOCOLS: readonly string[] = ["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"];
/** The only supported protocol. */
const PLAINTEXT = "PLAINTEXT";

/**
 * Resolves the keys about listeners. Throws a `KafkaError` INVALID_CONFIG for inconsistent values, as
 * Apache Kafka does, and for a listener with TLS or SASL.
 */
export function resolveListeners(input: ListenerInput): ListenerSettings {
  const { text, roles } = input;
  const all = parseListeners(text("listeners")!);
  const controllerListenerNames = splitList(text("controller.listener.names") ?? "")
    .map((name) => name.toUpperCase());
  const isForControllers = ({ name }: ListenerAddress) => controllerListenerNames.includes(name);
  const controllerListeners = all.filter(isForControllers);
  const brokerListeners = all.filter((listener) => !isForControllers(listener));
  checkSecurityProtocols(all, controllerListenerNames, text);
  checkRoles(input, brokerListeners, controllerListeners, controllerListenerNames);
  const advertised = resolveAdvertised(text("advertised.listeners"), all, controllerListenerNames);
  return {
    brokerListeners,
    controllerListeners,
    controllerListenerNames,
    advertised,
    ...(roles.includes("broker")
      ? { interBrokerListenerName: interBrokerListener(text, brokerListeners), notices: [] }
      : {
        interBrokerListenerName: null,
        notices: text("inter.broker.listener.name") === null
          ? []
          : ["inter.broker.listener.name has no effect: this node is no broker"],
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

/** Returns why `text` is not a valid `controller.listener.names`, or null. */
export function rejectListenerNames(text: string): string | null {
  const names = splitList(text).map((name) => name.toUpperCase());
  if (names.length === 0) return "name at least one listener, such as CONTROLLER";
  const wrong = names.find((name) => !/^[A-Z0-9._-]+$/.test(name));
  if (wrong !== undefined) return `"${wrong}" is not the name of a listener, such as CONTROLLER`;
  const repeated = names.find((name, i) => names.indexOf(name) < i);
  return repeated === undefined ? null : `${repeated} occurs twice`;
}

function checkSecurityProtocols(
  listeners: readonly ListenerAddress[],
  controllerNames: readonly string[],
  text: ListenerInput["text"],
): void {
  const protocols = new Map(SECURITY_PROTOCOLS.map((name) => [name, name]));
  const map = text("listener.security.protocol.map");
  if (map === null) {
    // As in Kafka, a controller listener needs no entry if no map is given.
    for (const name of controllerNames) if (!protocols.has(name)) protocols.set(name, PLAINTEXT);
  } else {
    protocols.clear();
    for (const entry of splitList(map)) {
      const [name, protocol] = entry.toUpperCase().split(":");
      protocols.set(name!, protocol!);
    }
  }
  const check = (key: string, name: string) => {
    const protocol = protocols.get(name);
    if (protocol === PLAINTEXT) return;
    throw invalidConfig(
      key,
      text(key)!,
      protocol === undefined
        ? `${name} has no security protocol, add ${name}:PLAINTEXT to listener.security.protocol.map`
        : `${name} has the security protocol ${protocol}, and this version supports PLAINTEXT only, not ` +
          "TLS or SASL",
    );
  };
  for (const { name } of listeners) check("listeners", name);
  for (const name of controllerNames) check("controller.listener.names", name);
}

/** Throws unless the node has the listeners that its roles need, and no others. */
function checkRoles(
  { roles, hasQuorum, text }: ListenerInput,
  brokerListeners: readonly ListenerAddress[],
  controllerListeners: readonly ListenerAddress[],
  controllerNames: readonly string[],
): void {
  const reject = (key: string, reason: string) => invalidConfig(key, text(key) ?? "", reason);
  if (!roles.includes("controller")) {
    if (controllerNames.length === 0) {
      throw reject(
        "process.roles",
        "a broker also needs controller.listener.names, the name that the controllers give their " +
          "listener, such as CONTROLLER",
      );
    }
    if (controllerListeners.length > 0) {
      throw reject(
        "listeners",
        `${
          namesOf(controllerListeners)
        } is among controller.listener.names, and process.roles makes this ` +
          "node a broker only; remove it, or add the role controller",
      );
    }
    return;
  }
  const missing = controllerNames.find((name) =>
    !controllerListeners.some((listener) => listener.name === name)
  );
  if (missing !== undefined) {
    throw reject(
      "controller.listener.names",
      `a controller needs ${missing} among its listeners, ${text("listeners")}; add ` +
        `${missing}://host:port to listeners`,
    );
  }
  if (roles.includes("broker")) {
    if (brokerListeners.length === 0) {
      throw reject(
        "listeners",
        "controller.listener.names lists all of them, add one for clients, or leave the role broker out " +
          "of process.roles",
      );
    }
    if (controllerListeners.length > 0 || !hasQuorum) return;
  } else if (brokerListeners.length > 0) {
    throw reject(
      "listeners",
      `process.roles makes this node a controller only, and ${
        namesOf(brokerListeners)
      } is not among ` +
        "controller.listener.names; name it there, or add the role broker",
    );
  }
  if (controllerListeners.length > 0) return;
  throw reject(
    "listeners",
    "a controller of a quorum needs a listener for controllers; add CONTROLLER://host:9093, and set " +
      "controller.listener.names to CONTROLLER",
  );
}

function resolveAdvertised(
  text: string | null,
  listeners: readonly ListenerAddress[],
  controllerNames: readonly string[],
): Map<string, ListenerAddress> {
  const advertised = new Map<string, ListenerAddress>();
  if (text === null) return advertised;
  for (const listener of parseListeners(text)) {
    const { name } = listener;
    if (!listeners.some((one) => one.name === name)) {
      throw invalidConfig(
        "advertised.listeners",
        text,
        controllerNames.includes(name)
          ? `${name} is among controller.listener.names, and this node has no listener for controllers; ` +
            "remove it"
          : `${name} is not among the listeners, ${namesOf(listeners)}`,
      );
    }
    advertised.set(name, listener);
  }
  return advertised;
}

/**
 * Returns the name of the listener at which brokers reach each other: the given one, else PLAINTEXT, else
 * the first.
 */
function interBrokerListener(
  text: ListenerInput["text"],
  listeners: readonly ListenerAddress[],
): string {
  const name = text("inter.broker.listener.name");
  const protocol = text("security.inter.broker.protocol");
  const has = (wanted: string) => listeners.some((listener) => listener.name === wanted);
  if (name === null) {
    if (has(PLAINTEXT)) return PLAINTEXT;
    if (protocol === null) return listeners[0]!.name;
    throw invalidConfig(
      "security.inter.broker.protocol",
      protocol,
      `no listener for clients has that name, only ${
        namesOf(listeners)
      }; set inter.broker.listener.name ` +
        "instead",
    );
  }
  if (protocol !== null) {
    throw invalidConfig(
      "inter.broker.listener.name",
      name,
      "security.inter.broker.protocol has the same meaning, give only one of them",
    );
  }
  if (has(name.toUpperCase())) return name.toUpperCase();
  throw invalidConfig(
    "inter.broker.listener.name",
    name,
    `it must be one of the listeners for clients, ${namesOf(listeners)}`,
  );
}

function namesOf(listeners: readonly ListenerAddress[]): string {
  return listeners.map(({ name }) => name).join(", ");
}
