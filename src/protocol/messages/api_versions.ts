/**
 * ApiVersions: the requests that a node supports with their versions, and the features of the
 * cluster. The first request on most connections.
 *
 * @module
 */
import { defineApi, type RequestOf, type ResponseOf } from "../api.ts";
import { array, bool, int16, int32, int64, string, struct } from "../schema.ts";

/**
 * The ApiVersions API. Version 3 adds the name and version of the client's software (KIP-511) and
 * features as tagged fields of the response (KIP-584), 4 allows the minimum version of a feature to
 * be 0, 5 adds the cluster and node that the client expects to reach (KIP-1242). A node that does
 * not support the requested version responds in version 0 with UNSUPPORTED_VERSION and its
 * supported range, so that the client can retry.
 */
export const apiVersions = defineApi({
  key: 18,
  name: "ApiVersions",
  versions: "0-5",
  flexible: "3+",
  request: struct({
    clientSoftwareName: string({ versions: "3+" }),
    clientSoftwareVersion: string({ versions: "3+" }),
    clusterId: string({ versions: "5+", nullable: "5+", default: null }),
    nodeId: int32({ versions: "5+", default: -1 }),
  }),
  response: struct({
    errorCode: int16(),
    apiKeys: array(struct({
      apiKey: int16(),
      minVersion: int16(),
      maxVersion: int16(),
    })),
    throttleTimeMs: int32({ versions: "1+", default: 0 }),
    supportedFeatures: array(
      struct({
        name: string(),
        minVersion: int16(),
        maxVersion: int16(),
      }),
      { versions: "3+", tag: 0, tagged: "3+" },
    ),
    finalizedFeaturesEpoch: int64({ versions: "3+", default: -1, tag: 1, tagged: "3+" }),
    finalizedFeatures: array(
      struct({
        name: string(),
        maxVersionLevel: int16(),
        minVersionLevel: int16(),
      }),
      { versions: "3+", tag: 2, tagged: "3+" },
    ),
    zkMigrationReady: bool({ versions: "3+", default: false, tag: 3, tagged: "3+" }),
  }),
});

/** A decoded ApiVersions request. */
export type ApiVersionsRequest = RequestOf<typeof apiVersions>;
/** A decoded ApiVersions response. */
export type ApiVersionsResponse = ResponseOf<typeof apiVersions>;
