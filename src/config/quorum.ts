/**
 * Checks of the keys about the controller quorum. A node that is the only controller accepts no other
 * node in them.
 *
 * @module
 */
import { invalidConfig, splitList } from "./definition.ts";

/** Returns why `text` is not a valid `controller.quorum.voters`, or null. */
export function rejectVoters(text: string): string | null {
  return splitList(text).every((voter) => /^\d{1,10}@.+:\d{1,5}$/.test(voter))
    ? null
    : "write it as id@host:port, such as 1@localhost:9093";
}

/** Returns why `text` is not a valid `controller.quorum.bootstrap.servers`, or null. */
export function rejectBootstrapServers(text: string): string | null {
  const servers = splitList(text);
  if (!servers.every((server) => /^.+:\d{1,5}$/.test(server))) {
    return "write it as host:port, such as localhost:9093";
  }
  return servers.length > 1
    ? "this node is the only controller, and this version does not support a quorum of several"
    : null;
}

/** Throws a `KafkaError` INVALID_CONFIG unless `voters` is null or lists the node `nodeId` alone. */
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
      "this node is the only controller, and this version does not support a quorum of several",
    );
  }
}
