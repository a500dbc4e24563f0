/**
 * Which topics a classic consumer group reads, as far as the coordinator can tell: its members'
 * metadata belongs to them, but consumers write it in a known form.
 *
 * @module
 */
import { consumerProtocolSubscription } from "../protocol/messages/consumer_protocol.ts";
import { ProtocolError } from "../protocol/protocol_error.ts";
import { type ClassicGroup, metadataOf } from "./classic_group_state.ts";

/** The protocol type of consumers. */
export const CONSUMER_PROTOCOL_TYPE = "consumer";

/**
 * The topics that the members' subscriptions name. Null when it cannot be known: a group that is no
 * consumer group, or metadata in another form.
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

/** Whether the group reads `topic`. A consumer group that cannot be known is taken to read all. */
export function isSubscribedTo(group: ClassicGroup, topic: string): boolean {
  return group.subscribedTopics?.has(topic) ?? group.protocolType === CONSUMER_PROTOCOL_TYPE;
}
