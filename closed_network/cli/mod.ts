/**
 * `@std/cli` for networks that cannot reach JSR: the parts of it that the commands use.
 *
 * @module
 */

export * from "./parse_args.ts";
