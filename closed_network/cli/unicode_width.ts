/**
 * `@std/cli/unicode-width` for networks that cannot reach JSR: the same function from the npm
 * package `deno-std`, given its type.
 *
 * @module
 */

import * as std from "npm:deno-std@1.4.0/cli/unicode_width.js";

/** How many columns a terminal takes for `text`. */
export const unicodeWidth: (text: string) => number = std.unicodeWidth;
