/**
 * Formats the data directories of a node before its first start. A node does not need it: it is Kafka's
 * explicit step, for clusters whose first controllers are to be known before any of them runs.
 *
 * @module
 */
import { BrokerConfig } from "../config/broker_config.ts";
import { formatListener, isWildcard } from "../config/listeners.ts";
import { type InitialController, parseInitialControllers } from "../config/quorum.ts";
import { checkInitialLevels, initialFeatureLevels } from "../controller/features.ts";
import {
  FEATURES,
  KRAFT_VERSION_FEATURE,
  METADATA_VERSION_FEATURE,
  METADATA_VERSION_NAMES,
  metadataVersionName,
} from "../metadata/features.ts";
import { encodeMetadataRecord } from "../metadata/records/metadata_record.ts";
import { ErrorCode, KafkaError } from "../protocol/errors.ts";
import { randomUuid, ZERO_UUID } from "../protocol/uuid.ts";
import type { VoterRecord } from "../raft/storage/control_batches.ts";
import {
  type BootstrapContent,
  formatDirectory,
  formattedWith,
} from "../raft/storage/format_directory.ts";
import type { Runtime } from "../runtime/runtime.ts";

/** Where a cluster's first controllers are found. */
export type FirstControllers =
  /** In `controller.quorum.voters`; without it the node is alone. */
  | { readonly kind: "configured" }
  /** The node itself is the first voter of a dynamic quorum. */
  | { readonly kind: "standalone" }
  /** `id@host:port:directoryId`, separated by commas. */
  | { readonly kind: "listed"; readonly text: string }
  /** The node joins a dynamic quorum that exists. */
  | { readonly kind: "joining" };

/** Options of {@linkcode formatNode}. */
export interface FormatNodeOptions {
  readonly runtime: Pick<Runtime, "files" | "clock" | "random">;
  /** Kafka's broker keys with their values as text. */
  readonly config: Readonly<Record<string, string>>;
  /** Null for a new one, which only a node that begins a cluster can have. */
  readonly clusterId: string | null;
  readonly firstControllers: FirstControllers;
  /** A release of Apache Kafka, or a name of a `metadata.version`: `4.4` or `4.4-IV2`. Null for the latest. */
  readonly releaseVersion: string | null;
  /** Levels of features that differ from those of a new cluster, by name. */
  readonly levels: ReadonlyMap<string, number>;
  /** What to do with directories that are formatted: fail, or leave them as they are. */
  readonly formatted: "reject" | "keep";
}

/** A data directory of the node. */
export interface FormattedDirectory {
  readonly path: string;
  readonly directoryId: string;
  /** Whether it was formatted before. */
  readonly isKept: boolean;
}

/** A formatted node. */
export interface FormattedNode {
  readonly nodeId: number;
  readonly clusterId: string;
  readonly directories: readonly FormattedDirectory[];
  /** The levels that a new cluster begins with, by feature. Empty on a node that is no controller. */
  readonly levels: ReadonlyMap<string, number>;
  /** Kafka's name of the level of `metadata.version`, such as 4.4-IV2. */
  readonly metadataVersion: string;
}

/** A directory before it is formatted. */
interface Place {
  readonly path: string;
  readonly found: { readonly clusterId: string; readonly directoryId: string } | null;
}

/** The voters, and the level of `kraft.version` that belongs to them. */
type Quorum = Pick<BootstrapContent, "kraftVersion" | "voters">;

/**
 * Formats the directories of the configuration. Rejects with a `KafkaError` INVALID_CONFIG for options that
 * contradict each other or the configuration, INVALID_UPDATE_VERSION for a level that is not supported,
 * and KAFKA_STORAGE_ERROR for directories that cannot be formatted; none is formatted then.
 */
export async function formatNode(options: FormatNodeOptions): Promise<FormattedNode> {
  const { runtime } = options;
  const config = new BrokerConfig(options.config);
  const { nodeId, metadataLogDir } = config;
  // The metadata directory comes first: a format that was interrupted leaves no other without it.
  const paths = [...new Set([metadataLogDir, ...config.logDirs])];
  const places = paths.map((path): Place => ({
    path,
    found: formattedWith(runtime.files, path),
  }));
  checkPlaces(places, options, config);
  const listed = listedControllers(options, config);
  const own = listed?.find(({ id }) => id === nodeId);
  const { files, random, clock } = runtime;
  const idOf = ({ path, found }: Place) =>
    found?.directoryId ?? (path === metadataLogDir ? own?.directoryId : undefined) ??
      randomUuid(random);
  const directories = places.map((place) => ({
    path: place.path,
    directoryId: idOf(place),
    isKept: place.found !== null,
  }));
  const quorum = quorumOf(options, config, listed, directories[0]!.directoryId);
  const levels = levelsOf(options, config, quorum.kraftVersion);
  const clusterId = clusterIdOf(options, config, places);
  const records = initialFeatureLevels(levels).map(encodeMetadataRecord);
  for (const { path: directory, directoryId, isKept } of directories) {
    if (isKept) continue;
    const isMetadata = directory === metadataLogDir && config.isController;
    await formatDirectory({
      files,
      directory,
      clusterId,
      nodeId,
      directoryId,
      bootstrap: isMetadata ? { ...quorum, records } : null,
      nowMs: clock.now(),
    });
  }
  const metadataVersion = metadataVersionName(levels.get(METADATA_VERSION_FEATURE) ?? 0);
  return { nodeId, clusterId, directories, levels, metadataVersion };
}

