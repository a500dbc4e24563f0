/**
 * `ConsumerGroupRegularExpression`: a consumer group's regular expression, in
 * `__consumer_offsets`.
 *
 * @module
 */
import { defineCoordinatorRecord, type KeyOf, type ValueOf } from "../../protocol/api.ts";
import { array, int64, string, struct } from "../../protocol/schema.ts";

/** The topics that a regular expression of a consumer group's members matches. */
export const consumerGroupRegularExpressionRecord = defineCoordinatorRecord({
  type: 16,
  name: "ConsumerGroupRegularExpression",
  key: struct({
    groupId: string(),
    regularExpression: string(),
  }),
  versions: "0",
  flexible: "0+",
  value: struct({
    topics: array(string()),
    version: int64(),
    timestamp: int64(),
  }),
});
/** The key of ConsumerGroupRegularExpression. */
export type ConsumerGroupRegularExpressionKey = KeyOf<typeof consumerGroupRegularExpressionRecord>;
/** The value of ConsumerGroupRegularExpression, as decoded. */
export type ConsumerGroupRegularExpressionValue = ValueOf<
  typeof consumerGroupRegularExpressionRecord
>;
