/**
 * Reports to the active controller in which log directories this broker has placed its replicas (KIP-858),
 * until the controller has recorded it.
 *
 * @module
 */
import { MAX_ASSIGNED_REPLICAS } from "../controller/brokers/directory_assignment.ts";
import type { Logger } from "../logger.ts";
import type { MetadataImage } from "../metadata/image.ts";
import { ErrorCode, errorName } from "../protocol/errors.ts";
import {
  assignReplicasToDirs,
  type AssignReplicasToDirsResponse,
} from "../protocol/messages/assign_replicas_to_dirs.ts";
import type { Runtime } from "../runtime/runtime.ts";
import type { ControllerChannel } from "./controller_channel.ts";
import { RetryTimer } from "./retry_timer.ts";

/** The log directory in which this broker has placed a replica. */
export interface DirectoryAssignment {
  readonly topicId: string;
  readonly partition: number;
  /** The directory id. */
  readonly directoryId: string;
}

/** The codes for a replica that does not exist any more: another attempt would fail alike. */
const GONE: ReadonlySet<number> = new Set([
  ErrorCode.UNKNOWN_TOPIC_ID,
  ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
  ErrorCode.NOT_LEADER_OR_FOLLOWER,
]);

/** The dependencies of {@linkcode DirectoryAssignments}. */
export interface DirectoryAssignmentsOptions {
  readonly runtime: Pick<Runtime, "clock" | "random">;
  readonly channel: Pick<ControllerChannel, "request">;
  readonly nodeId: number;
  /** Returns the epoch of the broker's registration. */
  readonly brokerEpoch: () => number;
  readonly image: () => Pick<MetadataImage, "topicById">;
  readonly logger: Logger;
}

/** The assignments that the controller has not recorded yet. */
export class DirectoryAssignments {
  readonly #options: DirectoryAssignmentsOptions;
  /** The newest assignment of each replica, by topic id and partition. */
  readonly #pending = new Map<string, DirectoryAssignment>();
  readonly #retries: RetryTimer;
  #isSending = false;
  #isStopped = false;

  constructor(options: DirectoryAssignmentsOptions) {
    this.#options = options;
    this.#retries = new RetryTimer(options.runtime, () => {
      this.#send();
      return false;
    });
  }

  /** The number of assignments that the controller has not recorded yet. */
  get size(): number {
    return this.#pending.size;
  }

  /** Reports assignments. A later one of the same replica replaces an earlier one. */
  add(assignments: readonly DirectoryAssignment[]): void {
    for (const assignment of assignments) {
      this.#pending.set(keyOf(assignment.topicId, assignment.partition), assignment);
    }
    this.#send();
  }

  /** Reports nothing any more. The next start of the broker finds what is missing. */
  stop(): void {
    this.#isStopped = true;
    this.#retries.stop();
  }

  #send(): void {
    if (this.#isSending || this.#isStopped) return;
    const batch = this.#nextBatch();
    if (batch.length === 0) return;
    this.#isSending = true;
    this.#report(batch).then((reason) => {
      this.#isSending = false;
      if (this.#isStopped) return;
      if (reason === null) return this.#send();
      this.#options.logger.log("warn", `Cannot report log directories of replicas: ${reason}`);
      this.#retries.start();
    });
  }

  /** Returns the next assignments to send, without those of topics that have been deleted. */
  #nextBatch(): DirectoryAssignment[] {
    const image = this.#options.image();
    const batch: DirectoryAssignment[] = [];
    for (const [key, assignment] of this.#pending) {
      if (batch.length === MAX_ASSIGNED_REPLICAS) break;
      const { topicId, partition } = assignment;
      if (image.topicById(topicId)?.partitions[partition] === undefined) this.#pending.delete(key);
      else batch.push(assignment);
    }
    return batch;
  }

  /** Sends a batch. Resolves with null, or with the reason why some of it has to be sent again. */
  async #report(batch: readonly DirectoryAssignment[]): Promise<string | null> {
    const { channel, nodeId, brokerEpoch } = this.#options;
    try {
      const answer = await channel.request(assignReplicasToDirs, {
        brokerId: nodeId,
        brokerEpoch: brokerEpoch(),
        directories: grouped(batch),
      });
      if (answer.errorCode !== ErrorCode.NONE) {
        return `the active controller answers ${errorName(answer.errorCode)}`;
      }
      return this.#settle(batch, answer);
    } catch (error) {
      return (error as Error).message;
    }
  }

  #settle(
    batch: readonly DirectoryAssignment[],
    { directories }: AssignReplicasToDirsResponse,
  ): string | null {
    const codes = new Map<string, number>();
    for (const { topics } of directories) {
      for (const { topicId, partitions } of topics) {
        for (const { partitionIndex, errorCode } of partitions) {
          codes.set(keyOf(topicId, partitionIndex), errorCode);
        }
      }
    }
    let reason: string | null = null;
    for (const assignment of batch) {
      const key = keyOf(assignment.topicId, assignment.partition);
      const code = codes.get(key) ?? ErrorCode.UNKNOWN_SERVER_ERROR;
      if (code !== ErrorCode.NONE && !GONE.has(code)) {
        reason = `the active controller answers ${errorName(code)}`;
      } else if (this.#pending.get(key) === assignment) this.#pending.delete(key);
    }
    return reason;
  }
}

function keyOf(topicId: string, partition: number): string {
  return `${topicId} ${partition}`;
}

/** Returns the assignments as a request has them: by directory and topic. */
function grouped(batch: readonly DirectoryAssignment[]) {
  const directories = new Map<string, Map<string, { partitionIndex: number }[]>>();
  for (const { topicId, partition, directoryId } of batch) {
    const topics = directories.get(directoryId) ?? new Map<string, { partitionIndex: number }[]>();
    const partitions = topics.get(topicId) ?? [];
    partitions.push({ partitionIndex: partition });
    directories.set(directoryId, topics.set(topicId, partitions));
  }
  return Array.from(directories, ([id, topics]) => ({
    id,
    topics: Array.from(topics, ([topicId, partitions]) => ({ topicId, partitions })),
  }));
}
