/**
 * DescribeClientQuotas: returns the quotas of users, client ids and addresses that match a filter.
 *
 * @module
 */
import { defineApi, type RequestOf, type ResponseOf } from "../api.ts";
import { array, bool, float64, int16, int32, int8, string, struct } from "../schema.ts";

/** The DescribeClientQuotas API (KIP-546). Version 1 is flexible. */
export const describeClientQuotas = defineApi({
  key: 48,
  name: "DescribeClientQuotas",
  versions: "0-1",
  flexible: "1+",
  request: struct({
    components: array(struct({
      entityType: string(),
      matchType: int8(),
      match: string({ nullable: "0+" }),
    })),
    strict: bool(),
  }),
  response: struct({
    throttleTimeMs: int32({ default: 0 }),
    errorCode: int16(),
    errorMessage: string({ nullable: "0+" }),
    entries: array(
      struct({
        entity: array(struct({
          entityType: string(),
          entityName: string({ nullable: "0+" }),
        })),
        values: array(struct({
          key: string(),
          value: float64(),
        })),
      }),
      { nullable: "0+" },
    ),
  }),
});

/** A decoded DescribeClientQuotas request. */
export type DescribeClientQuotasRequest = RequestOf<typeof describeClientQuotas>;
/** A decoded DescribeClientQuotas response. */
export type DescribeClientQuotasResponse = ResponseOf<typeof describeClientQuotas>;
