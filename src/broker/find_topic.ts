/**
 * Finds the topic of a request about committed offsets: by name before version 10, by id since.
 *
 * @module
 */
import type { MetadataImage, TopicImage } from "../metadata/image.ts";
import { ErrorCode } from "../protocol/errors.ts";

/** The version of OffsetCommit and OffsetFetch that names topics by their ids (KIP-848). */
export const TOPIC_IDS_SINCE = 10;

/** An image in which topics are found by name and by id. */
export type TopicsByKey = Pick<MetadataImage, "topicByName" | "topicById">;

/** Returns the topic, or the error code for one that does not exist. */
export function findTopic(
  image: TopicsByKey,
  apiVersion: number,
  name: string,
  topicId: string,
): TopicImage | ErrorCode {
  return apiVersion >= TOPIC_IDS_SINCE
    ? image.topicById(topicId) ?? ErrorCode.UNKNOWN_TOPIC_ID
    : image.topicByName(name) ?? ErrorCode.UNKNOWN_TOPIC_OR_PARTITION;
}
