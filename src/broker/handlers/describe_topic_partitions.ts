/**
 * DescribeTopicPartitions returns topics and their partitions in pages (KIP-966).
 *
 * Serves version 0, which is flexible. Topics are sorted by name, and an empty list stands for all
 * topics. After `responsePartitionLimit` or `max.request.partition.size.limit` partitions the
 * answer ends with a cursor, at which the next request continues. As in Apache Kafka, a partition
 * without a leader that the client can reach has leader -1 and no error.
 *
 * @module
 */
import type { BrokerConfig } from "../../config/broker_config.ts";
import { isInternalTopic } from "../../controller/internal_topics.ts";
import { errorForMissingTopic } from "../../controller/topic_names.ts";
import type { MetadataImage, PartitionImage } from "../../metadata/image.ts";
import type { ResponseInputOf } from "../../protocol/api.ts";
import { ErrorCode, KafkaError } from "../../protocol/errors.ts";
import { describeTopicPartitions } from "../../protocol/messages/describe_topic_partitions.ts";
import { ZERO_UUID } from "../../protocol/uuid.ts";
import { TOPIC_OPERATIONS } from "../../protocol/authorized_operations.ts";
import { type AskedListener, partitionView } from "../metadata_response.ts";
import { defineHandler, type Handler } from "../../network/server/handler.ts";

type Response = ResponseInputOf<typeof describeTopicPartitions>;
type TopicResponse = Response["topics"][number];
type Image = Pick<MetadataImage, "topics" | "topicByName" | "broker">;

interface Needs {
  readonly nodeId: number;
  image(): Image;
  readonly config: Pick<BrokerConfig, "maxRequestPartitionSizeLimit">;
}

/** Serves DescribeTopicPartitions. */
export const describeTopicPartitionsHandler: Handler<Needs> = defineHandler(
  describeTopicPartitions,
  {
    handle({ cursor, ...request }, { services, connection }) {
      if (cursor !== null && cursor.partitionIndex < 0) {
        throw new KafkaError(
          ErrorCode.INVALID_REQUEST,
          `The cursor's partition is ${cursor.partitionIndex}: it must be 0 or more`,
        );
      }
      const image = services.image();
      const asked = { image, nodeId: services.nodeId, listener: connection.listener };
      const names = request.topics.length > 0
        ? [...new Set(request.topics.map(({ name }) => name))]
        : [...image.topics()].map(({ name }) => name);
      names.sort();
      const { maxRequestPartitionSizeLimit } = services.config;
      let left = Math.max(
        1,
        Math.min(request.responsePartitionLimit, maxRequestPartitionSizeLimit),
      );
      const topics: TopicResponse[] = [];
      for (const name of names) {
        if (cursor !== null && name < cursor.topicName) continue;
        const first = name === cursor?.topicName ? cursor.partitionIndex : 0;
        if (left === 0) {
          return { topics, nextCursor: { topicName: name, partitionIndex: first } };
        }
        const topic = image.topicByName(name);
        if (topic === undefined) {
          topics.push(failed(name, errorForMissingTopic(name)));
          continue;
        }
        const told = topic.partitions.slice(first, first + left);
        left -= told.length;
        topics.push({
          errorCode: 0,
          name,
          topicId: topic.id,
          isInternal: isInternalTopic(name),
          partitions: told.map((partition) => view(partition, asked)),
          topicAuthorizedOperations: TOPIC_OPERATIONS,
        });
        const next = first + told.length;
        if (next < topic.partitions.length) {
          return { topics, nextCursor: { topicName: name, partitionIndex: next } };
        }
      }
      return { topics, nextCursor: null };
    },
    onError: ({ topics }, code) => ({ topics: topics.map(({ name }) => failed(name, code)) }),
  },
);

function view(
  partition: PartitionImage,
  asked: AskedListener,
): TopicResponse["partitions"][number] {
  return {
    errorCode: 0,
    ...partitionView(partition, asked),
    eligibleLeaderReplicas: partition.eligibleLeaderReplicas,
    lastKnownElr: partition.lastKnownElr,
  };
}

function failed(name: string, errorCode: number): TopicResponse {
  return {
    errorCode,
    name,
    topicId: ZERO_UUID,
    isInternal: isInternalTopic(name),
    partitions: [],
  };
}
