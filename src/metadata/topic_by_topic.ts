/**
 * Splits a change of the metadata into the changes of single topics.
 *
 * @module
 */
import type { MetadataRecord } from "./records/metadata_record.ts";

/**
 * Splits records where one begins to be about another topic. A record that is about no single topic
 * stays with those before it.
 */
export function* topicByTopic(
  records: readonly MetadataRecord[],
): Generator<readonly MetadataRecord[]> {
  let begin = 0;
  let topicId: string | null = null;
  for (let at = 0; at < records.length; at++) {
    const id = topicIdOf(records[at]!);
    if (id === null || id === topicId) continue;
    if (topicId !== null) {
      yield records.slice(begin, at);
      begin = at;
    }
    topicId = id;
  }
  if (begin < records.length) yield records.slice(begin);
}

function topicIdOf({ name, value }: MetadataRecord): string | null {
  switch (name) {
    case "TopicRecord":
    case "RemoveTopicRecord":
    case "PartitionRecord":
    case "PartitionChangeRecord":
      return value.topicId;
    default:
      return null;
  }
}
