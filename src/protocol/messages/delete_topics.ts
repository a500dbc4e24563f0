/**
 * DeleteTopics: deletes topics and their data.
 *
 * @module
 */
import { defineApi, type RequestOf, type ResponseOf } from "../api.ts";
import { array, int16, int32, string, struct, uuid } from "../schema.ts";

/**
 * The DeleteTopics API. Version 5 adds error messages and may return THROTTLING_QUOTA_EXCEEDED
 * (KIP-599), 6 accepts topic names or ids (KIP-516).
 */
export const deleteTopics = defineApi({
  key: 20,
  name: "DeleteTopics",
  versions: "1-6",
  flexible: "4+",
  request: struct({
    topics: array(
      struct({
        name: string({ nullable: "6+", default: null }),
        topicId: uuid(),
      }),
      { versions: "6+" },
    ),
    topicNames: array(string(), { versions: "0-5" }),
    timeoutMs: int32(),
  }),
  response: struct({
    throttleTimeMs: int32({ default: 0 }),
    responses: array(struct({
      name: string({ nullable: "6+" }),
      topicId: uuid({ versions: "6+" }),
      errorCode: int16(),
      errorMessage: string({ versions: "5+", nullable: "5+", default: null }),
    })),
  }),
});

/** A decoded DeleteTopics request. */
export type DeleteTopicsRequest = RequestOf<typeof deleteTopics>;
/** A decoded DeleteTopics response. */
export type DeleteTopicsResponse = ResponseOf<typeof deleteTopics>;
