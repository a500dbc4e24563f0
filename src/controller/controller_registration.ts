/**
 * Decisions about the registration of controllers (KIP-919): the addresses at which administrators
 * reach them, and the feature levels they support. A registration does not change the quorum.
 *
 * @module
 */
import {
  FIRST_LEVEL_WITH_CONTROLLER_UNREGISTRATION,
  METADATA_VERSION_FEATURE,
  metadataVersionOf,
} from "../metadata/features.ts";
import type { EndpointImage, FeatureRange, MetadataImage } from "../metadata/image.ts";
import type { MetadataRecordInput } from "../metadata/records/metadata_record.ts";
import { ErrorCode, KafkaError } from "../protocol/errors.ts";
import type { NodeFeature } from "./brokers/broker_registration.ts";
import { duplicatesOf } from "./decision.ts";

/** A registered controller. */
export interface RegisteredController {
  readonly id: number;
  readonly incarnationId: string;
  readonly endpoints: readonly EndpointImage[];
  readonly features: ReadonlyMap<string, FeatureRange>;
}

/** A ControllerRegistration request. */
export interface ControllerRegistrationRequest {
  readonly controllerId: number;
  readonly incarnationId: string;
  readonly listeners: readonly EndpointImage[];
  readonly features: readonly NodeFeature[];
}

/** The state of the cluster that the decisions depend on. */
export interface ControllerRegistrationContext {
  readonly image: Pick<MetadataImage, "features">;
  /** The registration of the controller in the request, if it has one. */
  readonly registered: RegisteredController | undefined;
}

/**
 * Registers a controller or replaces its registration. Returns nothing if the same registration is
 * in the log. Throws INVALID_REGISTRATION without usable listeners, and UNSUPPORTED_VERSION if the
 * controller cannot read the metadata log of this cluster.
 */
export function decideControllerRegistration(
  { controllerId, incarnationId, listeners, features }: ControllerRegistrationRequest,
  { image, registered }: ControllerRegistrationContext,
): MetadataRecordInput[] {
  const action = `Cannot register controller ${controllerId}`;
  const refuse = (reason: string) => {
    throw new KafkaError(ErrorCode.INVALID_REGISTRATION, `${action}: ${reason}`);
  };
  if (listeners.length === 0) refuse("it has no listener");
  const [duplicate] = duplicatesOf(listeners.map(({ name }) => name));
  if (duplicate !== undefined) refuse(`it has listener ${duplicate} twice`);
  for (const { name, host, port } of listeners) {
    if (host === "" || port === 0) refuse(`listener ${name} has no host or no port`);
  }
  const level = metadataVersionOf(image);
  const range = features.find(({ name }) => name === METADATA_VERSION_FEATURE);
  if (range === undefined) {
    refuse(`it supports no ${METADATA_VERSION_FEATURE}`);
  } else if (level < range.minSupportedVersion || level > range.maxSupportedVersion) {
    throw new KafkaError(
      ErrorCode.UNSUPPORTED_VERSION,
      `${action}: the cluster's ${METADATA_VERSION_FEATURE} is ${level}, the controller supports ` +
        `${range.minSupportedVersion} to ${range.maxSupportedVersion}`,
    );
  }
  const value = {
    controllerId,
    incarnationId,
    zkMigrationReady: false,
    endPoints: listeners.map(({ name, host, port, securityProtocol }) => ({
      name,
      host,
      port,
      securityProtocol,
    })),
    features: features.map(({ name, minSupportedVersion, maxSupportedVersion }) => ({
      name,
      minSupportedVersion,
      maxSupportedVersion,
    })),
  };
  if (registered !== undefined) {
    const before = {
      controllerId,
      incarnationId: registered.incarnationId,
      zkMigrationReady: false,
      endPoints: registered.endpoints.map(({ name, host, port, securityProtocol }) => ({
        name,
        host,
        port,
        securityProtocol,
      })),
      features: Array.from(registered.features, ([name, { min, max }]) => ({
        name,
        minSupportedVersion: min,
        maxSupportedVersion: max,
      })),
    };
    if (JSON.stringify(before) === JSON.stringify(value)) return [];
  }
  return [{ name: "RegisterControllerRecord", value }];
}

/**
 * Removes the registration of a controller that left the quorum. A controller of the quorum
 * registers again. Throws CONTROLLER_ID_NOT_REGISTERED, and UNSUPPORTED_VERSION if the cluster's
 * `metadata.version` has no such record.
 */
export function decideUnregisterController(
  controllerId: number,
  { image, registered }: ControllerRegistrationContext,
): MetadataRecordInput[] {
  const level = metadataVersionOf(image);
  if (level < FIRST_LEVEL_WITH_CONTROLLER_UNREGISTRATION) {
    throw new KafkaError(
      ErrorCode.UNSUPPORTED_VERSION,
      `Cannot unregister controller ${controllerId}: ${METADATA_VERSION_FEATURE} is ${level}, ` +
        `upgrade it to ${FIRST_LEVEL_WITH_CONTROLLER_UNREGISTRATION}`,
    );
  }
  if (registered === undefined) {
    throw new KafkaError(
      ErrorCode.CONTROLLER_ID_NOT_REGISTERED,
      `Cannot unregister controller ${controllerId}: no such controller is registered`,
    );
  }
  return [{ name: "UnregisterControllerRecord", value: { controllerId } }];
}
