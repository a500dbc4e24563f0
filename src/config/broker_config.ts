/**
 * The broker's effective configuration. In order of precedence: values set at run time for this broker,
 * values set at run time for all brokers, values given at start, Apache Kafka's defaults.
 *
 * @module
 */
import { BROKER_KEY_FAMILIES, BROKER_KEYS } from "./broker_keys.ts";
import {
  type ConfigDefinition,
  ConfigSource,
  type ConfigSynonym,
  type ConfigValue,
  type DescribedConfig,
  hasOneValue,
  normalizeConfig,
  parseConfig,
  requireSupported,
} from "./definition.ts";
import { parseConnectionLimits } from "./connection_limits.ts";
import { acceptedDynamicValues, invalidRequest } from "./dynamic_values.ts";
import { noticeOfUnusedKeys, UNUSED_KEYS } from "./unused_keys.ts";
import { formatListener, type ListenerAddress, parseListeners } from "./listeners.ts";
import { NodeConfig } from "./node_config.ts";
import { type NodeSettings, resolveNode } from "./node_settings.ts";
import { brokerKey, checkTogether, shadowedKeys, useOlderNames } from "./broker_checks.ts";

const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;

/** Receives the names of the keys whose value has changed. */
export type BrokerConfigListener = (changed: ReadonlySet<string>) => void;

/**
 * The configuration of one broker. Its getters return the current value, so callers must not keep one
 * across an `await`; {@linkcode BrokerConfig.onChange} reports changes.
 *
 * ```ts
 * import { BrokerConfig } from "./broker_config.ts";
 *
 * const config = new BrokerConfig({ "num.partitions": "3" });
 * config.numPartitions; // 3
 * config.logRetentionMs; // 604800000
 * ```
 */
export class BrokerConfig extends NodeConfig {
  readonly #static = new Map<string, string>();
  #dynamicDefaults: ReadonlyMap<string, string> = new Map();
  #dynamic: ReadonlyMap<string, string> = new Map();
  #values: Record<string, ConfigValue> = {};
  protected override node: NodeSettings;
  #connectionLimits: ReadonlyMap<string, number>;
  /** Notices to show at start about given settings that have no effect. */
  readonly notices: readonly string[];
  readonly #listeners = new Set<BrokerConfigListener>();

