/**
 * ApiVersions tells a client which requests are served here, in which versions, and which features
 * the cluster has.
 *
 * Versions 0 to 5. From version 3 on the client names its software (KIP-511) and the answer has features
 * (KIP-584); version 4 may tell features whose lowest level is 0; version 5 names the node that the
 * client means to reach, and another one answers REBOOTSTRAP_REQUIRED, so that the client asks its
 * bootstrap servers again (KIP-1242). An unknown version never gets
 * here: the dispatcher answers it in version 0. Produce is told from version 0 on although it is
 * served from 3, as Apache Kafka does, since older librdkafka looks for version 0.
 *
 * @module
 */
import { apiVersions } from "../../protocol/messages/api_versions.ts";
import { produce } from "../../protocol/messages/produce.ts";
import { ErrorCode } from "../../protocol/errors.ts";
import { SUPPORTED_FEATURES } from "../../metadata/features.ts";
import { defineHandler, type Handler } from "../../network/server/handler.ts";
import type { MetadataImage } from "../../metadata/image.ts";

/** What a client's software may be called (KIP-511). */
const SOFTWARE_NAME = /^[a-zA-Z0-9](?:[a-zA-Z0-9\-.]*[a-zA-Z0-9])?$/;

interface Needs {
  /** The id of this node. */
  readonly nodeId: number;
  readonly clusterId: string;
  image(): Pick<MetadataImage, "features" | "offset">;
}

/** Serves ApiVersions. */
export const apiVersionsHandler: Handler<Needs> = defineHandler(apiVersions, {
  handle(request, { apiVersion, connection, services, servedApis }) {
    const { clientSoftwareName, clientSoftwareVersion, clusterId, nodeId } = request;
    // A cluster without a node, or a node without its cluster, names nothing.
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
        // Before version 4 a client cannot read a lowest level of 0.
        .filter(([, { min }]) => apiVersion >= 4 || min > 0)
        .map(([name, { min, max }]) => ({ name, minVersion: min, maxVersion: max })),
      finalizedFeaturesEpoch: image.offset,
      // A directory that Apache Kafka has written may have features that are not there yet here.
      finalizedFeatures: [...image.features]
        .filter(([name]) => SUPPORTED_FEATURES.has(name))
        .map(([name, level]) => ({ name, maxVersionLevel: level, minVersionLevel: level })),
    };
  },
  onError: (_request, errorCode) => ({ errorCode, apiKeys: [] }),
});
