/**
 * The keys about the quorum of controllers: on a node that is the only one, they may name that node
 * and no other.
 *
 * @module
 */
import { invalidConfig, splitList } from "./definition.ts";

/** Why `text` cannot be `controller.quorum.voters`, or null. */
export function refuseVoters(text: string): string | null {
  return splitList(text).every((voter) => /^\d{1,10}@.+:\d{1,5}$/.test(voter))
    ? null
    : "write it as id@host:port, such as 1@localhost:9093";
}

/** Why `text` cannot be `controller.quorum.bootstrap.servers`, or null. */
export function refuseBootstrapServers(text: string): string | null {
  const servers = splitList(text);
  if (!servers.every((server) => /^.+:\d{1,5}$/.test(server))) {
    return "write it as host:port, such as localhost:9093";
  }
  return servers.length > 1
    ? "this node is the only controller, more than one needs a quorum, which Millrace does not have yet"
    : null;
}

/** Throws a `KafkaError` INVALID_CONFIG unless `voters`, where given, is the node `nodeId` alone. */
export function checkVoters(voters: string | null, nodeId: number): void {
  if (voters === null) return;
  const ids = splitList(voters).map((voter) => Number(voter.slice(0, voter.indexOf("@"))));
  if (!ids.includes(nodeId)) {
    throw invalidConfig(
      "controller.quorum.voters",
      voters,
      `this node is a controller, so its node.id, ${nodeId}, must be among them`,
    );
  }
  if (ids.length > 1) {
    throw invalidConfig(
      "controller.quorum.voters",
      voters,
      "this node is the only controller, more than one needs a quorum, which Millrace does not have yet",
    );
  }
}
