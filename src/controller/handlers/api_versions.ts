/**
 * ApiVersions returns the requests that this listener serves, their versions, and the features of
 * the cluster.
 *
 * Serves versions 0 to 5. From version 3 the client sends the name of its software (KIP-511) and
 * the answer has features (KIP-584). From version 4 the answer may have features whose minimum
 * level is 0. In version 5 the client names the node that it wants to reach, and any other node
 * answers REBOOTSTRAP_REQUIRED, so that the client contacts its bootstrap servers again (KIP-1242).
 * The dispatcher answers an unknown version in version 0, before this handler. As in Apache Kafka,
 * Produce is listed from version 0 although it is served from version 3, since older versions of
 * librdkafka look for version 0.
 *
 * @module
 */
import { apiVersions } from "../../protocol/messages/api_versions.ts";
import { produce } from "../../protocol/messages/produce.ts";
import { ErrorCode } from "../../protocol/errors.ts";
import { KRAFT_VERSION_FEATURE, SUPPORTED_FEATURES } from "../../metadata/features.ts";
import { defineHandler, type Handler } from "../../network/server/handler.ts";
import type { MetadataImage } from "../../metadata/image.ts";

/** The allowed names and versions of a client's software (KIP-511). */
const SOFTWARE_NAME = /^[a-zA-Z0-9](?:[a-zA-Z0-9\-.]*[a-zA-Z0-9])?$/;

interface Needs {
  /** The id of this node. */
  readonly nodeId: number;
  readonly clusterId: string;
  image(): Pick<MetadataImage, "features" | "offset">;
  readonly raft: { readonly status: { readonly kraftVersion: number } };
}

/** Serves ApiVersions. */
export const apiVersionsHandler: Handler<Needs> = defineHandler(apiVersions, {
  handle(request, { apiVersion, connection, services, servedApis }) {
    const { clientSoftwareName, clientSoftwareVersion, clusterId, nodeId } = request;
    // The cluster and the node are given together or not at all.
    if ((clusterId === null) !== (nodeId === -1)) {
      return { errorCode: ErrorCode.INVALID_REQUEST, apiKeys: [] };
    }
    if (apiVersion >= 3) {
      if (!SOFTWARE_NAME.test(clientSoftwareName) || !SOFTWARE_NAME.test(clientSoftwareVersion)) {
        return { errorCode: ErrorCode.INVALID_REQUEST, apiKeys: [] };
      }
      connection.clientSoftwareName = clientSoftwareName;
      connection.clientSoftwareVersion = clientSoftwareVersion;
    }
    if (clusterId !== null && (clusterId !== services.clusterId || nodeId !== services.nodeId)) {
      return { errorCode: ErrorCode.REBOOTSTRAP_REQUIRED, apiKeys: [] };
    }
    const image = services.image();
    return {
      errorCode: 0,
      apiKeys: servedApis.map(({ key, minVersion, maxVersion }) => ({
        apiKey: key,
        minVersion: key === produce.key ? 0 : minVersion,
        maxVersion,
      })),
      supportedFeatures: [...SUPPORTED_FEATURES]
        // Clients before version 4 cannot decode a minimum level of 0.
        .filter(([, { min }]) => apiVersion >= 4 || min > 0)
        .map(([name, { min, max }]) => ({ name, minVersion: min, maxVersion: max })),
      finalizedFeaturesEpoch: image.offset,
      finalizedFeatures: finalizedFeatures(services)
        .map(([name, level]) => ({ name, maxVersionLevel: level, minVersionLevel: level })),
    };
  },
  onError: (_request, errorCode) => ({ errorCode, apiKeys: [] }),
});

/** Returns the features of the cluster that are above level 0, with their levels. */
function finalizedFeatures({ image, raft }: Needs): [name: string, level: number][] {
  const { kraftVersion } = raft.status;
  return [
    // A directory that Apache Kafka has written may have features that this version does not support.
    ...[...image().features].filter(([name]) => SUPPORTED_FEATURES.has(name)),
    // The quorum stores it, not the metadata log.
    ...(kraftVersion > 0 ? [[KRAFT_VERSION_FEATURE, kraftVersion] as [string, number]] : []),
  ];
}
