/**
 * Arguments of a command: their declaration, parsing and checks. Every positional argument has an
 * equivalent flag, so `producer 1 127.0.0.1 9092` and `producer --id 1 --port 9092` are the same call.
 *
 * @module
 */
import { parseArgs } from "@std/cli/parse-args";
import { closest, UsageError } from "./fail.ts";

/**
 * A positional argument. A call gives all of a command's positionals, or none and flags instead. A
 * positional whose flag may be repeated must be the last, and collects the remaining arguments.
 */
export interface Positional {
  /** The name in the help, such as `<topic>`. */
  readonly name: string;
  /** The equivalent flag, without dashes. */
  readonly flag: string;
}

/** A flag. */
export interface Flag {
  readonly name: string;
  /** The name of its value in the help. A flag without one is a switch. */
  readonly value?: string;
  readonly help: string;
  /** The default value, as text. */
  readonly default?: string;
  /** Whether it may be repeated. */
  readonly isList?: boolean;
}

/** The declaration of a command. */
export interface CommandSpec {
  readonly name: string;
  /** One line: the first of the help. */
  readonly summary: string;
  /** Further lines of the command's own help. */
  readonly details?: readonly string[];
  readonly positionals: readonly Positional[];
  /** Number of trailing positionals that may be omitted. Defaults to 0. */
  readonly optionalPositionals?: number;
  readonly flags: readonly Flag[];
  readonly examples?: readonly string[];
}

/** The given arguments, as text. The accessors check them. */
export class Arguments {
  constructor(
    readonly spec: CommandSpec,
    readonly values: ReadonlyMap<string, string | readonly string[] | boolean>,
    /** The flags whose values were given as positionals. */
    readonly positionals: ReadonlySet<string> = new Set(),
  ) {}

  /** Returns the value of a flag or of its positional, its default, or undefined. */
  optional(flag: string): string | undefined {
    const value = this.values.get(flag);
    return typeof value === "string" ? value : this.#flag(flag)?.default;
  }

  /** Returns the value as {@linkcode optional} does. Throws a UsageError if there is none. */
  text(flag: string): string {
    const value = this.optional(flag);
    if (value !== undefined) return value;
    throw new UsageError(`"${this.spec.name}" needs ${this.#nameOf(flag)}${hint(this.spec)}`);
  }

  /** Returns the values of a flag that may be repeated. */
  list(flag: string): readonly string[] {
    const value = this.values.get(flag);
    return Array.isArray(value) ? value : [];
  }

  /** Returns whether a switch is given. */
  isOn(flag: string): boolean {
    return this.values.get(flag) === true;
  }

  /** Returns whether the flag or its positional is given. */
  has(flag: string): boolean {
    return this.values.has(flag);
  }

  /**
   * Throws a UsageError if one of `flags` is given as a flag. `why` is the reason why it has no effect.
   * Positionals are ignored, since a call gives all of them or none.
   */
  reject(flags: readonly string[], why: string): void {
    const given = flags.find((flag) => this.has(flag) && !this.positionals.has(flag));
    if (given !== undefined) throw new UsageError(`--${given} has no effect ${why}: omit it`);
  }

  /** Returns a whole number. Throws a UsageError if it is out of range. */
  whole(flag: string, least: number, most: number): number {
    const text = this.text(flag);
    const value = /^\d{1,15}$/.test(text) ? Number(text) : NaN;
    if (value >= least && value <= most) return value;
    const range = `${least.toLocaleString("en-US")} to ${most.toLocaleString("en-US")}`;
    throw this.#wrong(flag, text, `a whole number from ${range}`);
  }

  /** Returns a whole number as {@linkcode whole} does, or undefined if it is not given. */
  optionalWhole(flag: string, least: number, most: number): number | undefined {
    return this.optional(flag) === undefined ? undefined : this.whole(flag, least, most);
  }

  /** Returns a number above 0 and at most `most`, or undefined if it is not given. */
  optionalPositive(flag: string, most: number): number | undefined {
    const text = this.optional(flag);
    if (text === undefined) return undefined;
    const value = /^\d+(\.\d+)?$/.test(text) ? Number(text) : NaN;
    if (value > 0 && value <= most) return value;
    throw this.#wrong(flag, text, `a number above 0, up to ${most.toLocaleString("en-US")}`);
  }

  /** Returns true for "1" or "true", false for "0" or "false". */
  truth(flag: string): boolean {
    const text = this.text(flag).toLowerCase();
    if (text === "1" || text === "true") return true;
    if (text === "0" || text === "false") return false;
    throw this.#wrong(flag, text, "true (or 1) or false (or 0)");
  }

  /** Returns the value, which must be one of `words`. */
  oneOf<const W extends string>(flag: string, words: readonly W[]): W {
    const text = this.text(flag);
    const word = words.find((word) => word === text);
    if (word !== undefined) return word;
    throw this.#wrong(flag, text, alternatives(words));
  }

  /** Returns an IP address or a host name. */
  hostName(flag: string): string {
    const text = this.text(flag);
    if (/^(?=.{1,253}$)([A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?\.?)+$/.test(text)) return text;
    if (/^[0-9A-Fa-f:.]+(%\w+)?$/.test(text) && text.includes(":")) return text;
    throw this.#wrong(flag, text, "an IP address or a host name");
  }

  /**
   * Returns the bootstrap servers: the value of `--bootstrap host:port[,host:port]`, or those of
   * `--host` and `--port`.
   */
  bootstrapServers(): string {
    const given = this.optional("bootstrap");
    if (given === undefined) {
      const name = this.hostName("host");
      const port = this.whole("port", 1, 65_535);
      return name.includes(":") ? `[${name}]:${port}` : `${name}:${port}`;
    }
    if (this.has("host") || this.has("port")) {
      throw new UsageError(
        `--bootstrap replaces ${this.#nameOf("host")} and --port: give one or the other`,
      );
    }
    const servers = given.split(",").map((server) => server.trim());
    if (servers.every((server) => /^(\[[^\]]+\]|[^:\s[\]]+):\d{1,5}$/.test(server))) return given;
    throw this.#wrong("bootstrap", given, "one or more ip:port, separated by commas");
  }

