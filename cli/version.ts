/**
 * The version that `--version` shows: that of the package.
 *
 * @module
 */

/** As in deno.json. */
export const VERSION = "0.1.0";
