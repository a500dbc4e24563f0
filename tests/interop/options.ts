/**
 * The command line of the interop programs, and the directory they install into.
 *
 * @module
 */

/** An invalid command line. */
export class UsageError extends Error {
  override name = "UsageError";
}

/**
 * Parses `--name value` and `--name=value`.
 *
 * @throws {UsageError} for a name that is not in `known`, or one without a value
 */
export function options<Name extends string>(
  args: readonly string[],
  known: readonly Name[],
): Partial<Record<Name, string>> {
  const given: Partial<Record<Name, string>> = {};
  for (let at = 0; at < args.length; at++) {
    const [, name, inline] = /^--([a-z0-9]+)(?:=(.*))?$/s.exec(args[at]!) ?? [];
    const option = known.find((one) => one === name);
    if (option === undefined) throw new UsageError(`unknown argument "${args[at]}"`);
    const value = inline ?? args[++at];
    if (value === undefined) throw new UsageError(`"--${option}" needs a value`);
    given[option] = value;
  }
  return given;
}

/**
 * Returns the installation directory of the clients: MILLRACE_INTEROP_CACHE, or `.cache/interop` in
 * the project.
 */
export function cacheDirectory(): string {
  return Deno.env.get("MILLRACE_INTEROP_CACHE") ??
    new URL("../../.cache/interop", import.meta.url).pathname;
}
