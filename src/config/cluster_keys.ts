/**
 * The configuration keys about a cluster: its controller quorum, the registration of its brokers, and its
 * metadata log.
 *
 * @module
 */
import { type ConfigDefinition, fixedKey as fixed, MAX_LONG_TEXT } from "./definition.ts";
import { rejectBootstrapServers, rejectVoters } from "./quorum.ts";

/** Keys about the controller quorum. */
export const QUORUM_KEYS: readonly ConfigDefinition[] = [
  fixed({
    name: "controller.quorum.voters",
    type: "list",
    default: null,
    reject: rejectVoters,
    documentation:
      "Voters of a static quorum, as id@host:port. The nodes listed are the controllers, this one included if it is one.",
  }),
  fixed({
    name: "controller.quorum.bootstrap.servers",
    type: "list",
    default: null,
    reject: rejectBootstrapServers,
    documentation: "Addresses of controllers, as host:port, at which to find the quorum.",
  }),
  fixed({
    name: "controller.quorum.auto.join.enable",
    type: "boolean",
    default: "false",
    documentation: "Whether a controller that is no voter asks to become one.",
  }),
  fixed({
    name: "controller.quorum.election.timeout.ms",
    type: "int",
    default: "1000",
    min: 1,
    documentation:
      "Time without a leader after which a voter starts an election. A random time up to the same length is added.",
  }),
  fixed({
    name: "controller.quorum.election.backoff.max.ms",
    type: "int",
    default: "1000",
    min: 0,
    documentation: "Maximum time between two elections after one without a result.",
  }),
  fixed({
    name: "controller.quorum.fetch.timeout.ms",
    type: "int",
    default: "2000",
    min: 1,
    documentation:
      "Time without a successful fetch after which a voter starts an election, and a leader that a majority does not fetch from resigns.",
  }),
  fixed({
    name: "controller.quorum.request.timeout.ms",
    type: "int",
    default: "2000",
    min: 1,
    documentation: "Time after which a request to another controller has failed.",
  }),
  fixed({
    name: "controller.quorum.retry.backoff.ms",
    type: "int",
    default: "20",
    min: 0,
    documentation: "Delay before a failed request to a controller is repeated.",
  }),
  fixed({
    name: "controller.quorum.fetch.max.bytes",
    type: "int",
    default: "1048576",
    min: 1,
    documentation: "Maximum bytes of the metadata log in one fetch.",
  }),
  fixed({
    name: "controller.quorum.fetch.snapshot.max.bytes",
    type: "int",
    default: "1048576",
    min: 1,
    documentation: "Maximum bytes of a snapshot in one fetch.",
  }),
];

/** Keys about the registration of a broker, its start and its stop. */
export const BROKER_LIFECYCLE_KEYS: readonly ConfigDefinition[] = [
  fixed({
    name: "broker.heartbeat.interval.ms",
    type: "int",
    default: "500",
    min: 1,
    documentation:
      "Interval between a broker's heartbeats to the active controller. Apache Kafka's default is 2000: see broker.session.timeout.ms.",
  }),
  fixed({
    name: "broker.session.timeout.ms",
    type: "int",
    default: "3000",
    min: 1,
    documentation:
      "Time without a heartbeat after which the active controller fences a broker. Apache Kafka's default is 9000. Fencing is safe at any time, so a shorter session only shortens the time during which the partitions of a silent broker have no leader.",
  }),
  fixed({
    name: "initial.broker.registration.timeout.ms",
    type: "int",
    default: "60000",
    min: 1,
    documentation: "Time within which a starting broker must have registered; it stops otherwise.",
  }),
  fixed({
    name: "controlled.shutdown.enable",
    type: "boolean",
    default: "true",
    documentation: "Whether a broker that stops first hands its leaderships to other brokers.",
  }),
  fixed({
    name: "server.max.startup.time.ms",
    type: "long",
    default: MAX_LONG_TEXT,
    min: 0,
    documentation: "Time within which a node must have started; it stops otherwise.",
  }),
];

/** Keys about the metadata log and its snapshots. */
export const METADATA_LOG_KEYS: readonly ConfigDefinition[] = [
  fixed({
    name: "metadata.log.max.record.bytes.between.snapshots",
    type: "long",
    default: "20971520",
    min: 1,
    documentation: "Bytes of the metadata log after which a snapshot is written.",
  }),
  fixed({
    name: "metadata.log.max.snapshot.interval.ms",
    type: "long",
    default: "3600000",
    min: 0,
    documentation:
      "Time after which a snapshot is written if there are new records. 0: only by size.",
  }),
  fixed({
    name: "metadata.log.segment.bytes",
    type: "int",
    default: "1073741824",
    min: 8388608,
    documentation: "Maximum size of a segment of the metadata log, in bytes.",
  }),
  fixed({
    name: "metadata.log.segment.ms",
    type: "long",
    default: "604800000",
    documentation: "Age at which a segment of the metadata log is closed.",
  }),
  fixed({
    name: "metadata.max.retention.bytes",
    type: "long",
    default: "104857600",
    documentation:
      "Maximum size of the metadata log and its snapshots before the oldest are deleted. A negative number: no limit.",
  }),
  fixed({
    name: "metadata.max.retention.ms",
    type: "long",
    default: "604800000",
    documentation:
      "Age at which the metadata log before a snapshot, and older snapshots, may be deleted. A negative number: never.",
  }),
  fixed({
    name: "metadata.max.idle.interval.ms",
    type: "int",
    default: "2000",
    min: 0,
    documentation:
      "Interval between the records that the active controller writes when nothing changes. 0: none. Apache Kafka's default is 500, but each record costs a sync and two rounds of fetches at every controller and broker.",
  }),
];