  #wrong(flag: string, text: string, takes: string): UsageError {
    return new UsageError(`${this.#nameOf(flag)} cannot be "${text}": it takes ${takes}`);
  }

  /** Returns the name of an argument for messages. */
  #nameOf(flag: string): string {
    const positional = this.spec.positionals.find((one) => one.flag === flag);
    return positional === undefined ? `--${flag}` : `${positional.name} (or --${flag})`;
  }

  #flag(name: string): Flag | undefined {
    return this.spec.flags.find((flag) => flag.name === name);
  }
}

/** Parses a command's arguments. Returns null if help is requested. Throws a UsageError. */
export function parseCommand(spec: CommandSpec, args: readonly string[]): Arguments | null {
  const { flags } = spec;
  const names = flags.map(({ name }) => name);
  const withValue = flags.filter(({ value }) => value !== undefined);
  const parsed = parseArgs([...args], {
    alias: { help: ["h"] },
    boolean: ["help", ...flags.filter(({ value }) => value === undefined).map(({ name }) => name)],
    // "_" keeps positionals as text: "007" is the name of a topic, not the number 7.
    string: ["_", ...withValue.map(({ name }) => name)],
    collect: withValue.map(({ name }) => name),
    unknown(arg, key) {
      if (key === undefined) return true;
      throw unknownFlag(spec, arg, names);
    },
  });
  if (parsed.help === true) return null;
  rejectValuesOfSwitches(flags, args);
  const values = new Map<string, string | readonly string[] | boolean>();
  for (const { name, value, isList } of flags) {
    if (value === undefined) {
      if (parsed[name] === true) values.set(name, true);
      continue;
    }
    const given = (parsed[name] ?? []) as string[];
    if (given.includes("")) throw needsValue(name, value);
    if (given.length > 1 && isList !== true) {
      throw new UsageError(`--${name} is given ${given.length} times: give it once`);
    }
    if (given.length > 0) values.set(name, isList ? given : given[0]!);
  }
  const positionals = takePositionals(spec, parsed._.map(String), values);
  return new Arguments(spec, values, positionals);
}

/** Throws a UsageError for a value given to a switch. */
function rejectValuesOfSwitches(flags: readonly Flag[], args: readonly string[]): void {
  const end = args.indexOf("--");
  for (const arg of end < 0 ? args : args.slice(0, end)) {
    const [, name] = /^--([^=]+)=/.exec(arg) ?? [];
    if (flags.some((flag) => flag.name === name && flag.value === undefined)) {
      throw new UsageError(`--${name} takes no value: write --${name} alone, or omit it`);
    }
  }
}

/** Adds the positionals to `values` and returns their flags. */
function takePositionals(
  spec: CommandSpec,
  given: readonly string[],
  values: Map<string, string | readonly string[] | boolean>,
): Set<string> {
  const taken = new Set<string>();
  if (given.length === 0) return taken;
  const { positionals, name, optionalPositionals = 0 } = spec;
  const { length } = given;
  const isList = (one: Positional) => spec.flags.find((flag) => flag.name === one.flag)?.isList;
  const most = positionals.some(isList) ? Infinity : positionals.length;
  if (length > most || length < positionals.length - optionalPositionals) {
    const usage = positionals.map((one) => one.name).join(" ");
    const takes = positionals.length === 0
      ? "flags only"
      : `${positionals.length} arguments (${usage}), or none and flags`;
    throw new UsageError(`"${name}" takes ${takes}, ${given.length} were given${hint(spec)}`);
  }
  positionals.slice(0, length).forEach((one, i) => {
    if (values.has(one.flag)) {
      throw new UsageError(`${one.name} and --${one.flag} mean the same: give only one`);
    }
    const texts = isList(one) ? given.slice(i) : [given[i]!];
    if (texts.includes("")) throw new UsageError(`${one.name} cannot be empty${hint(spec)}`);
    values.set(one.flag, isList(one) ? texts : texts[0]!);
    taken.add(one.flag);
  });
  return taken;
}

function unknownFlag(spec: CommandSpec, arg: string, names: readonly string[]): UsageError {
  const name = arg.replace(/^-+/, "").replace(/=.*$/s, "");
  const meant = closest(name, names);
  const suggestion = meant === null ? "" : `, did you mean --${meant}?`;
  return new UsageError(
    `"${spec.name}" has no flag ${arg.replace(/=.*$/s, "")}${suggestion}${hint(spec)}`,
  );
}

/** Lists words as `"a", "b" or "c"`. */
function alternatives(words: readonly string[]): string {
  const quoted = words.map((word) => `"${word}"`);
  return [quoted.slice(0, -1).join(", "), quoted.at(-1)].join(" or ");
}

function needsValue(name: string, value: string): UsageError {
  return new UsageError(`--${name} needs a value: --${name} ${value}`);
}

function hint(spec: CommandSpec): string {
  return `, see "millrace ${spec.name} --help"`;
}
