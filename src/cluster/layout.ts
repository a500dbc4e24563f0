/**
 * The layout of a cluster: its nodes, their roles and ids, and the settings by which they find each other.
 *
 * @module
 */
import { isWildcard } from "../config/listeners.ts";

/** A role of a node. */
export type NodeRole = "broker" | "controller";

/** A node of a cluster. */
export interface NodePlan {
  readonly id: number;
  readonly roles: readonly NodeRole[];
}

/** The ports of a node, by role. */
export type NodePorts = ReadonlyMap<NodeRole, number>;

/** The id of the first controller that is not a broker too. Brokers count from 1. */
const FIRST_CONTROLLER_ID = 101;
/** Maximum number of brokers that are controllers too. */
const MAX_COMBINED = 3;
const LISTENER_NAMES: Readonly<Record<NodeRole, string>> = {
  broker: "PLAINTEXT",
  controller: "CONTROLLER",
};

/**
 * Returns the nodes of a cluster. Without controllers of their own, the first three brokers are controllers
 * too, or the first one if there are fewer than three: two voters would need each other.
 */
export function planNodes(brokers: number, controllers: number): NodePlan[] {
  const combined = controllers > 0 ? 0 : brokers < MAX_COMBINED ? 1 : MAX_COMBINED;
  return [
    ...Array.from({ length: controllers }, (_, index): NodePlan => ({
      id: FIRST_CONTROLLER_ID + index,
      roles: ["controller"],
    })),
    ...Array.from({ length: brokers }, (_, index): NodePlan => ({
      id: index + 1,
      roles: index < combined ? ["broker", "controller"] : ["broker"],
    })),
  ];
}

/** Returns the only node of a cluster in this process, with the settings `config`. */
export function planLoneNode(config: Readonly<Record<string, string>>): NodePlan {
  const roles = config["process.roles"]?.split(",").map((role) => role.trim() as NodeRole);
  return {
    id: Number(config["node.id"] ?? config["broker.id"] ?? 1),
    roles: roles ?? ["broker", "controller"],
  };
}

/** Returns an address of this machine at which a listener on `host` can be reached. */
export function reachableHost(host: string): string {
  if (!isWildcard({ name: "", host, port: 0 })) return host;
  return host === "::" ? "::1" : "127.0.0.1";
}

/** Returns `host:port`, with the brackets that an IPv6 address needs. */
export function hostAndPort(host: string, port: number): string {
  return `${host.includes(":") ? `[${host}]` : host}:${port}`;
}

/** Returns the settings by which a node finds the others. `portsOf` has the ports of every node. */
export function layoutSettings(
  { id, roles }: NodePlan,
  host: string,
  portsOf: ReadonlyMap<number, NodePorts>,
): Record<string, string> {
  const reachable = reachableHost(host);
  const own = portsOf.get(id)!;
  const listeners = (of: (role: NodeRole) => string) =>
    roles.map((role) => `${LISTENER_NAMES[role]}://${hostAndPort(of(role), own.get(role)!)}`);
  const voters = [...portsOf].flatMap(([voter, ports]) => {
    const port = ports.get("controller");
    return port === undefined ? [] : [`${voter}@${hostAndPort(reachable, port)}`];
  });
  return {
    "process.roles": roles.join(","),
    "node.id": String(id),
    // Only nodes of this process connect to controllers.
    "listeners": listeners((role) => role === "broker" ? host : reachable).join(","),
    ...(host !== reachable && roles.includes("broker") && {
      "advertised.listeners": listeners(() => reachable)[roles.indexOf("broker")]!,
    }),
    "controller.listener.names": LISTENER_NAMES.controller,
    "controller.quorum.voters": voters.join(","),
  };
}
