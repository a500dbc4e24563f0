/**
 * Splits a change of the metadata into the changes of single topics.
 *
 * @module
 */
import { RECORDS_PER_STEP } from "./record_batches.ts";
import type { MetadataRecord } from "./records/metadata_record.ts";

/**
 * Splits records where one begins to be about another topic. A record that is about no single topic
 * stays with those before it, as the configs of a new topic do, unless many follow one another.
 */
export function* topicByTopic(
  records: readonly MetadataRecord[],
): Generator<readonly MetadataRecord[]> {
  let begin = 0;
  let topicId: string | null = null;
  let others = 0;
  for (let at = 0; at < records.length; at++) {
    const id = topicIdOf(records[at]!);
    if (id === null) {
      if (++others < RECORDS_PER_STEP) continue;
      yield records.slice(begin, at + 1);
      begin = at + 1;
      topicId = null;
      others = 0;
      continue;
    }
    others = 0;
    if (id === topicId) continue;
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
