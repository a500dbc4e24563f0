/**
 * Builds Produce requests from batches and finds the result of each batch in the response.
 *
 * @module
 */
import type { RequestInputOf } from "../../protocol/api.ts";
import type { produce, ProduceResponse } from "../../protocol/messages/produce.ts";
import { ZERO_UUID } from "../../protocol/uuid.ts";
import type { ClusterView } from "../cluster/cluster_view.ts";
import type { PartitionQueue } from "./partition_queue.ts";
import type { ProducerBatch } from "./producer_batch.ts";

/** A batch in flight and its queue. */
export interface Sent {
  readonly queue: PartitionQueue;
  readonly batch: ProducerBatch;
}

/** The response for one partition. */
export type PartitionAnswer = ProduceResponse["responses"][number]["partitionResponses"][number];

/** A Produce request with the data needed to read its response. */
export interface ProduceRequestPlan {
  readonly query: RequestInputOf<typeof produce>;
  /** The topic ids in the request, by topic name. */
  readonly topicIds: ReadonlyMap<string, string>;
  /** The maximum version for the request: without all topic ids, the last one with names. */
  readonly maxVersion: number;
}

/** The last version of Produce with topic names; later versions have topic ids. */
const LAST_VERSION_WITH_NAMES = 12;

/**
 * Returns the request that sends the batches of `sent`. Throws if a batch cannot be encoded. `acks`
 * and `timeoutMs` are the fields of the request.
 */
export function produceRequest(
  sent: readonly Sent[],
  view: ClusterView,
  acks: number,
  timeoutMs: number,
): ProduceRequestPlan {
  const topics = new Map<
    string,
    { name: string; topicId: string; partitionData: { index: number; records: Uint8Array }[] }
  >();
  const topicIds = new Map<string, string>();
  let hasIds = true;
  for (const { queue, batch } of sent) {
    let topic = topics.get(queue.topic);
    if (topic === undefined) {
      const topicId = view.topic(queue.topic)?.topicId ?? null;
      hasIds &&= topicId !== null;
      topic = { name: queue.topic, topicId: topicId ?? ZERO_UUID, partitionData: [] };
      topics.set(queue.topic, topic);
      topicIds.set(queue.topic, topic.topicId);
    }
    topic.partitionData.push({ index: queue.partition, records: batch.bytes() });
  }
  return {
    query: { transactionalId: null, acks, timeoutMs, topicData: [...topics.values()] },
    topicIds,
    maxVersion: hasIds ? Infinity : LAST_VERSION_WITH_NAMES,
  };
}

/** Returns the response for the partition of `queue`, or undefined if there is none. */
export function partitionAnswer(
  response: ProduceResponse,
  queue: PartitionQueue,
  topicIds: ReadonlyMap<string, string>,
): PartitionAnswer | undefined {
  const topic = response.responses.find(({ name, topicId }) =>
    name === "" ? topicId === topicIds.get(queue.topic) : name === queue.topic
  );
  return topic?.partitionResponses.find(({ index }) => index === queue.partition);
}
