/**
 * Resolves the keys that say what a node is in its cluster: its roles, its listeners, and the controllers
 * of its quorum.
 *
 * @module
 */
import { invalidConfig, splitList } from "./definition.ts";
import { type ListenerSettings, type ProcessRole, resolveListeners } from "./listener_settings.ts";
import { isWildcard } from "./listeners.ts";
import {
  checkVoters,
  isOwnServer,
  parseBootstrapServers,
  parseVoters,
  type QuorumServer,
  type QuorumVoter,
} from "./quorum.ts";

/** What a node is in its cluster. */
export interface NodeSettings extends ListenerSettings {
  readonly roles: readonly ProcessRole[];
  readonly quorumVoters: readonly QuorumVoter[];
  readonly quorumBootstrapServers: readonly QuorumServer[];
  /** Whether the node is broker and controller, and no key names another node. */
  readonly isAlone: boolean;
}

const VOTERS = "controller.quorum.voters";
const BOOTSTRAP_SERVERS = "controller.quorum.bootstrap.servers";
const INTER_BROKER_LISTENER = "inter.broker.listener.name";
const DEFAULT_LISTENER = "PLAINTEXT";
const AUTO_JOIN = "controller.quorum.auto.join.enable";

/**
 * Resolves the keys about the node. `text` returns the value of a key, already validated by itself. Throws
 * a `KafkaError` INVALID_CONFIG for values that contradict each other.
 */
export function resolveNode(nodeId: number, text: (name: string) => string | null): NodeSettings {
  const rolesText = text("process.roles")!;
  const roles = splitList(rolesText) as ProcessRole[];
  const isController = roles.includes("controller");
  const quorumVoters = parseVoters(text(VOTERS) ?? "");
  const quorumBootstrapServers = parseBootstrapServers(text(BOOTSTRAP_SERVERS) ?? "");
  const hasQuorum = quorumVoters.length + quorumBootstrapServers.length > 0;
  if (roles.length === 1 && !hasQuorum) {
    throw invalidConfig(
      "process.roles",
      rolesText,
      `a node that is a ${rolesText} only needs the addresses of the controllers, set ${VOTERS} or ` +
        BOOTSTRAP_SERVERS,
    );
  }
  const listeners = resolveListeners({ roles, hasQuorum, text });
  if (quorumVoters.length > 0) checkVoters(quorumVoters, { nodeId, isController, ...listeners });
  checkAutoJoin(text, isController, quorumVoters.length > 0);
  const isAlone = roles.length === 2 && quorumVoters.every(({ id }) => id === nodeId) &&
    quorumBootstrapServers.every((server) => isOwnServer(server, listeners));
  const settings = { ...listeners, roles, quorumVoters, quorumBootstrapServers, isAlone };
  if (!isAlone) {
    checkReachable(settings, text);
    checkInterBrokerListener(settings, text);
  }
  return settings;
}

/** Returns why `text` is not a valid `process.roles`, or null. */
export function rejectRoles(text: string): string | null {
  return splitList(text).length === 0 ? 'it takes "broker", "controller", or both' : null;
}

function checkAutoJoin(
  text: (name: string) => string | null,
  isController: boolean,
  isStatic: boolean,
): void {
  if (text(AUTO_JOIN) !== "true") return;
  if (!isController) {
    throw invalidConfig(
      AUTO_JOIN,
      "true",
      `process.roles is ${
        text("process.roles")
      }, and only a controller joins the quorum; remove the key`,
    );
  }
  if (isStatic) {
    throw invalidConfig(
      AUTO_JOIN,
      "true",
      `${VOTERS} makes the quorum a fixed one that no controller can join; replace it by ` +
        `${BOOTSTRAP_SERVERS}, or remove the key`,
    );
  }
}

/** Throws if other nodes could not find out at which address to connect to this node. */
function checkReachable(
  settings: Omit<NodeSettings, "isAlone">,
  text: (name: string) => string | null,
): void {
  // The other nodes know a voter of a static quorum by its entry.
  const needed = settings.quorumVoters.length > 0
    ? settings.brokerListeners
    : [...settings.brokerListeners, ...settings.controllerListeners];
  const hidden = needed.find((listener) =>
    isWildcard(listener) && !settings.advertised.has(listener.name)
  );
  if (hidden === undefined) return;
  throw invalidConfig(
    "listeners",
    text("listeners")!,
    `${hidden.name} listens on every address, so other nodes need one to connect to; add ` +
      `${hidden.name}://host:${hidden.port} to advertised.listeners`,
  );
}

/** Throws if the brokers of a cluster would each choose a listener of their own to reach each other. */
function checkInterBrokerListener(
  { interBrokerListenerName, brokerListeners }: Omit<NodeSettings, "isAlone">,
  text: (name: string) => string | null,
): void {
  if (interBrokerListenerName === null || interBrokerListenerName === DEFAULT_LISTENER) return;
  if (text(INTER_BROKER_LISTENER) !== null) return;
  throw invalidConfig(
    "listeners",
    text("listeners")!,
    `none is named ${DEFAULT_LISTENER}, so brokers do not know which to use among themselves; set ` +
      `${INTER_BROKER_LISTENER} to ${brokerListeners.map(({ name }) => name).join(" or ")}`,
  );
}
