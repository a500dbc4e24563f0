/**
 * CreateTopics: creates topics with a number of partitions or a manual assignment, and with
 * configs.
 *
 * @module
 */
import { defineApi, type RequestOf, type ResponseOf } from "../api.ts";
import { array, bool, int16, int32, int8, string, struct, uuid } from "../schema.ts";

const createdConfig = struct({
  name: string(),
  value: string({ nullable: "5+" }),
  readOnly: bool(),
  configSource: int8({ default: -1 }),
  isSensitive: bool(),
});

/**
 * The CreateTopics API. Version 4 accepts -1 for the broker's default partition count and
 * replication factor (KIP-464), 5 returns the topic's configs (KIP-525), 6 may return
 * THROTTLING_QUOTA_EXCEEDED (KIP-599), 7 returns the topic id (KIP-516).
 */
export const createTopics = defineApi({
  key: 19,
  name: "CreateTopics",
  versions: "2-7",
  flexible: "5+",
  request: struct({
    topics: array(struct({
      name: string(),
      numPartitions: int32(),
      replicationFactor: int16(),
      assignments: array(struct({
        partitionIndex: int32(),
        brokerIds: array(int32()),
      })),
      configs: array(struct({
        name: string(),
        value: string({ nullable: "0+" }),
      })),
    })),
    timeoutMs: int32({ default: 60000 }),
    validateOnly: bool({ default: false }),
  }),
  response: struct({
    throttleTimeMs: int32({ default: 0 }),
    topics: array(struct({
      name: string(),
      topicId: uuid({ versions: "7+" }),
      errorCode: int16(),
      errorMessage: string({ nullable: "0+" }),
      topicConfigErrorCode: int16({ versions: "5+", tag: 0, tagged: "5+" }),
      numPartitions: int32({ versions: "5+", default: -1 }),
      replicationFactor: int16({ versions: "5+", default: -1 }),
      configs: array(createdConfig, { versions: "5+", nullable: "5+" }),
    })),
  }),
});

/** A decoded CreateTopics request. */
export type CreateTopicsRequest = RequestOf<typeof createTopics>;
/** A decoded CreateTopics response. */
export type CreateTopicsResponse = ResponseOf<typeof createTopics>;
