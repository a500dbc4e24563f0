/**
 * All limits that are not Kafka configuration keys, with the relations between them.
 *
 * @module
 */
import { assert } from "./assert.ts";

const KiB = 1024;
const MiB = 1024 * KiB;

/** Maximum number of unanswered requests of a connection. Beyond it, reading stops. */
export const MAX_IN_FLIGHT_REQUESTS = 128;

/** Maximum bytes of unsent responses of a connection. Beyond it, reading stops. */
export const MAX_UNSENT_BYTES = 2 * MiB;

/**
 * Maximum time in milliseconds of starting requests of one connection, or of appending to the
 * partitions of one Produce request, before other connections are served.
 */
export const REQUESTS_TURN_MS = 4;

/**
 * Maximum cost of decoding one request, in the units of `Work` in `protocol/wire.ts`: 10 to 30 ms.
 * A request with more values is malformed and closes the connection. This allows 36,000 topics in
 * Metadata, 110,000 partitions in Fetch and 130,000 in OffsetCommit; records do not count. Apache
 * Kafka has no such limit.
 */
export const MAX_REQUEST_WORK = 1_500_000;

/** Maximum bytes of one socket write. A default fetch response (1 MiB and its header) fits. */
export const SEND_CHUNK_BYTES = MiB + 64 * KiB;

/** Size of a send buffer while the buffers in use exceed {@linkcode SEND_POOL_BYTES}. */
export const SMALL_SEND_CHUNK_BYTES = 64 * KiB;

/** Send buffers in use before smaller buffers are used. */
export const SEND_POOL_BYTES = 32 * MiB;

/** Unused send buffers kept for reuse. */
export const SEND_POOL_IDLE_BYTES = 4 * MiB;

/** Receive buffers above 64 KiB that all connections together keep between bursts. */
export const KEPT_RECEIVE_BYTES = 8 * MiB;

/** Incomplete requests of all connections together, before connections must take turns. */
export const PARTIAL_FRAME_BYTES = 32 * MiB;

/**
 * Complete requests of all connections whose records are being checked in slices, before others
 * must wait.
 */
export const HELD_FRAME_BYTES = 128 * MiB;

/**
 * Incomplete requests up to this size are not counted: the minimum buffer of a connection holds
 * them.
 */
export const UNCOUNTED_FRAME_BYTES = 16 * KiB;

/** Interval in milliseconds of checking connections that hold memory which others wait for. */
export const FRAME_PROGRESS_CHECK_MS = 5_000;

/**
 * Minimum bytes such a connection must send between two checks, unless it completes its request.
 */
export const FRAME_PROGRESS_BYTES = 256 * KiB;

/** Response buffers above this size are released when the response has been sent. */
export const KEPT_ANSWER_BUFFER_BYTES = 16 * KiB;

/** Maximum number of response buffers kept for reuse. */
export const KEPT_ANSWER_BUFFERS = 64;

/**
 * Maximum number of logs synced concurrently on behalf of waiting requests. Hosts use one thread
 * each.
 */
export const MAX_CONCURRENT_SYNCS = 32;

/** Maximum time in milliseconds that a clean shutdown waits for pending responses. */
export const SHUTDOWN_GRACE_MS = 2_000;

/**
 * Maximum number of open segment files. Beyond it, the least recently used are closed. A lower
 * process limit on open files reduces it: see {@linkcode descriptorShares}.
 */
export const MAX_OPEN_SEGMENT_FILES = 2_048;

/**
 * Descriptors reserved for the host, the listeners, and indexes, checkpoints and directories that
 * are opened briefly, mostly during shutdown.
 */
export const RESERVED_DESCRIPTORS = 96;

/**
 * Maximum memory for indexes of closed segments. Beyond it, the least recently used are evicted.
 */
export const MAX_LOADED_INDEX_BYTES = 64 * MiB;

/**
 * Batches up to this size, compressed and decompressed, are checked at once, in about 2 ms. Larger
 * ones are checked in slices, between which other clients are served. The default
 * `max.message.bytes` fits.
 */
export const CHECKED_AT_ONCE_BYTES = MiB + 64 * KiB;

/** The same for a batch that must be recompressed: gzip compresses this much in 2 ms. */
export const RECOMPRESSED_AT_ONCE_BYTES = 128 * KiB;

/** Batches of up to this many records are checked at once, in about a millisecond. */
export const CHECKED_AT_ONCE_RECORDS = 32_768;

/**
 * Maximum decompressed size of a produced batch; MESSAGE_TOO_LARGE beyond. Apache Kafka needs
 * no such limit, since it never holds a whole decompressed batch in memory.
 */
export const MAX_DECOMPRESSED_BATCH_BYTES = 128 * MiB;

/**
 * Maximum number of records listed in the response to a rejected batch. Apache Kafka lists all of
 * them, which for small records takes a multiple of the size of the request.
 */
export const MAX_RECORD_ERRORS = 1_000;

/**
 * Maximum number of idempotent producers tracked per partition. Beyond it, the least recently
 * active are evicted.
 */
export const MAX_PRODUCERS_PER_PARTITION = 50_000;

assert(SMALL_SEND_CHUNK_BYTES < SEND_CHUNK_BYTES, "small chunks are smaller");
assert(
  SEND_CHUNK_BYTES * 8 <= SEND_POOL_BYTES,
  "the pool holds at least eight full chunks",
);
assert(
  KEPT_ANSWER_BUFFER_BYTES < MAX_UNSENT_BYTES,
  "the idle buffers are smaller than the busy ones",
);
assert(
  RECOMPRESSED_AT_ONCE_BYTES < CHECKED_AT_ONCE_BYTES &&
    CHECKED_AT_ONCE_BYTES < MAX_DECOMPRESSED_BATCH_BYTES,
  "work done at once is smaller than work done in slices",
);

/** The shares of a process's limit on open files. */
export interface DescriptorShares {
  /** Maximum number of open segment files. */
  readonly segmentFiles: number;
  /** Maximum number of open connections. */
  readonly connections: number;
}

/**
 * Divides the process's limit on open files, undefined if unknown. At most half of it is reserved;
 * the rest is divided equally, but segment files get at most {@linkcode MAX_OPEN_SEGMENT_FILES}. Of
 * 1,024 descriptors, each gets 464.
 */
export function descriptorShares(limit: number | undefined): DescriptorShares {
  if (limit === undefined) {
    return { segmentFiles: MAX_OPEN_SEGMENT_FILES, connections: Infinity };
  }
  const shared = limit - Math.min(RESERVED_DESCRIPTORS, Math.ceil(limit / 2));
  const segmentFiles = Math.min(
    MAX_OPEN_SEGMENT_FILES,
    Math.max(1, Math.floor(shared / 2)),
  );
  return { segmentFiles, connections: Math.max(1, shared - segmentFiles) };
}
