/**
 * The part of a broker's configuration that says what the node is in its cluster, and how fast the cluster
 * acts.
 *
 * @module
 */
import type { ConfigValue } from "./definition.ts";
import type { ProcessRole } from "./listener_settings.ts";
import type { ListenerAddress } from "./listeners.ts";
import type { NodeSettings } from "./node_settings.ts";
import type { QuorumServer, QuorumVoter } from "./quorum.ts";

/** The times and sizes of the controller quorum. */
export interface QuorumTiming {
  /** `controller.quorum.election.timeout.ms` */
  readonly electionTimeoutMs: number;
  /** `controller.quorum.election.backoff.max.ms` */
  readonly electionBackoffMaxMs: number;
  /** `controller.quorum.fetch.timeout.ms` */
  readonly fetchTimeoutMs: number;
  /** `controller.quorum.request.timeout.ms` */
  readonly requestTimeoutMs: number;
  /** `controller.quorum.retry.backoff.ms` */
  readonly retryBackoffMs: number;
  /** `controller.quorum.fetch.max.bytes` */
  readonly fetchMaxBytes: number;
  /** `controller.quorum.fetch.snapshot.max.bytes` */
  readonly fetchSnapshotMaxBytes: number;
}

/** How a broker stays registered, and how it starts and stops. */
export interface BrokerLifecycleSettings {
  /** `broker.heartbeat.interval.ms` */
  readonly heartbeatIntervalMs: number;
  /** `broker.session.timeout.ms`, which the active controller uses. */
  readonly sessionTimeoutMs: number;
  /** `initial.broker.registration.timeout.ms` */
  readonly registrationTimeoutMs: number;
  /** `controlled.shutdown.enable` */
  readonly controlledShutdownEnable: boolean;
  /** `server.max.startup.time.ms`; 2^63 for no limit. */
  readonly maxStartupTimeMs: number;
}

/** How the metadata log is kept. */
export interface MetadataLogSettings {
  /** `metadata.log.max.record.bytes.between.snapshots` */
  readonly maxBytesBetweenSnapshots: number;
  /** `metadata.log.max.snapshot.interval.ms`; 0 for no limit. */
  readonly maxSnapshotIntervalMs: number;
  /** `metadata.log.segment.bytes` */
  readonly segmentBytes: number;
  /** `metadata.log.segment.ms` */
  readonly segmentMs: number;
  /** `metadata.max.retention.bytes`; negative for no limit. */
  readonly retentionBytes: number;
  /** `metadata.max.retention.ms`; negative for no limit. */
  readonly retentionMs: number;
  /** `metadata.max.idle.interval.ms`: the time between no-op records; 0 for none. */
  readonly maxIdleIntervalMs: number;
}

/** What a node is in its cluster. `BrokerConfig` extends it by the other keys. */
export abstract class NodeConfig {
  /** The resolved keys about the node. */
  protected abstract node: NodeSettings;

  /** Returns the current value of a broker key. */
  abstract value(name: string): ConfigValue;

  /** `node.id` */
  get nodeId(): number {
    return this.#number("node.id");
  }
  /** `process.roles`: one or both. */
  get roles(): readonly ProcessRole[] {
    return this.node.roles;
  }
  /** Whether this node is a broker. */
  get isBroker(): boolean {
    return this.node.roles.includes("broker");
  }
  /** Whether this node is a controller. */
  get isController(): boolean {
    return this.node.roles.includes("controller");
  }
  /**
   * Whether this node has both roles and no key names another node: it is the only voter of its quorum,
   * and needs no listener for controllers.
   */
  get isAlone(): boolean {
    return this.node.isAlone;
  }
  /** `controller.quorum.voters`: the voters of a static quorum. Empty for a dynamic one. */
  get quorumVoters(): readonly QuorumVoter[] {
    return this.node.quorumVoters;
  }
  /** `controller.quorum.bootstrap.servers`: addresses at which to find the quorum. */
  get quorumBootstrapServers(): readonly QuorumServer[] {
    return this.node.quorumBootstrapServers;
  }
  /** `controller.quorum.auto.join.enable` */
  get quorumAutoJoinEnable(): boolean {
    return this.value("controller.quorum.auto.join.enable") as boolean;
  }
  /** `listeners` without those for controllers: at least one on a broker, none on another node. */
  get brokerListeners(): readonly ListenerAddress[] {
    return this.node.brokerListeners;
  }
  /** Those of `listeners` that `controller.listener.names` names. */
  get controllerListeners(): readonly ListenerAddress[] {
    return this.node.controllerListeners;
  }
  /** `controller.listener.names`, in upper case. Brokers reach the controllers at the first. */
  get controllerListenerNames(): readonly string[] {
    return this.node.controllerListenerNames;
  }
  /**
   * `inter.broker.listener.name`, else PLAINTEXT, else the first of the listeners for clients; null if this
   * node is no broker.
   */
  get interBrokerListenerName(): string | null {
    return this.node.interBrokerListenerName;
  }
  /**
   * `advertised.listeners`: the address at which the listener `name` is reached, or null if it is the
   * address listened on.
   */
  advertisedListener(name: string): ListenerAddress | null {
    return this.node.advertised.get(name) ?? null;
  }
  /** `broker.rack` */
  get rack(): string | null {
    return this.value("broker.rack") as string | null;
  }
  /** The keys `controller.quorum.*` about times and sizes. */
  get quorumTiming(): QuorumTiming {
    const number = (name: string) => this.#number(`controller.quorum.${name}`);
    return {
      electionTimeoutMs: number("election.timeout.ms"),
      electionBackoffMaxMs: number("election.backoff.max.ms"),
      fetchTimeoutMs: number("fetch.timeout.ms"),
      requestTimeoutMs: number("request.timeout.ms"),
      retryBackoffMs: number("retry.backoff.ms"),
      fetchMaxBytes: number("fetch.max.bytes"),
      fetchSnapshotMaxBytes: number("fetch.snapshot.max.bytes"),
    };
  }
  /** The keys about registration, heartbeats, start and stop of a broker. */
  get brokerLifecycle(): BrokerLifecycleSettings {
    return {
      heartbeatIntervalMs: this.#number("broker.heartbeat.interval.ms"),
      sessionTimeoutMs: this.#number("broker.session.timeout.ms"),
      registrationTimeoutMs: this.#number("initial.broker.registration.timeout.ms"),
      controlledShutdownEnable: this.value("controlled.shutdown.enable") as boolean,
      maxStartupTimeMs: this.#number("server.max.startup.time.ms"),
    };
  }
  /** The keys about the metadata log and its snapshots. */
  get metadataLogSettings(): MetadataLogSettings {
    return {
      maxBytesBetweenSnapshots: this.#number("metadata.log.max.record.bytes.between.snapshots"),
      maxSnapshotIntervalMs: this.#number("metadata.log.max.snapshot.interval.ms"),
      segmentBytes: this.#number("metadata.log.segment.bytes"),
      segmentMs: this.#number("metadata.log.segment.ms"),
      retentionBytes: this.#number("metadata.max.retention.bytes"),
      retentionMs: this.#number("metadata.max.retention.ms"),
      maxIdleIntervalMs: this.#number("metadata.max.idle.interval.ms"),
    };
  }

  #number(name: string): number {
    return this.value(name) as number;
  }
}
