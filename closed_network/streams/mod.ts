/**
 * `@std/streams` for networks without access to JSR: the parts used by the commands.
 *
 * @module
 */

export * from "./text_line_stream.ts";
