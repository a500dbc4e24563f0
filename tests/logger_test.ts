/**
 * The lines of a node's own messages.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { lineLogger, LOG_LEVELS, type LogLevel } from "../src/logger.ts";
import { test } from "./harness.ts";

function written(level?: LogLevel) {
  const lines: string[] = [];
  const logger = lineLogger({
    ...(level !== undefined && { level }),
    now: () => 1_767_323_045_006,
    write: (line) => void lines.push(line),
  });
  return { lines, logger };
}

test("lineLogger() writes time, level and message", () => {
  const { lines, logger } = written("debug");
  for (const level of LOG_LEVELS) logger.log(level, `a message of ${level}`);
  assertEquals(lines, [
    "2026-01-02T03:04:05.006Z DEBUG a message of debug",
    "2026-01-02T03:04:05.006Z INFO  a message of info",
    "2026-01-02T03:04:05.006Z WARN  a message of warn",
    "2026-01-02T03:04:05.006Z ERROR a message of error",
  ]);
});

test("with() names the node in each line and keeps the level", () => {
  const { lines, logger } = written("warn");
  const [one, two] = [logger.with({ node: 1 }), logger.with({ node: 2 })];
  one.log("info", "below the level");
  one.log("warn", "first");
  two.log("error", "second");
  logger.log("error", "of no node");
  assertEquals(lines, [
    "2026-01-02T03:04:05.006Z WARN  [node 1] first",
    "2026-01-02T03:04:05.006Z ERROR [node 2] second",
    "2026-01-02T03:04:05.006Z ERROR of no node",
  ]);
});

test("the level of lineLogger() defaults to info", () => {
  const { lines, logger } = written();
  for (const level of LOG_LEVELS) logger.log(level, level);
  assertEquals(lines.map((line) => line.slice(25)), ["INFO  info", "WARN  warn", "ERROR error"]);
});
