/**
 * The configuration keys about a node: its id, its roles, its directories and its listeners.
 *
 * @module
 */
import { type ConfigDefinition, fixedKey as fixed, splitList } from "./definition.ts";
import { rejectListenerNames, rejectSecurityProtocolMap } from "./listener_settings.ts";
import { rejectAdvertisedListeners, rejectListeners } from "./listeners.ts";
import { rejectRoles } from "./node_settings.ts";

function rejectDirectories(text: string): string | null {
  const directories = splitList(text);
  if (directories.length === 0) return "name at least one directory";
  return directories.includes("") ? "a directory's name is empty" : null;
}

/** Keys about the node: its id, its roles, its directories and its listeners. */
export const NODE_KEYS: readonly ConfigDefinition[] = [
  fixed({
    name: "node.id",
    type: "int",
    default: "1",
    min: 0,
    documentation: "Id of this node in its cluster.",
  }),
  fixed({
    name: "broker.id",
    type: "int",
    default: null,
    min: 0,
    documentation: "Older name of node.id.",
  }),
  fixed({
    name: "process.roles",
    type: "list",
    default: "broker,controller",
    oneOf: ["broker", "controller"],
    reject: rejectRoles,
    documentation: "Roles of this process: broker, controller, or both.",
  }),
  fixed({
    name: "broker.rack",
    type: "string",
    default: null,
    documentation: "Rack or zone of this node. Clients read it in the cluster's metadata.",
  }),
  fixed({
    name: "log.dirs",
    type: "list",
    default: "data",
    reject: rejectDirectories,
    documentation:
      "Data directories, separated by commas. The first holds the metadata log unless " +
      "metadata.log.dir is set.",
  }),
  fixed({
    name: "log.dir",
    type: "list",
    default: null,
    reject: rejectDirectories,
    documentation: "Data directories, used if log.dirs is not set.",
  }),
  fixed({
    name: "metadata.log.dir",
    type: "string",
    default: null,
    documentation: "Which of log.dirs holds the metadata log. Defaults to the first.",
  }),
  fixed({
    name: "listeners",
    type: "list",
    default: "PLAINTEXT://127.0.0.1:9092",
    reject: rejectListeners,
    documentation:
      "Addresses to listen on, as NAME://host:port. Port 0 selects any free port; an empty host " +
      "means every address.",
  }),
  fixed({
    name: "advertised.listeners",
    type: "list",
    default: null,
    reject: rejectAdvertisedListeners,
    documentation:
      "Addresses that clients connect to, as NAME://host:port, for listeners where it differs " +
      "from the address listened on.",
  }),
  fixed({
    name: "listener.security.protocol.map",
    type: "string",
    default: null,
    reject: rejectSecurityProtocolMap,
    documentation:
      "Security protocol of each listener, as NAME:PROTOCOL separated by commas. If unset, a " +
      "listener named like a protocol uses that protocol.",
  }),
  fixed({
    name: "controller.listener.names",
    type: "list",
    default: null,
    reject: rejectListenerNames,
    documentation:
      "Names of the listeners for controllers, of this node or, on a broker, of the controllers. " +
      "Brokers use the first. A node that is the only controller needs none.",
  }),
  fixed({
    name: "inter.broker.listener.name",
    type: "string",
    default: null,
    documentation: "Name of the listener at which brokers reach each other. Defaults to PLAINTEXT.",
  }),
];
