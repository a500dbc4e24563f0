/**
 * Every bound that is not a configuration key of Kafka's, named once, with what holds between them.
 *
 * @module
 */
import { assert } from "./assert.ts";

const KiB = 1024;
const MiB = 1024 * KiB;

/** Requests of one connection that were started and not yet answered; reading stops beyond it. */
export const MAX_IN_FLIGHT_REQUESTS = 128;

/** Answers of one connection that wait for its socket, in bytes; reading stops beyond it. */
export const MAX_UNSENT_BYTES = 2 * MiB;

/**
 * How long the requests of one connection are started one after the other, in milliseconds, and the
 * partitions of one Produce request appended to, before other connections are served.
 */
export const REQUESTS_TURN_MS = 4;

/**
 * What decoding one request may cost, in the units of `Work` in `protocol/wire.ts`: 10 to 30 ms. A request
 * of more values is malformed and closes the connection. Metadata may name 36,000 topics, Fetch 110,000
 * partitions, OffsetCommit 130,000; records do not count. Apache Kafka has no such bound.
 */
export const MAX_REQUEST_WORK = 1_500_000;

/** The most that is handed to a socket in one write. A default fetch (1 MiB and its header) fits. */
export const SEND_CHUNK_BYTES = MiB + 64 * KiB;

/** A chunk once the send buffers in use exceed {@linkcode SEND_POOL_BYTES}. */
export const SMALL_SEND_CHUNK_BYTES = 64 * KiB;

/** Send buffers in use at one time before chunks become small. */
export const SEND_POOL_BYTES = 32 * MiB;

/** Send buffers kept for reuse. */
export const SEND_POOL_IDLE_BYTES = 4 * MiB;

/** Receive buffers of more than 64 KiB that all connections together keep between their bursts. */
export const KEPT_RECEIVE_BYTES = 8 * MiB;

/** Requests that have arrived in part, of all connections together, before they take turns. */
export const PARTIAL_FRAME_BYTES = 32 * MiB;

/** Whole requests whose records are being checked in slices, of all connections, before others wait. */
export const HELD_FRAME_BYTES = 128 * MiB;

/** A request in part that is not counted: a connection's smallest buffers hold it. */
export const UNCOUNTED_FRAME_BYTES = 16 * KiB;

/** How often those are looked at who hold memory that others wait for, in milliseconds. */
export const FRAME_PROGRESS_CHECK_MS = 5_000;

/** What such a connection has to send between two looks, or to finish its request. */
export const FRAME_PROGRESS_BYTES = 256 * KiB;

/** An answer buffer that grew beyond this is given back when its answer has left. */
export const KEPT_ANSWER_BUFFER_BYTES = 16 * KiB;

/** Answer buffers kept for reuse. */
export const KEPT_ANSWER_BUFFERS = 64;

/** Logs that are synced at one time for those who wait for the disk. Hosts use a thread for each. */
export const MAX_CONCURRENT_SYNCS = 32;

/** How long a clean shutdown waits for answers on their way, in milliseconds. */
export const SHUTDOWN_GRACE_MS = 2_000;

/**
 * Segment files that are open at one time; those not used for longest are closed beyond it. A process
 * with a lower limit on open files has fewer: see {@linkcode descriptorShares}.
 */
export const MAX_OPEN_SEGMENT_FILES = 2_048;

/**
 * Descriptors for neither segment files nor connections: the host's own, the listeners, and the
 * indexes, checkpoints and directories that are opened for a moment, above all in the orderly end.
 */
export const RESERVED_DESCRIPTORS = 96;

/** Memory of the indexes of closed segments, bytes; those not used for longest go beyond it. */
export const MAX_LOADED_INDEX_BYTES = 64 * MiB;

/**
 * A client's batch of at most so many bytes, as it comes and decompressed, is checked at once, in some
 * 2 ms; larger ones in slices between which other clients are served. The default `max.message.bytes`
 * fits.
 */
export const CHECKED_AT_ONCE_BYTES = MiB + 64 * KiB;

/** The same for a batch whose compression is not the topic's: gzip packs so much in 2 ms. */
export const RECOMPRESSED_AT_ONCE_BYTES = 128 * KiB;

/** A client's batch of at most so many records is checked at once, in a millisecond. */
export const CHECKED_AT_ONCE_RECORDS = 32_768;

/**
 * What a client's batch may decompress to; it is answered MESSAGE_TOO_LARGE beyond. Apache Kafka has
 * no such bound, nor the memory of one batch at a time that this one keeps.
 */
export const MAX_DECOMPRESSED_BATCH_BYTES = 128 * MiB;

/**
 * Records that the answer to a rejected batch names. Apache Kafka names all of them, which for a
 * batch of small records takes many times the bytes of the request.
 */
export const MAX_RECORD_ERRORS = 1_000;

/** Idempotent producers that one partition remembers; those silent for longest go beyond it. */
export const MAX_PRODUCERS_PER_PARTITION = 50_000;

assert(SMALL_SEND_CHUNK_BYTES < SEND_CHUNK_BYTES, "small chunks are smaller");
assert(SEND_CHUNK_BYTES * 8 <= SEND_POOL_BYTES, "eight full chunks fit the pool");
assert(
  KEPT_ANSWER_BUFFER_BYTES < MAX_UNSENT_BYTES,
  "an idle connection keeps less than a busy one",
);
assert(
  RECOMPRESSED_AT_ONCE_BYTES < CHECKED_AT_ONCE_BYTES &&
    CHECKED_AT_ONCE_BYTES < MAX_DECOMPRESSED_BATCH_BYTES,
  "what is done at once is less than what is done in slices",
);

/** How a process shares its limit on open files. */
export interface DescriptorShares {
  /** The most segment files that are open at one time. */
  readonly segmentFiles: number;
  /** The most connections that are open at one time. */
  readonly connections: number;
}

/**
 * Shares the process's limit on open files, undefined where it is not known: at most half of it is
 * reserved, and the rest is shared equally, but segment files get no more than
 * {@linkcode MAX_OPEN_SEGMENT_FILES}. Of 1,024 descriptors, 464 are for each.
 */
export function descriptorShares(limit: number | undefined): DescriptorShares {
  if (limit === undefined) return { segmentFiles: MAX_OPEN_SEGMENT_FILES, connections: Infinity };
  const shared = limit - Math.min(RESERVED_DESCRIPTORS, Math.ceil(limit / 2));
  const segmentFiles = Math.min(MAX_OPEN_SEGMENT_FILES, Math.max(1, Math.floor(shared / 2)));
  return { segmentFiles, connections: Math.max(1, shared - segmentFiles) };
}
