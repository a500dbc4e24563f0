/**
 * Decisions about the registration of brokers.
 *
 * @module
 */
import { METADATA_VERSION_FEATURE, registerBrokerVersion } from "../../metadata/features.ts";
import type { BrokerImage, EndpointImage, MetadataImage } from "../../metadata/image.ts";
import type { MetadataRecordInput } from "../../metadata/records/metadata_record.ts";
import { ErrorCode, KafkaError } from "../../protocol/errors.ts";
import { parseUuid } from "../../protocol/uuid.ts";
import { duplicatesOf } from "../decision.ts";
import { moveLeaders, type RecordSequence } from "./fencing.ts";

/** A feature with the levels that a node supports. */
export interface NodeFeature {
  readonly name: string;
  readonly minSupportedVersion: number;
  readonly maxSupportedVersion: number;
}

/** A BrokerRegistration request (KIP-631). */
export interface BrokerRegistrationRequest {
  readonly brokerId: number;
  readonly clusterId: string;
  /** Changes with each start of the broker. */
  readonly incarnationId: string;
  readonly listeners: readonly EndpointImage[];
  readonly features: readonly NodeFeature[];
  readonly rack: string | null;
  readonly isMigratingZkBroker: boolean;
  /** The ids of its log directories (KIP-858). */
  readonly logDirs: readonly string[];
  /** The epoch before an orderly shutdown, -1 after any other end (KIP-966). */
  readonly previousBrokerEpoch: number;
}

/** The state of the controller that registrations depend on. */
export interface BrokerRegistrationContext {
  readonly image: MetadataImage;
  readonly clusterId: string;
  /** Whether the registered process of this broker id has a session that has not ended. */
  readonly hasSession: boolean;
  /** Whether that process is known to be dead: its port refuses connections. Defaults to false. */
  readonly isKnownDead?: boolean;
  /** The listeners of controllers, which no broker may register. */
  readonly controllerListenerNames: readonly string[];
  /** The listener that brokers use among themselves. Not checked if absent. */
  readonly interBrokerListenerName?: string;
}

/**
 * An accepted registration. Its two parts may be in several batches, but no other decision may come
 * between them: it could return the broker to an ISR before the broker is fenced.
 */
export interface BrokerRegistrationDecision {
  /** Records that move leaders away from the predecessor of a new process. */
  readonly cleanup: RecordSequence;
  /**
   * Returns the record that registers the broker, to be appended at `offset`, and its epoch: the
   * offset for a new process, the registered epoch otherwise. There is no record if the same process
   * is registered like this already.
   */
  readonly register: (offset: number) => {
    readonly records: readonly MetadataRecordInput[];
    readonly brokerEpoch: number;
  };
}

const PLAINTEXT = 0;
const SASL_SSL = 3;
/** Directory ids below this value have a special meaning. */
const RESERVED_DIRECTORIES = 100;

/**
 * Registers a broker. A new process starts fenced with a new epoch, after records that move leaders
 * away from its predecessor; the same process keeps its epoch and its state.
 *
 * A new process is admitted during its predecessor's session if it presents one of the registered
 * log directories, whose lock proves that the predecessor has ended, or if the predecessor is known
 * to be dead.
 *
 * Throws INCONSISTENT_CLUSTER_ID, DUPLICATE_BROKER_REGISTRATION for a broker id in use,
 * INVALID_REGISTRATION for unusable listeners or directories, and UNSUPPORTED_VERSION for a broker
 * that does not support a finalized feature level.
 */
