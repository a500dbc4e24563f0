/**
 * `@std/cli/parse-args` for networks without access to JSR: the same function from the npm package
 * `deno-std`, which contains it compiled and without types. The types used by the commands are
 * declared here.
 *
 * @module
 */

import * as std from "npm:deno-std@1.4.0/cli/parse_args.js";

/** Options of the parser. */
export interface ParseOptions {
  /** Puts everything after `--` into `"--"` instead of the positional arguments. */
  readonly "--"?: boolean;
  readonly alias?: Readonly<Record<string, string | readonly string[]>>;
  readonly boolean?: boolean | string | readonly string[];
  readonly string?: string | readonly string[];
  readonly collect?: string | readonly string[];
  readonly negatable?: string | readonly string[];
  readonly default?: Readonly<Record<string, unknown>>;
  readonly stopEarly?: boolean;
  /** Called for every argument that is not a declared flag. Return true to keep it. */
  readonly unknown?: (arg: string, key?: string, value?: unknown) => unknown;
}

/** The flags by name, and the positional arguments in `_`. */
export interface ParsedArguments {
  // deno-lint-ignore no-explicit-any
  [name: string]: any;
  _: (string | number)[];
}

/** Parses command line arguments. */
export const parseArgs: (
  args: string[],
  options?: ParseOptions,
) => ParsedArguments = std.parseArgs;
