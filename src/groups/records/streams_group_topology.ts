/**
 * `StreamsGroupTopology` of `__consumer_offsets`.
 *
 * @module
 */
import { defineCoordinatorRecord, type KeyOf, type ValueOf } from "../../protocol/api.ts";
import { array, int16, int32, string, struct } from "../../protocol/schema.ts";

const topicConfig = struct({
  key: string(),
  value: string(),
});

const topicInfo = struct({
  name: string(),
  partitions: int32(),
  replicationFactor: int16(),
  topicConfigs: array(topicConfig),
});

/** The topology of a streams application: the subtopologies that tasks are derived from. */
export const streamsGroupTopologyRecord = defineCoordinatorRecord({
  type: 23,
  name: "StreamsGroupTopology",
  key: struct({
    groupId: string(),
  }),
  versions: "0",
  flexible: "0+",
  value: struct({
    epoch: int32(),
    subtopologies: array(struct({
      subtopologyId: string(),
      sourceTopics: array(string()),
      sourceTopicRegex: array(string()),
      stateChangelogTopics: array(topicInfo),
      repartitionSinkTopics: array(string()),
      repartitionSourceTopics: array(topicInfo),
      copartitionGroups: array(struct({
        sourceTopics: array(int16()),
        sourceTopicRegex: array(int16()),
        repartitionSourceTopics: array(int16()),
      })),
    })),
  }),
});
/** The key of StreamsGroupTopology. */
export type StreamsGroupTopologyKey = KeyOf<typeof streamsGroupTopologyRecord>;
/** The decoded value of StreamsGroupTopology. */
export type StreamsGroupTopologyValue = ValueOf<typeof streamsGroupTopologyRecord>;
