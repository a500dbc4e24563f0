/**
 * What only a node runs that compacts a log.
 *
 * @module
 */
export { cleanLog } from "../../log/compaction/cleaner.ts";
export { KeyDigest, SECRET_BYTES } from "../../log/compaction/key_digest.ts";
export { OffsetMap } from "../../log/compaction/offset_map.ts";
