/**
 * DescribeUserScramCredentials: returns the SCRAM mechanisms of users, without secrets.
 *
 * @module
 */
import { defineApi, type RequestOf, type ResponseOf } from "../api.ts";
import { array, int16, int32, int8, string, struct } from "../schema.ts";

/** The DescribeUserScramCredentials API (KIP-554). */
export const describeUserScramCredentials = defineApi({
  key: 50,
  name: "DescribeUserScramCredentials",
  versions: "0",
  flexible: "0+",
  request: struct({
    users: array(struct({ name: string() }), { nullable: "0+" }),
  }),
  response: struct({
    throttleTimeMs: int32({ default: 0 }),
    errorCode: int16(),
    errorMessage: string({ nullable: "0+" }),
    results: array(struct({
      user: string(),
      errorCode: int16(),
      errorMessage: string({ nullable: "0+" }),
      credentialInfos: array(struct({
        mechanism: int8(),
        iterations: int32(),
      })),
    })),
  }),
});

/** A decoded DescribeUserScramCredentials request. */
export type DescribeUserScramCredentialsRequest = RequestOf<typeof describeUserScramCredentials>;
/** A decoded DescribeUserScramCredentials response. */
export type DescribeUserScramCredentialsResponse = ResponseOf<typeof describeUserScramCredentials>;