function checkPlaces(
  places: readonly Place[],
  { runtime, formatted, clusterId }: FormatNodeOptions,
  config: BrokerConfig,
): void {
  const refuse = (path: string, why: string) =>
    new KafkaError(ErrorCode.KAFKA_STORAGE_ERROR, `Cannot format ${path}: ${why}`);
  let known = clusterId;
  for (const { path, found } of places) {
    if (found === null) continue;
    const { nodeId } = formattedWith(runtime.files, path)!;
    const owner = `it is formatted for node ${nodeId} of cluster "${found.clusterId}"`;
    if (formatted === "reject") {
      throw refuse(
        path,
        `${owner}; name another directory, or keep it with --ignore-formatted`,
      );
    }
    known ??= found.clusterId;
    if (nodeId !== config.nodeId || found.clusterId !== known) {
      throw refuse(
        path,
        `${owner}, and this is node ${config.nodeId} of cluster "${known}"; name another directory`,
      );
    }
  }
  const [metadata, ...others] = places;
  const other = others.find(({ found }) => found !== null);
  if (!config.isController || metadata!.found !== null || other === undefined) return;
  throw refuse(
    metadata!.path,
    `it is the metadata directory of a node whose directory ${other.path} is in use, and its records ` +
      "would be lost; restore it, or remove the other directories too",
  );
}

function listedControllers(
  { firstControllers }: FormatNodeOptions,
  config: BrokerConfig,
): readonly InitialController[] | null {
  if (firstControllers.kind !== "listed") return null;
  const listed = parseInitialControllers(firstControllers.text);
  if (typeof listed === "string") {
    throw invalid(
      config,
      `the initial controllers cannot be "${firstControllers.text}": ${listed}`,
    );
  }
  return listed;
}

function quorumOf(
  { firstControllers: { kind } }: FormatNodeOptions,
  config: BrokerConfig,
  listed: readonly InitialController[] | null,
  directoryId: string,
): Quorum {
  const isDynamic = kind !== "configured";
  if (isDynamic && config.quorumVoters.length > 0) {
    throw invalid(
      config,
      "controller.quorum.voters makes its quorum a fixed one, without initial controllers; replace it by " +
        `controller.quorum.bootstrap.servers, or leave out ${FLAGS[kind]}`,
    );
  }
  if (!config.isController) {
    if (kind !== "standalone") return { kraftVersion: 0, voters: null };
    throw invalid(config, `process.roles makes it a broker only; leave out ${FLAGS[kind]}`);
  }
  switch (kind) {
    case "standalone":
      return { kraftVersion: 1, voters: [ownVoter(config, directoryId)] };
    case "joining":
      return { kraftVersion: 1, voters: null };
    case "listed":
      return listedQuorum(config, listed!);
    case "configured":
      if (config.quorumVoters.length > 0 || config.isAlone) {
        return { kraftVersion: 0, voters: null };
      }
      throw invalid(
        config,
        "controller.quorum.bootstrap.servers does not say which controllers are the first; add " +
          `${FLAGS.standalone}, ${FLAGS.listed} or ${FLAGS.joining}`,
      );
  }
}

/** The flags of the command, in messages. */
const FLAGS = {
  standalone: "--standalone",
  listed: "--initial-controllers",
  joining: "--no-initial-controllers",
} as const;

function listedQuorum(config: BrokerConfig, listed: readonly InitialController[]): Quorum {
  const own = listed.find(({ id }) => id === config.nodeId);
  if (own === undefined) return { kraftVersion: 1, voters: null };
  const ports = config.controllerListeners.map(({ name, port }) =>
    config.advertisedListener(name)?.port ?? port
  );
  if (!ports.includes(own.port)) {
    throw invalid(
      config,
      `it is listed with port ${own.port}, and its listeners for controllers have port ${
        ports.join(", ") || "none"
      }; use the same port in both`,
    );
  }
  const name = config.controllerListenerNames[0]!;
  const voters = listed.map(({ id, directoryId, host, port }) => ({
    id,
    directoryId,
    endpoints: [{ name, host, port }],
    kraftVersions: kraftVersions(),
  }));
  return { kraftVersion: 1, voters };
}

