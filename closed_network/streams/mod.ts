/**
 * `@std/streams` for networks that cannot reach JSR: the parts of it that the commands use.
 *
 * @module
 */

export * from "./text_line_stream.ts";
