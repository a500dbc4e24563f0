/**
 * `@std/cli` for networks without access to JSR: the parts used by the commands.
 *
 * @module
 */

export * from "./parse_args.ts";