/** Returns the node as the only voter, at the addresses of its listeners for controllers. */
function ownVoter(config: BrokerConfig, directoryId: string): VoterRecord {
  const endpoints = config.controllerListeners.map((listener) => {
    const address = config.advertisedListener(listener.name) ?? listener;
    if (!isWildcard(address) && address.port > 0) {
      return { name: listener.name, host: address.host, port: address.port };
    }
    throw invalid(
      config,
      `other nodes cannot connect to ${
        formatListener(listener)
      }; name a host and a port in listeners ` +
        "or advertised.listeners",
    );
  });
  if (endpoints.length > 0) {
    return { id: config.nodeId, directoryId, endpoints, kraftVersions: kraftVersions() };
  }
  throw invalid(
    config,
    "the first voter of a dynamic quorum needs a listener for controllers; add CONTROLLER://host:9093 to " +
      "listeners, and set controller.listener.names to CONTROLLER",
  );
}

function kraftVersions(): { readonly min: number; readonly max: number } {
  const { min, max } = FEATURES.find(({ name }) => name === KRAFT_VERSION_FEATURE)!;
  return { min, max };
}

/** Returns the levels of a new cluster. Throws for those that are not supported or contradict the rest. */
function levelsOf(
  { levels, releaseVersion }: FormatNodeOptions,
  config: BrokerConfig,
  kraftVersion: number,
): ReadonlyMap<string, number> {
  const chosen = new Map(levels);
  if (releaseVersion !== null) {
    const level = METADATA_VERSION_NAMES.get(releaseVersion);
    if (level === undefined) {
      throw invalid(
        config,
        `there is no release version "${releaseVersion}", it can be ${
          [...METADATA_VERSION_NAMES.keys()].join(", ")
        }`,
      );
    }
    if ((chosen.get(METADATA_VERSION_FEATURE) ?? level) !== level) {
      throw invalid(
        config,
        `release version ${releaseVersion} has ${METADATA_VERSION_FEATURE} ${level}, not ${
          chosen.get(METADATA_VERSION_FEATURE)
        }; give only one of the two`,
      );
    }
    chosen.set(METADATA_VERSION_FEATURE, level);
  }
  checkInitialLevels(chosen);
  if (!config.isController) return new Map();
  if ((chosen.get(KRAFT_VERSION_FEATURE) ?? kraftVersion) !== kraftVersion) {
    throw invalid(
      config,
      kraftVersion === 0
        ? `${KRAFT_VERSION_FEATURE} 1 is for a dynamic quorum; add ${FLAGS.standalone}, ${FLAGS.listed} ` +
          `or ${FLAGS.joining}`
        : `${KRAFT_VERSION_FEATURE} 0 is for voters in controller.quorum.voters; leave it out`,
    );
  }
  const all = FEATURES.map(({ name, initial }) => [name, chosen.get(name) ?? initial] as const);
  return new Map(
    [...all, [KRAFT_VERSION_FEATURE, kraftVersion] as const].filter(([name, level]) =>
      level > 0 || name === KRAFT_VERSION_FEATURE
    ),
  );
}

/** Returns the given id, that of the directories that are formatted, or a new one. */
function clusterIdOf(
  { clusterId, firstControllers, runtime }: FormatNodeOptions,
  config: BrokerConfig,
  places: readonly Place[],
): string {
  if (clusterId !== null) {
    if (/^[\w-]{1,64}$/.test(clusterId) && clusterId !== ZERO_UUID) return clusterId;
    throw invalid(
      config,
      `the cluster id cannot be "${clusterId}": it takes letters, digits, "_" and "-", such as those that ` +
        '"millrace format --random-uuid" prints',
    );
  }
  const found = places.find(({ found }) => found !== null)?.found;
  if (found !== undefined && found !== null) return found.clusterId;
  if (config.isController && firstControllers.kind !== "joining") return randomUuid(runtime.random);
  throw invalid(
    config,
    "it joins a cluster that exists; give the id of that cluster, --cluster-id",
  );
}

function invalid({ nodeId }: BrokerConfig, why: string): KafkaError {
  return new KafkaError(ErrorCode.INVALID_CONFIG, `Cannot format node ${nodeId}: ${why}`);
}
