/**
 * What only a node runs that has records or clients.
 *
 * @module
 */
export { Checkpoints } from "../checkpoints.ts";
export { LogCleaner } from "../log_cleaner.ts";
export { LogRetention } from "../log_retention.ts";
