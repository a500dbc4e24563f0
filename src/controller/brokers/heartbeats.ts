/**
 * Decisions about heartbeats of brokers, which move a broker through its life: fenced after its
 * registration, unfenced once it has the metadata, in controlled shutdown while its partitions move
 * away, and shut down, which is fenced again.
 *
 * @module
 */
import type { BrokerImage, MetadataImage } from "../../metadata/image.ts";
import {
  decideControlledShutdown,
  decideFence,
  decideOfflineDirectories,
  decideUnfence,
  isWithoutDirectory,
  leadsAny,
  moveLeaders,
  type RecordSequence,
} from "./fencing.ts";
import { requireBroker } from "./registration_change.ts";

/** A BrokerHeartbeat request (KIP-631). */
export interface HeartbeatRequest {
  readonly brokerId: number;
  readonly brokerEpoch: number;
  /** The offset of the last metadata record that the broker has applied. */
  readonly currentMetadataOffset: number;
  readonly wantFence: boolean;
  readonly wantShutDown: boolean;
  /** Failed log directories (KIP-858). */
  readonly offlineLogDirs: readonly string[];
}

/** The state of the controller that heartbeats depend on, beside the image. */
export interface HeartbeatContext {
  readonly image: MetadataImage;
  /**
   * The offset of the broker's RegisterBrokerRecord. Defaults to its epoch, from which it differs
   * only in a log written by Apache Kafka, or if another record came between.
   */
  readonly registrationOffset?: number;
  /**
   * The lowest metadata offset that an active broker has reported, Infinity if no other broker is
   * active, and -1 if one has reported none.
   */
  readonly lowestActiveOffset: number;
  /**
   * The offset of the last record with which the broker's controlled shutdown began. Absent if this
   * controller has not seen its beginning.
   */
  readonly shutdownOffset?: number;
}

/** The state of a broker after a heartbeat. */
export type BrokerState = "fenced" | "unfenced" | "controlled shutdown" | "shut down";

/** The answer to a heartbeat. */
export interface HeartbeatDecision {
  readonly records: RecordSequence;
  readonly state: BrokerState;
  /** Whether the broker has applied the record of its own registration. */
  readonly isCaughtUp: boolean;
  readonly isFenced: boolean;
  readonly shouldShutDown: boolean;
}

/**
 * Decides about a heartbeat. Throws BROKER_ID_NOT_REGISTERED and STALE_BROKER_EPOCH.
 *
 * A broker is unfenced once it has applied its own registration, not the whole log: the log grows
 * all the time, so a slow broker would never be done. It shuts down when it leads nothing and every
 * active broker has the records that moved its partitions, so that clients find the new leaders.
 *
 * While `state` is "controlled shutdown" and the context has no `shutdownOffset`, the caller stores
 * the offset of the last record appended, that of these records included. After "shut down" it ends
 * the session, so that the broker's next process can register at once.
 */
export function decideHeartbeat(
  request: HeartbeatRequest,
  context: HeartbeatContext,
): HeartbeatDecision {
  const { image } = context;
  const broker = requireBroker("process a heartbeat", request, image);
  const { registrationOffset = broker.epoch } = context;
  const isCaughtUp = request.currentMetadataOffset >= registrationOffset;
  const state = nextState(broker, request, { ...context, isCaughtUp });
  return {
    records: recordsFor(broker, state, request, image),
    state,
    isCaughtUp,
    isFenced: state === "fenced" || state === "shut down",
    shouldShutDown: state === "shut down",
  };
}

function nextState(
  broker: BrokerImage,
  { wantFence, wantShutDown, offlineLogDirs }: HeartbeatRequest,
  context: HeartbeatContext & { readonly isCaughtUp: boolean },
): BrokerState {
  const { image, isCaughtUp, lowestActiveOffset, shutdownOffset } = context;
  const isUnusable = wantFence || isWithoutDirectory(broker, offlineLogDirs);
  if (broker.fenced) {
    if (wantShutDown) return "shut down";
    // Directories that failed leave the registration first, so that no replica in them is elected.
    const offline = new Set(offlineLogDirs);
    const hasFailed = broker.logDirs.some((directory) => offline.has(directory));
    return isUnusable || hasFailed || !isCaughtUp ? "fenced" : "unfenced";
  }
  if (broker.inControlledShutdown) {
    if (leadsAny(broker.id, image) || shutdownOffset === undefined) return "controlled shutdown";
    return lowestActiveOffset >= shutdownOffset ? "shut down" : "controlled shutdown";
  }
  if (isUnusable) return wantShutDown ? "shut down" : "fenced";
  if (!wantShutDown) return "unfenced";
  return leadsAny(broker.id, image) ? "controlled shutdown" : "shut down";
}

function* recordsFor(
  broker: BrokerImage,
  state: BrokerState,
  { offlineLogDirs }: HeartbeatRequest,
  image: MetadataImage,
): RecordSequence {
  // A broker always keeps one directory: an empty list in a record means no change.
  const isReported = !isWithoutDirectory(broker, offlineLogDirs);
  if (isReported) yield* decideOfflineDirectories(broker, offlineLogDirs, image);
  switch (state) {
    case "fenced":
    case "shut down":
      yield* decideFence(broker.id, image);
      break;
    case "unfenced":
      yield* decideUnfence(broker.id, image);
      break;
    case "controlled shutdown":
      if (!broker.inControlledShutdown) yield* decideControlledShutdown(broker.id, image);
      // The records of the beginning may be incomplete after a change of the controller.
      else if (leadsAny(broker.id, image)) yield* moveLeaders(broker.id, image);
  }
}
