/**
 * The keys that name the controllers: `controller.quorum.voters` and
 * `controller.quorum.bootstrap.servers`.
 *
 * @module
 */
import { isUuid, ZERO_UUID } from "../protocol/uuid.ts";
import { invalidConfig, MAX_INT, splitList } from "./definition.ts";
import { type ListenerAddress, LOOPBACK_HOST, WILDCARD_HOSTS } from "./listeners.ts";

/** The address of a controller. */
export interface QuorumServer {
  /** A name or an IP address. An IPv6 address has no brackets. */
  readonly host: string;
  /** 1 to 65535. */
  readonly port: number;
}

/** A voter of a static quorum (kraft.version 0). */
export interface QuorumVoter extends QuorumServer {
  /** Its `node.id`. */
  readonly id: number;
}

/** A first voter of a dynamic quorum (kraft.version 1). */
export interface InitialController extends QuorumVoter {
  /** The id of its metadata directory. */
  readonly directoryId: string;
}

/** The parts of a node's configuration that its voter entry must agree with. */
export interface VoterNode {
  readonly nodeId: number;
  readonly isController: boolean;
  /** Its listeners for controllers. */
  readonly controllerListeners: readonly ListenerAddress[];
  readonly advertised: ReadonlyMap<string, ListenerAddress>;
}

/** Returns why `text` is not a valid `controller.quorum.voters`, or null. */
export function rejectVoters(text: string): string | null {
  const ids = new Set<number>();
  const addresses = new Set<string>();
  for (const entry of splitList(text)) {
    const voter = parseVoter(entry);
    if (voter === null) {
      return `"${entry}" is not a voter, write it as id@host:port, such as 1@localhost:9093`;
    }
    if (ids.has(voter.id)) return `node ${voter.id} occurs twice, list each controller once`;
    if (WILDCARD_HOSTS.includes(voter.host)) return unreachable(entry);
    const address = `${voter.host.toLowerCase()}:${voter.port}`;
    if (addresses.has(address)) {
      return `two nodes have the address ${address}, each controller needs its own`;
    }
    ids.add(voter.id);
    addresses.add(address);
  }
  return null;
}

/** Returns why `text` is not a valid `controller.quorum.bootstrap.servers`, or null. */
export function rejectBootstrapServers(text: string): string | null {
  for (const entry of splitList(text)) {
    const server = parseServer(entry);
    if (server === null) {
      return `"${entry}" is not an address, write it as host:port, such as localhost:9093`;
    }
    if (WILDCARD_HOSTS.includes(server.host)) return unreachable(entry);
  }
  return null;
}

/**
 * Parses `id@host:port:directoryId` entries, separated by commas. Returns why `text` is not valid, as a
 * string.
 */
export function parseInitialControllers(text: string): InitialController[] | string {
  const controllers: InitialController[] = [];
  const directories = new Set<string>();
  for (const entry of splitList(text)) {
    const at = entry.lastIndexOf(":");
    const voter = parseVoter(entry.slice(0, Math.max(0, at)));
    const directoryId = entry.slice(at + 1);
    if (voter === null || !isUuid(directoryId) || directoryId === ZERO_UUID) {
      return `"${entry}" is not a controller, write it as id@host:port:directoryId, with a directory id ` +
        'of 22 characters that "millrace format --random-uuid" prints';
    }
    if (directories.has(directoryId)) {
      return `two nodes have the directory id ${directoryId}, each needs its own`;
    }
    directories.add(directoryId);
    controllers.push({ ...voter, directoryId });
  }
  if (controllers.length === 0) return "name at least one as id@host:port:directoryId";
  return rejectVoters(controllers.map(formatVoter).join(",")) ?? controllers;
}

/** Parses a text that {@linkcode rejectVoters} accepts. */
export function parseVoters(text: string): QuorumVoter[] {
  return splitList(text).map((entry) => parseVoter(entry)!);
}

/** Parses a text that {@linkcode rejectBootstrapServers} accepts. */
export function parseBootstrapServers(text: string): QuorumServer[] {
  return splitList(text).map((entry) => parseServer(entry)!);
}

/**
 * Throws a `KafkaError` INVALID_CONFIG if `voters`, which are not empty, contradict the node: a controller
 * is a voter, at the port of one of its controller listeners; a node that is a broker only is none.
 */
export function checkVoters(voters: readonly QuorumVoter[], node: VoterNode): void {
  const text = voters.map(formatVoter).join(",");
  const own = voters.find(({ id }) => id === node.nodeId);
  const reject = (reason: string) => invalidConfig("controller.quorum.voters", text, reason);
  if (!node.isController) {
    if (own === undefined) return;
    throw reject(
      `process.roles makes node ${node.nodeId} a broker only, remove it from the voters, or give this ` +
        "node another node.id",
    );
  }
  if (own === undefined) {
    throw reject(
      `this node is a controller, so its node.id, ${node.nodeId}, must be among them; add ` +
        `${node.nodeId}@host:port`,
    );
  }
  const ports = node.controllerListeners.flatMap(({ name, port }) => {
    const advertised = node.advertised.get(name);
    return advertised === undefined ? [port] : [port, advertised.port];
  });
  if (ports.includes(own.port)) return;
  throw reject(
    `this node, ${node.nodeId}, is listed with port ${own.port}, and its listeners for controllers have ` +
      `port ${[...new Set(ports)].join(", ")}; use the same port in both`,
  );
}

/** Returns whether `server` is certainly one of the node's own controller listeners. */
export function isOwnServer(
  server: QuorumServer,
  { controllerListeners, advertised }: Pick<VoterNode, "controllerListeners" | "advertised">,
): boolean {
  const host = server.host.toLowerCase();
  return controllerListeners.some((listener) => {
    const outside = advertised.get(listener.name);
    if (outside?.host.toLowerCase() === host && (outside.port || listener.port) === server.port) {
      return true;
    }
    if (listener.port !== server.port) return false;
    const isHere = WILDCARD_HOSTS.includes(listener.host) || LOOPBACK_HOST.test(listener.host);
    return listener.host.toLowerCase() === host || isHere && LOOPBACK_HOST.test(host);
  });
}

function parseVoter(entry: string): QuorumVoter | null {
  const [, id, address] = /^(\d{1,10})@(.+)$/.exec(entry) ?? [];
  const server = address === undefined ? null : parseServer(address);
  return server === null || Number(id) > MAX_INT ? null : { id: Number(id), ...server };
}

function parseServer(entry: string): QuorumServer | null {
  const match = /^(?:\[([0-9A-Fa-f:.]+(?:%[\w.-]+)?)\]|([^:/@\s[\]]+)):(\d{1,5})$/.exec(entry);
  const port = Number(match?.[3]);
  return match === null || port < 1 || port > 65_535 ? null : { host: match[1] ?? match[2]!, port };
}

function formatVoter({ id, host, port }: QuorumVoter): string {
  return `${id}@${host.includes(":") ? `[${host}]` : host}:${port}`;
}

function unreachable(entry: string): string {
  return `no node can connect to "${entry}", name a host that they can reach`;
}
