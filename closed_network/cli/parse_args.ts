/**
 * `@std/cli/parse-args` for networks that cannot reach JSR: the same function from the npm package
 * `deno-std`, which holds it compiled and without types. Given the types that the commands use.
 *
 * @module
 */

import * as std from "npm:deno-std@1.4.0/cli/parse_args.js";

/** What the parser is told about the flags. */
export interface ParseOptions {
  /** Everything after `--` goes to `"--"` instead of to the positional arguments. */
  readonly "--"?: boolean;
  readonly alias?: Readonly<Record<string, string | readonly string[]>>;
  readonly boolean?: boolean | string | readonly string[];
  readonly string?: string | readonly string[];
  readonly collect?: string | readonly string[];
  readonly negatable?: string | readonly string[];
  readonly default?: Readonly<Record<string, unknown>>;
  readonly stopEarly?: boolean;
  /** Called for every argument that is none of the flags named; true keeps it. */
  readonly unknown?: (arg: string, key?: string, value?: unknown) => unknown;
}

/** The flags by their names, and what was no flag. */
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
