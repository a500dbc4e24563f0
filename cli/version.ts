/**
 * The version of the package, for `--version`.
 *
 * @module
 */

/** The version in deno.json. */
export const VERSION = "0.1.0";
