/**
 * A node's own messages. Nothing below `cli/` writes to the console: the caller passes a
 * {@linkcode Logger}.
 *
 * @module
 */

/** The severity of a message. */
export type LogLevel = "debug" | "info" | "warn" | "error";

/** Every level, the least severe first. */
export const LOG_LEVELS: readonly LogLevel[] = ["debug", "info", "warn", "error"];

/** The source of messages. */
export interface LogContext {
  /** The id of the node. */
  readonly node: number;
}

/** Receives messages. */
export interface Logger {
  /** Logs one message: a sentence without a line end. */
  log(level: LogLevel, message: string): void;
  /**
   * Returns a logger for the messages of one source. Absent where messages are not told apart by their
   * source.
   */
  with?(context: LogContext): Logger;
}

/** The destination of a {@linkcode lineLogger}. */
export interface LineLoggerOptions {
  /** The least severe level that is written. Defaults to `"info"`. */
  readonly level?: LogLevel;
  /** Returns the time, in milliseconds since 1970. */
  now(): number;
  /** Writes one line, given without a line end. */
  write(line: string): void;
}

/**
 * Returns a logger that writes lines of time, level, node and message.
 *
 * ```ts
 * import { lineLogger } from "@millrace/millrace/cluster";
 *
 * const now = () => Date.UTC(2026, 0, 2, 3, 4, 5);
 * const logger = lineLogger({ level: "warn", now, write: console.error });
 * logger.with({ node: 1 }).log("warn", "Closed 127.0.0.1:50000: the frame is too large");
 * // 2026-01-02T03:04:05.000Z WARN  [node 1] Closed 127.0.0.1:50000: the frame is too large
 * ```
 */
export function lineLogger(options: LineLoggerOptions): Required<Logger> {
  return new LineLogger(options, "");
}

class LineLogger implements Required<Logger> {
  readonly #options: LineLoggerOptions;
  readonly #source: string;
  readonly #lowest: number;

  constructor(options: LineLoggerOptions, source: string) {
    this.#options = options;
    this.#source = source;
    this.#lowest = LOG_LEVELS.indexOf(options.level ?? "info");
  }

  log(level: LogLevel, message: string): void {
    if (LOG_LEVELS.indexOf(level) < this.#lowest) return;
    const time = new Date(this.#options.now()).toISOString();
    this.#options.write(`${time} ${level.toUpperCase().padEnd(5)} ${this.#source}${message}`);
  }

  with({ node }: LogContext): Logger {
    return new LineLogger(this.#options, `[node ${node}] `);
  }
}

/** Drops every message. */
export const silentLogger: Logger = { log: () => {} };
