/**
 * `@std/streams/text-line-stream` for networks without access to JSR: the same class from the npm
 * package `deno-std`, which contains it compiled and without types. The types are declared here.
 *
 * @module
 */

import * as std from "npm:deno-std@1.4.0/streams/text_line_stream.js";

/** Options of line splitting. */
export interface TextLineStreamOptions {
  /** Whether a lone carriage return also ends a line. Defaults to false. */
  readonly allowCR?: boolean;
}

/** Splits chunks of text into lines without line terminators. */
export const TextLineStream: new (
  options?: TextLineStreamOptions,
) => TransformStream<string, string> = std.TextLineStream;