  /**
   * `settings` are Kafka's keys with their values as text, as in `server.properties`. Throws a
   * {@linkcode KafkaError} INVALID_CONFIG for an unknown key, an invalid value, or values that
   * contradict each other. Settings without effect are named in {@linkcode BrokerConfig.notices}.
   */
  constructor(settings: Readonly<Record<string, string>> = {}) {
    super();
    const idle = new Set<string>();
    for (const [name, text] of Object.entries(settings)) {
      const definition = UNUSED_KEYS.get(name)?.definition ?? brokerKey(name);
      parseConfig(definition, text);
      requireSupported(definition, text);
      if (UNUSED_KEYS.has(name)) idle.add(name);
      if (!UNUSED_KEYS.has(name)) this.#static.set(name, normalizeConfig(definition, text));
    }
    const shadowed = shadowedKeys(this.#static);
    useOlderNames(this.#static);
    for (const [name, definition] of BROKER_KEYS) {
      this.#values[name] = this.#resolve(name, definition);
    }
    checkTogether((name) => this.#values[name] ?? null);
    this.node = resolveNode(
      this.nodeId,
      (name) => name === "security.inter.broker.protocol" ? this.given(name) : this.text(name),
    );
    this.#connectionLimits = this.#parseConnectionLimits();
    const idleNotice = noticeOfUnusedKeys(idle);
    this.notices = [
      ...shadowed,
      ...this.node.notices,
      ...(idleNotice === null ? [] : [idleNotice]),
    ];
  }

  /** `log.dirs`: at least one directory. */
  get logDirs(): readonly string[] {
    return this.#values["log.dirs"] as readonly string[];
  }
  /** `metadata.log.dir`, else the first of `log.dirs`. */
  get metadataLogDir(): string {
    return (this.#values["metadata.log.dir"] as string | null) ?? this.logDirs[0]!;
  }
  /** `num.partitions` */
  get numPartitions(): number {
    return this.#values["num.partitions"] as number;
  }
  /** `default.replication.factor` */
  get defaultReplicationFactor(): number {
    return this.#values["default.replication.factor"] as number;
  }
  /** `auto.create.topics.enable` */
  get autoCreateTopicsEnable(): boolean {
    return this.#values["auto.create.topics.enable"] as boolean;
  }
  /** `delete.topic.enable` */
  get deleteTopicEnable(): boolean {
    return this.#values["delete.topic.enable"] as boolean;
  }
  /** `min.insync.replicas` for topics that do not set their own. */
  get minInsyncReplicas(): number {
    return this.#values["min.insync.replicas"] as number;
  }
  /** `message.max.bytes` for topics that do not set `max.message.bytes`. */
  get messageMaxBytes(): number {
    return this.#values["message.max.bytes"] as number;
  }
  /** `socket.request.max.bytes` */
  get socketRequestMaxBytes(): number {
    return this.#values["socket.request.max.bytes"] as number;
  }
  /** `fetch.max.bytes` */
  get fetchMaxBytes(): number {
    return this.#values["fetch.max.bytes"] as number;
  }
  /** `max.connections` */
  get maxConnections(): number {
    return this.#values["max.connections"] as number;
  }
  /** `max.connections.per.ip` */
  get maxConnectionsPerIp(): number {
    return this.#values["max.connections.per.ip"] as number;
  }
  /** Returns the limit for `host`: from `max.connections.per.ip.overrides`, or the general one. */
  maxConnectionsOf(host: string): number {
    return this.#connectionLimits.get(host) ?? this.maxConnectionsPerIp;
  }
  /** `connections.max.idle.ms`; negative for no limit. */
  get connectionsMaxIdleMs(): number {
    return this.#values["connections.max.idle.ms"] as number;
  }
  /** `max.incremental.fetch.session.cache.slots` */
  get maxIncrementalFetchSessionCacheSlots(): number {
    return this.#values["max.incremental.fetch.session.cache.slots"] as number;
  }
  /** `max.request.partition.size.limit` */
  get maxRequestPartitionSizeLimit(): number {
    return this.#values["max.request.partition.size.limit"] as number;
  }
  /** `producer.id.expiration.ms` */
  get producerIdExpirationMs(): number {
    return this.#values["producer.id.expiration.ms"] as number;
  }
  /** `log.segment.bytes` */
  get logSegmentBytes(): number {
    return this.#values["log.segment.bytes"] as number;
  }
  /** `log.roll.ms`, else `log.roll.hours`. */
  get logRollMs(): number {
    return this.#number("log.roll.ms") ?? this.#number("log.roll.hours")! * HOUR_MS;
  }
  /** `log.roll.jitter.ms`, else `log.roll.jitter.hours`. */
  get logRollJitterMs(): number {
    return this.#number("log.roll.jitter.ms") ?? this.#number("log.roll.jitter.hours")! * HOUR_MS;
  }
  /** `log.retention.ms`, else `.minutes`, else `.hours`; -1 for no limit. */
  get logRetentionMs(): number {
    const minutes = this.#number("log.retention.minutes");
    const retentionMs = this.#number("log.retention.ms") ??
      (minutes === null ? this.#number("log.retention.hours")! * HOUR_MS : minutes * MINUTE_MS);
    return retentionMs < 0 ? -1 : retentionMs;
  }
  /** `log.retention.bytes`; -1 for no limit. */
  get logRetentionBytes(): number {
    return this.#values["log.retention.bytes"] as number;
  }
  /** `log.retention.check.interval.ms` */
  get logRetentionCheckIntervalMs(): number {
    return this.#values["log.retention.check.interval.ms"] as number;
  }
  /** `log.segment.delete.delay.ms` */
  get logSegmentDeleteDelayMs(): number {
    return this.#values["log.segment.delete.delay.ms"] as number;
  }
  /** `log.flush.interval.ms`, else `log.flush.scheduler.interval.ms`; 2^63 for no limit. */
  get logFlushIntervalMs(): number {
    return this.#number("log.flush.interval.ms") ?? this.logFlushSchedulerIntervalMs;
  }
  /** `log.flush.scheduler.interval.ms`; 2^63 if it is not set. */
  get logFlushSchedulerIntervalMs(): number {
    return this.#values["log.flush.scheduler.interval.ms"] as number;
  }
  /** `log.flush.offset.checkpoint.interval.ms` */
  get logFlushOffsetCheckpointIntervalMs(): number {
    return this.#values["log.flush.offset.checkpoint.interval.ms"] as number;
  }
  /** `log.index.interval.bytes` */
  get logIndexIntervalBytes(): number {
    return this.#values["log.index.interval.bytes"] as number;
  }
  /** `log.cleaner.enable` */
  get logCleanerEnable(): boolean {
    return this.#values["log.cleaner.enable"] as boolean;
  }
  /** `log.cleaner.backoff.ms` */
  get logCleanerBackoffMs(): number {
    return this.#values["log.cleaner.backoff.ms"] as number;
  }
  /** `log.cleaner.dedupe.buffer.size` */
  get logCleanerDedupeBufferSize(): number {
    return this.#values["log.cleaner.dedupe.buffer.size"] as number;
  }
  /** `log.cleaner.io.buffer.size` */
  get logCleanerIoBufferSize(): number {
    return this.#values["log.cleaner.io.buffer.size"] as number;
  }
  /** `log.cleaner.io.buffer.load.factor` */
  get logCleanerLoadFactor(): number {
    return this.#values["log.cleaner.io.buffer.load.factor"] as number;
  }
  /** `log.cleaner.io.max.bytes.per.second` */
  get logCleanerMaxBytesPerSecond(): number {
    return this.#values["log.cleaner.io.max.bytes.per.second"] as number;
  }
  /** `group.min.session.timeout.ms` */
  get groupMinSessionTimeoutMs(): number {
    return this.#values["group.min.session.timeout.ms"] as number;
  }
  /** `group.max.session.timeout.ms` */
  get groupMaxSessionTimeoutMs(): number {
    return this.#values["group.max.session.timeout.ms"] as number;
  }
  /** `group.initial.rebalance.delay.ms` */
  get groupInitialRebalanceDelayMs(): number {
    return this.#values["group.initial.rebalance.delay.ms"] as number;
  }
  /** `group.max.size` */
  get groupMaxSize(): number {
    return this.#values["group.max.size"] as number;
  }
  /** `offset.metadata.max.bytes` */
  get offsetMetadataMaxBytes(): number {
    return this.#values["offset.metadata.max.bytes"] as number;
  }

  /** Returns the current value of a broker key. */
  override value(name: string): ConfigValue {
    return this.#values[name] ?? null;
  }

  /** Returns the current value as text, or null if the key has none. */
  text(name: string): string | null {
    return this.#dynamic.get(name) ?? this.#dynamicDefaults.get(name) ?? this.#static.get(name) ??
      BROKER_KEYS.get(name)?.default ?? null;
  }

  /** Returns the text of a key given at start, or null if it was not given. */
  given(name: string): string | null {
    return this.#static.get(name) ?? null;
  }

  /**
   * Returns every layer in which `name`, or a key of the same family, has a value. The first is in
   * force.
   */
  layers(name: string): ConfigSynonym[] {
    const names = BROKER_KEY_FAMILIES.get(name) ?? [name];
    const out: ConfigSynonym[] = [];
    const add = (source: ConfigSource, valueOf: (key: string) => string | null | undefined) => {
      for (const key of names) {
        const value = valueOf(key);
        if (value !== undefined && value !== null) out.push({ name: key, value, source });
      }
    };
    add(ConfigSource.DYNAMIC_BROKER_CONFIG, (key) => this.#dynamic.get(key));
    add(ConfigSource.DYNAMIC_DEFAULT_BROKER_CONFIG, (key) => this.#dynamicDefaults.get(key));
    add(ConfigSource.STATIC_BROKER_CONFIG, (key) => this.#static.get(key));
    add(ConfigSource.DEFAULT_CONFIG, (key) => BROKER_KEYS.get(key)?.default);
    return out;
  }

  /** Describes every key of this broker. */
  describe(): DescribedConfig[] {
    return [...BROKER_KEYS.values()].map((definition) => {
      const synonyms = this.layers(definition.name);
      return describe(definition, this.text(definition.name), synonyms);
    });
  }

  /** Describes the keys set at run time for all brokers, with the values of that layer only. */
  describeDynamicDefaults(): DescribedConfig[] {
    const source = ConfigSource.DYNAMIC_DEFAULT_BROKER_CONFIG;
    return [...this.#dynamicDefaults].flatMap(([name, value]) => {
      const definition = BROKER_KEYS.get(name);
      return definition === undefined
        ? []
        : [describe(definition, value, [{ name, value, source }])];
    });
  }

  /**
   * Applies the values set at run time: `defaults` for all brokers, `own` for this one. Returns a
   * message for each value, written by another version, that this one does not support; if the key is
   * known and the value can be parsed, it is applied nevertheless. Listeners are called with the keys
   * whose value has changed.
   */
  applyDynamic(
    defaults: ReadonlyMap<string, string>,
    own: ReadonlyMap<string, string>,
  ): string[] {
    if (defaults.size + own.size + this.#dynamicDefaults.size + this.#dynamic.size === 0) return [];
    const rejected: string[] = [];
    this.#dynamicDefaults = acceptedDynamicValues(defaults, rejected);
    this.#dynamic = acceptedDynamicValues(own, rejected);
    this.#refresh();
    return rejected;
  }

  /**
   * Checks that values to be set at run time, `defaults` for all brokers and `own` for this one, are
   * consistent with those given at start. Throws a {@linkcode KafkaError} INVALID_REQUEST, as Apache
   * Kafka does.
   */
  checkDynamic(defaults: ReadonlyMap<string, string>, own: ReadonlyMap<string, string>): void {
    const layers = [
      acceptedDynamicValues(own, []),
      acceptedDynamicValues(defaults, []),
      this.#static,
    ];
    try {
      checkTogether((name) => {
        const definition = brokerKey(name);
        const layer = layers.find((layer) => layer.has(name));
        const text = layer?.get(name) ?? definition.default;
        return text === null ? null : parseConfig(definition, text);
      });
    } catch (error) {
      throw invalidRequest(error);
    }
  }

  /** Sets the ports that the host has chosen for listeners with port 0, by the listener's name. */
  setListening(ports: ReadonlyMap<string, number>): void {
    const withPort = (listener: ListenerAddress) => ({
      ...listener,
      port: ports.get(listener.name) ?? listener.port,
    });
    const { node } = this;
    this.node = {
      ...node,
      brokerListeners: node.brokerListeners.map(withPort),
      controllerListeners: node.controllerListeners.map(withPort),
    };
    const all = parseListeners(this.text("listeners")!).map(withPort);
    this.#static.set("listeners", all.map(formatListener).join(","));
    this.#refresh(["listeners"]);
  }

  /** Calls `listener` after every change of values. Returns a function that unsubscribes it. */
  onChange(listener: BrokerConfigListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #number(name: string): number | null {
    return this.#values[name] as number | null;
  }

  #parseConnectionLimits(): ReadonlyMap<string, number> {
    return parseConnectionLimits(this.#values["max.connections.per.ip.overrides"] as string);
  }

  #resolve(name: string, definition: ConfigDefinition): ConfigValue {
    const text = this.text(name);
    return text === null ? null : parseConfig(definition, text);
  }

  /** Recomputes the values of `names` from the layers. */
  #refresh(names: Iterable<string> = BROKER_KEYS.keys()): void {
    const values = { ...this.#values };
    const changed = new Set<string>();
    for (const name of names) {
      const value = this.#resolve(name, brokerKey(name));
      if (String(value) !== String(values[name])) changed.add(name);
      values[name] = value;
    }
    this.#values = values;
    this.#connectionLimits = this.#parseConnectionLimits();
    if (changed.size > 0) { for (const listener of [...this.#listeners]) listener(changed); }
  }
}

function describe(
  definition: ConfigDefinition,
  value: string | null,
  synonyms: readonly ConfigSynonym[],
): DescribedConfig {
  return {
    name: definition.name,
    value,
    source: synonyms[0]?.source ?? ConfigSource.DEFAULT_CONFIG,
    type: definition.type,
    readOnly: !definition.dynamic || hasOneValue(definition),
    synonyms,
    documentation: definition.documentation,
  };
}
