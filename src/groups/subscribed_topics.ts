/**
 * The topics that a classic consumer group subscribes to, as far as the coordinator knows: the
 * members' metadata is opaque to it, but consumers use a known format.
 *
 * @module
 */
import { consumerProtocolSubscription } from "../protocol/messages/consumer_protocol.ts";
import { ProtocolError } from "../protocol/protocol_error.ts";
import { type ClassicGroup, metadataOf } from "./classic_group_state.ts";

/** The protocol type of consumer groups. */
export const CONSUMER_PROTOCOL_TYPE = "consumer";

/**
 * Returns the topics of all members' subscriptions, or null if they are unknown: the group is not a
 * consumer group, or the metadata has another format.
 */
export function subscribedTopics(group: ClassicGroup): ReadonlySet<string> | null {
  if (group.protocolType !== CONSUMER_PROTOCOL_TYPE) return null;
  const topics = new Set<string>();
  if (group.members.size === 0) return topics;
  if (group.protocolName === null) return null;
  try {
    for (const member of group.members.values()) {
      const metadata = metadataOf(member, group.protocolName);
      for (const topic of consumerProtocolSubscription.decode(metadata).topics) topics.add(topic);
    }
  } catch (error) {
    if (error instanceof ProtocolError) return null;
    throw error;
  }
  return topics;
}

/**
 * Returns whether the group subscribes to `topic`. A consumer group with unknown subscriptions
 * counts as subscribed to every topic.
 */
export function isSubscribedTo(group: ClassicGroup, topic: string): boolean {
  return group.subscribedTopics?.has(topic) ?? group.protocolType === CONSUMER_PROTOCOL_TYPE;
}