export function decideBrokerRegistration(
  request: BrokerRegistrationRequest,
  context: BrokerRegistrationContext,
): BrokerRegistrationDecision {
  const { image } = context;
  const { brokerId, clusterId } = request;
  if (clusterId !== context.clusterId) {
    throw new KafkaError(
      ErrorCode.INCONSISTENT_CLUSTER_ID,
      `Cannot register broker ${brokerId} of cluster ${clusterId}: this is cluster ` +
        `${context.clusterId}; correct its controllers' addresses or its directories`,
    );
  }
  // A leader of -1 stands for none.
  if (brokerId < 0) refuseRegistration(brokerId, "its id is negative; set node.id to 0 or more");
  const before = image.broker(brokerId);
  checkUnique(request, before, context);
  if (request.isMigratingZkBroker) {
    throw new KafkaError(
      ErrorCode.BROKER_ID_NOT_REGISTERED,
      `Cannot register broker ${brokerId}: migration from ZooKeeper is not supported`,
    );
  }
  checkDirectories(request, image);
  checkListeners(request, context);
  checkFeatures(request, image);
  if (before?.incarnationId === request.incarnationId) {
    return { cleanup: [], register: () => amend(before, request, image) };
  }
  return {
    cleanup: before === undefined ? [] : moveLeaders(brokerId, image, {
      isUnclean: request.previousBrokerEpoch !== before.epoch,
    }),
    register: (offset) => {
      const state = { brokerEpoch: offset, fenced: true, inControlledShutdown: false };
      return { records: [registerBroker(request, state, image)], brokerEpoch: offset };
    },
  };
}

/** Registers the same process again. */
function amend(
  before: BrokerImage,
  request: BrokerRegistrationRequest,
  image: MetadataImage,
): { records: MetadataRecordInput[]; brokerEpoch: number } {
  const { epoch: brokerEpoch, fenced, inControlledShutdown } = before;
  if (isSame(before, request)) return { records: [], brokerEpoch };
  const record = registerBroker(request, { brokerEpoch, fenced, inControlledShutdown }, image);
  return { records: [record], brokerEpoch };
}

function registerBroker(
  { brokerId, incarnationId, listeners, features, rack, logDirs }: BrokerRegistrationRequest,
  state: {
    readonly brokerEpoch: number;
    readonly fenced: boolean;
    readonly inControlledShutdown: boolean;
  },
  image: MetadataImage,
): MetadataRecordInput {
  return {
    name: "RegisterBrokerRecord",
    version: registerBrokerVersion(image),
    value: { brokerId, incarnationId, endPoints: listeners, features, rack, logDirs, ...state },
  };
}

function isSame(before: BrokerImage, request: BrokerRegistrationRequest): boolean {
  const textOf = (
    { rack, logDirs }: { readonly rack: string | null; readonly logDirs: readonly string[] },
    endpoints: readonly EndpointImage[],
    features: readonly NodeFeature[],
  ) =>
    JSON.stringify([
      rack,
      logDirs,
      endpoints.map(({ name, host, port, securityProtocol }) => [
        name,
        host,
        port,
        securityProtocol,
      ]),
      features.map((it) => [it.name, it.minSupportedVersion, it.maxSupportedVersion]),
    ]);
  const features = Array.from(before.features, ([name, { min, max }]) => ({
    name,
    minSupportedVersion: min,
    maxSupportedVersion: max,
  }));
  return textOf(before, before.endpoints, features) ===
    textOf(request, request.listeners, request.features);
}

function checkUnique(
  { brokerId, incarnationId, logDirs, listeners }: BrokerRegistrationRequest,
  before: BrokerImage | undefined,
  { hasSession, isKnownDead = false }: BrokerRegistrationContext,
): void {
  if (before === undefined || before.incarnationId === incarnationId) return;
  if (!hasSession || isKnownDead) return;
  const presented = new Set(logDirs);
  if (before.logDirs.some((id) => presented.has(id))) return;
  throw new KafkaError(
    ErrorCode.DUPLICATE_BROKER_REGISTRATION,
    `Cannot register broker ${brokerId} at ${addressOf(listeners)}: a broker with this id is ` +
      `alive at ${addressOf(before.endpoints)}; stop it, or choose another node.id`,
  );
}

function addressOf(endpoints: readonly EndpointImage[]): string {
  const [first] = endpoints;
  return first === undefined ? "an unknown address" : `${first.host}:${first.port}`;
}

