/**
 * Where a node's own messages go. Nothing below `cli/` writes to the console: it is handed a sink.
 *
 * @module
 */

/** How much a message matters. */
export type LogLevel = "debug" | "info" | "warn" | "error";

/** Takes messages: one line each, without a line end. */
export interface Logger {
  log(level: LogLevel, message: string): void;
}

/** Drops every message. */
export const silentLogger: Logger = { log: () => {} };
