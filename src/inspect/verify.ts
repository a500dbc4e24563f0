/**
 * Verifies a data directory of Millrace or Apache Kafka without changing anything: the checksum of every
 * batch, the order of offsets, and every file that refers to them.
 *
 * @module
 */
import { checkpointNumber, readCheckpoint } from "../log/checkpoint_format.ts";
import { META_PROPERTIES, readMetaProperties } from "../log/directory/meta_properties.ts";
import { ErrorCode, KafkaError } from "../protocol/errors.ts";
import { hostRuntime } from "../runtime/host.ts";
import { FileError, type FileSystem, type Runtime } from "../runtime/runtime.ts";
import { Findings, type LogDamage, type VerifySummary } from "./findings.ts";
import { readWhole } from "./read_whole.ts";
import { readTopicPolicies } from "./topic_policies.ts";
import { attempt, type PartitionEnds, verifyPartition } from "./verify_partition.ts";

/** Options of a verification. */
export interface VerifyOptions {
  /** Whether to decompress and decode records, in addition to the checksums of their batches. */
  readonly deep?: boolean;
  /** Called for each damage as it is found. */
  readonly onDamage?: (damage: LogDamage) => void;
  /** The host's functions. Defaults to those of this process. */
  readonly runtime?: Runtime;
}

const RECOVERY_POINTS = "recovery-point-offset-checkpoint";
const LOG_START_OFFSETS = "log-start-offset-checkpoint";
const HIGH_WATERMARKS = "replication-offset-checkpoint";
const CLEANER_OFFSETS = "cleaner-offset-checkpoint";
const CLEAN_SHUTDOWN = ".kafka_cleanshutdown";
const LOCK = ".lock";

/**
 * Verifies a data directory and resolves with the result. `damages` is empty if there are none.
 *
 * ```ts ignore
 * const { damages } = await verifyDataDirectory("data");
 * for (const damage of damages) console.error(describeDamage(damage));
 * ```
 *
 * @throws KafkaError with the code KAFKA_STORAGE_ERROR if a broker has the directory open, or it is not a
 * data directory; FileError if a file cannot be read
 */
export async function verifyDataDirectory(
  directory: string,
  options: VerifyOptions = {},
): Promise<VerifySummary> {
  const runtime = options.runtime ?? hostRuntime();
  const path = directory.replaceAll("\\", "/").replace(/(?<=.)\/+$/, "");
  const findings = new Findings(options.onDamage ?? (() => {}));
  const release = claim(runtime.files, path);
  try {
    await verifyAll(runtime, path, findings, options.deep === true);
  } finally {
    release();
  }
  return findings;
}

async function verifyAll(
  runtime: Runtime,
  directory: string,
  findings: Findings,
  deep: boolean,
): Promise<void> {
  const { files } = runtime;
  const entries = files.list(directory);
  verifyRootFiles(files, directory, findings, entries.map(({ name }) => name));
  const recoveryPoints = readOffsets(files, directory, RECOVERY_POINTS, findings);
  const logStartOffsets = readOffsets(files, directory, LOG_START_OFFSETS, findings);
  const policies = readTopicPolicies(files, directory);
  const ends = new Map<string, PartitionEnds>();
  for (const { name, isDirectory } of entries.sort((a, b) => a.name < b.name ? -1 : 1)) {
    const topic = /^([a-zA-Z0-9._-]+)-\d{1,10}$/.exec(name)?.[1];
    if (topic === undefined || !isDirectory) continue;
    ends.set(
      name,
      await verifyPartition({
        files,
        findings,
        directory: `${directory}/${name}`,
        wasShutDownCleanly: files.exists(`${directory}/${CLEAN_SHUTDOWN}`),
        recoveryPoint: recoveryPoints.get(name) ?? -1,
        logStartOffset: logStartOffsets.get(name) ?? -1,
        allowGaps: policies.mayHaveGaps(topic),
        codecs: deep ? runtime.codecs() : null,
        pause: () => runtime.clock.yieldToLoop(),
      }),
    );
  }
  compare(findings, `${directory}/${RECOVERY_POINTS}`, recoveryPoints, ends);
  compare(findings, `${directory}/${LOG_START_OFFSETS}`, logStartOffsets, ends);
  for (const name of [HIGH_WATERMARKS, CLEANER_OFFSETS]) {
    const offsets = readOffsets(files, directory, name, findings);
    compare(findings, `${directory}/${name}`, offsets, ends);
  }
}

/** Locks the directory against brokers. Returns a function that releases the lock. */
function claim(files: FileSystem, directory: string): () => void {
  const isData = files.exists(directory) &&
    files.list(directory).some(({ name }) => name === META_PROPERTIES || /-\d+$/.test(name));
  if (!isData) {
    throw new KafkaError(
      ErrorCode.KAFKA_STORAGE_ERROR,
      `Cannot verify ${directory}: it is not a data directory, which has a ${META_PROPERTIES} and one ` +
        `directory per partition`,
    );
  }
  if (!files.exists(`${directory}/${LOCK}`)) return () => {};
  try {
    const lock = files.tryLock(`${directory}/${LOCK}`);
    if (lock !== null) return () => lock.release();
  } catch (error) {
    // Without write permission the directory cannot be locked; verify it nevertheless.
    if (error instanceof FileError) return () => {};
    throw error;
  }
  throw new KafkaError(
    ErrorCode.KAFKA_STORAGE_ERROR,
    `Cannot verify ${directory}: another process has it open; stop that process, or verify a copy`,
  );
}

function verifyRootFiles(
  files: FileSystem,
  directory: string,
  findings: Findings,
  names: readonly string[],
): void {
  const properties = `${directory}/${META_PROPERTIES}`;
  attempt(findings, properties, () => {
    if (readMetaProperties(files, properties, false) !== null) return;
    findings.add(properties, "it is missing or empty; restore it from a backup");
  });
  const json = names.includes(CLEAN_SHUTDOWN) ? [`${directory}/${CLEAN_SHUTDOWN}`] : [];
  const quorum = `${directory}/__cluster_metadata-0/quorum-state`;
  if (files.exists(quorum)) json.push(quorum);
  for (const path of json) {
    try {
      JSON.parse(new TextDecoder().decode(readWhole(files, path)));
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      findings.add(path, `it is not JSON: ${error.message}`);
    }
  }
}

/** Reads the offsets of a checkpoint in the data directory, by partition. */
function readOffsets(
  files: FileSystem,
  directory: string,
  name: string,
  findings: Findings,
): Map<string, number> {
  const path = `${directory}/${name}`;
  const offsets = new Map<string, number>();
  attempt(findings, path, () => {
    for (const [topic, partition, offset] of readCheckpoint(files, path, 3) ?? []) {
      const key = `${topic}-${checkpointNumber(path, partition)}`;
      offsets.set(key, checkpointNumber(path, offset));
    }
  });
  return offsets;
}

/** Reports a checkpoint with offsets beyond the end of a log: a part of the log is lost. */
function compare(
  findings: Findings,
  path: string,
  offsets: ReadonlyMap<string, number>,
  ends: ReadonlyMap<string, PartitionEnds>,
): void {
  for (const [name, offset] of offsets) {
    const logEndOffset = ends.get(name)?.logEndOffset ?? -1;
    if (logEndOffset < 0 || offset <= logEndOffset) continue;
    findings.add(
      path,
      `it has offset ${offset} for ${name}, which ends at ${logEndOffset}: records that were on disk ` +
        `are missing; restore the partition's files from a backup or another replica`,
      { offset: logEndOffset },
    );
  }
}
