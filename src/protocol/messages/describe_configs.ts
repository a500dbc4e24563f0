/**
 * DescribeConfigs: returns the configs of topics, brokers and groups, with the source of each
 * value. Null keys select all configs.
 *
 * @module
 */
import { defineApi, type RequestOf, type ResponseOf } from "../api.ts";
import { array, bool, int16, int32, int8, string, struct } from "../schema.ts";

const describedConfig = struct({
  name: string(),
  value: string({ nullable: "0+" }),
  readOnly: bool(),
  configSource: int8({ default: -1 }),
  isSensitive: bool(),
  synonyms: array(struct({
    name: string(),
    value: string({ nullable: "0+" }),
    source: int8(),
  })),
  configType: int8({ versions: "3+", default: 0 }),
  documentation: string({ versions: "3+", nullable: "0+" }),
});

/**
 * The DescribeConfigs API (KIP-133). Version 1 adds sources and synonyms (KIP-226), 3 types and
 * documentation (KIP-569).
 */
export const describeConfigs = defineApi({
  key: 32,
  name: "DescribeConfigs",
  versions: "1-4",
  flexible: "4+",
  request: struct({
    resources: array(struct({
      resourceType: int8(),
      resourceName: string(),
      configurationKeys: array(string(), { nullable: "0+" }),
    })),
    includeSynonyms: bool({ default: false }),
    includeDocumentation: bool({ versions: "3+", default: false }),
  }),
  response: struct({
    throttleTimeMs: int32({ default: 0 }),
    results: array(struct({
      errorCode: int16(),
      errorMessage: string({ nullable: "0+" }),
      resourceType: int8(),
      resourceName: string(),
      configs: array(describedConfig),
    })),
  }),
});

/** A decoded DescribeConfigs request. */
export type DescribeConfigsRequest = RequestOf<typeof describeConfigs>;
/** A decoded DescribeConfigs response. */
export type DescribeConfigsResponse = ResponseOf<typeof describeConfigs>;
