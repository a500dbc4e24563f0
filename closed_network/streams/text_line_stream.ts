/**
 * `@std/streams/text-line-stream` for networks that cannot reach JSR: the same class from the npm
 * package `deno-std`, which holds it compiled and without types. Given its types here.
 *
 * @module
 */

import * as std from "npm:deno-std@1.4.0/streams/text_line_stream.js";

/** How lines are cut. */
export interface TextLineStreamOptions {
  /** Whether a lone carriage return ends a line too: false unless told. */
  readonly allowCR?: boolean;
}

/** Turns chunks of text into lines without their ends. */
export const TextLineStream: new (
  options?: TextLineStreamOptions,
) => TransformStream<string, string> = std.TextLineStream;