function checkDirectories(
  { brokerId, logDirs, listeners }: BrokerRegistrationRequest,
  image: MetadataImage,
): void {
  const refuse = (reason: string) => refuseRegistration(brokerId, reason);
  if (logDirs.length === 0) refuse("it has no log directory");
  const [duplicate] = duplicatesOf(logDirs);
  if (duplicate !== undefined) refuse(`it has log directory ${duplicate} twice`);
  const reserved = logDirs.find(isReserved);
  if (reserved !== undefined) refuse(`the id ${reserved} of a log directory is reserved`);
  const presented = new Set(logDirs);
  for (const other of image.brokers()) {
    const shared = other.id === brokerId
      ? undefined
      : other.logDirs.find((directory) => presented.has(directory));
    if (shared === undefined) continue;
    refuse(
      `its log directory ${shared} at ${addressOf(listeners)} belongs to broker ${other.id} at ` +
        `${addressOf(other.endpoints)}; use a directory of its own`,
    );
  }
}

function isReserved(directoryId: string): boolean {
  const bytes = new Uint8Array(16);
  parseUuid(directoryId, bytes);
  return bytes.subarray(0, 15).every((byte) => byte === 0) && bytes[15]! < RESERVED_DIRECTORIES;
}

function checkListeners(
  { brokerId, listeners }: BrokerRegistrationRequest,
  { controllerListenerNames, interBrokerListenerName }: BrokerRegistrationContext,
): void {
  const refuse = (reason: string) => refuseRegistration(brokerId, reason);
  const names = listeners.map(({ name }) => name);
  if (listeners.length === 0) refuse("it has no listener");
  const [duplicate] = duplicatesOf(names);
  if (duplicate !== undefined) refuse(`it has listener ${duplicate} twice`);
  for (const { name, host, port, securityProtocol } of listeners) {
    if (name === "") refuse("a listener has no name");
    if (host === "") refuse(`listener ${name} has no host; set advertised.listeners`);
    if (port === 0) refuse(`listener ${name} has no port; set advertised.listeners`);
    if (securityProtocol < PLAINTEXT || securityProtocol > SASL_SSL) {
      refuse(`listener ${name} has the unknown security protocol ${securityProtocol}`);
    }
    if (controllerListenerNames.includes(name)) {
      refuse(`listener ${name} is one of controllers; remove it from advertised.listeners`);
    }
  }
  if (interBrokerListenerName !== undefined && !names.includes(interBrokerListenerName)) {
    refuse(`it has no listener ${interBrokerListenerName}, which the other brokers use`);
  }
}

/** Throws unless the broker supports every finalized feature level. */
function checkFeatures(
  { brokerId, features }: BrokerRegistrationRequest,
  image: MetadataImage,
): void {
  const supported = new Map(features.map((feature) => [feature.name, feature]));
  if (!supported.has(METADATA_VERSION_FEATURE)) {
    refuseRegistration(brokerId, `it supports no ${METADATA_VERSION_FEATURE}`);
  }
  const finalized = new Map(image.features);
  for (const { name } of features) {
    if (!finalized.has(name) && name !== METADATA_VERSION_FEATURE) finalized.set(name, 0);
  }
  for (const [name, level] of finalized) {
    const { minSupportedVersion: min, maxSupportedVersion: max } = supported.get(name) ??
      { minSupportedVersion: 0, maxSupportedVersion: 0 };
    if (level >= min && level <= max) continue;
    throw new KafkaError(
      ErrorCode.UNSUPPORTED_VERSION,
      `Cannot register broker ${brokerId}: the cluster's ${name} is ${level}, the broker ` +
        `supports ${min} to ${max}`,
    );
  }
}

function refuseRegistration(brokerId: number, reason: string): never {
  throw new KafkaError(
    ErrorCode.INVALID_REGISTRATION,
    `Cannot register broker ${brokerId}: ${reason}`,
  );
}
