/**
 * `ConsumerGroupRegularExpression` of `__consumer_offsets`.
 *
 * @module
 */
import { defineCoordinatorRecord, type KeyOf, type ValueOf } from "../../protocol/api.ts";
import { array, int64, string, struct } from "../../protocol/schema.ts";

/** The topics that match a regular expression in the subscriptions of a consumer group. */
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
/** The decoded value of ConsumerGroupRegularExpression. */
export type ConsumerGroupRegularExpressionValue = ValueOf<
  typeof consumerGroupRegularExpressionRecord
>;
