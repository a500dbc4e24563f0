/**
 * Source tree access for the tidy test. Paths are relative to the project's root, which is the
 * working directory of every test.
 *
 * @module
 */
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";

/** A source file and its imports. */
export interface Module {
  readonly path: string;
  /** Its folder below `src/`, "" for a file of `src/` itself or outside of `src/`. */
  readonly folder: string;
  /** Imported files of this project, as paths from the root. */
  readonly imports: readonly { readonly target: string }[];
  /** Imports by package name. */
  readonly external: readonly string[];
}

/** Returns the text of a file, "" if it does not exist. */
export function readText(path: string): string {
  return existsSync(path) ? readFileSync(path, "utf8") : "";
}

/** Returns the lines of a file. */
export function lines(path: string): string[] {
  return readText(path).replace(/\n$/, "").split("\n");
}

/** Returns the names in a folder. */
export function namesIn(folder: string): string[] {
  return readdirSync(folder);
}

/** Returns all TypeScript modules in `place` and its subfolders. */
export function modules(place: string): Module[] {
  if (!existsSync(place)) return [];
  if (statSync(place).isFile()) return place.endsWith(".ts") ? [moduleAt(place)] : [];
  return readdirSync(place)
    .filter((name) => name !== "node_modules" && !name.startsWith("."))
    .flatMap((name) => modules(`${place}/${name}`));
}

/** Converts `DescribeTopicPartitions` to `describe_topic_partitions`. */
export function snakeCase(name: string): string {
  return name.replace(/(?<!^)[A-Z]/g, "_$&").toLowerCase();
}

const IMPORT =
  /(?:^|\n)\s*(?:import|export)\b[^"';]*?\bfrom\s*["']([^"']+)["']|\bimport\(\s*["']([^"']+)["']|(?:^|\n)import\s*["']([^"']+)["']/g;

function moduleAt(path: string): Module {
  const code = readText(path).replace(/\/\*[\s\S]*?\*\//g, "");
  const names = [...code.matchAll(IMPORT)].map((match) => (match[1] ?? match[2] ?? match[3])!);
  const parts = path.split("/");
  return {
    path,
    folder: parts[0] === "src" && parts.length > 2 ? parts[1]! : "",
    imports: names.filter((name) => name.startsWith("."))
      .map((name) => ({ target: resolve(path, name) })),
    external: names.filter((name) => !name.startsWith(".")),
  };
}

function resolve(from: string, name: string): string {
  const parts = from.split("/").slice(0, -1);
  for (const part of name.split("/")) {
    if (part === "..") parts.pop();
    else if (part !== ".") parts.push(part);
  }
  return parts.join("/");
}

const ERASED = /^import type\b[\s\S]*?;$|^export type \{[\s\S]*?;$/gm;
const NAMES =
  /^(?:import|export) (?:\{([^}]*)\}|\* as \w+|\*) from "([^"]+)";$|^import "([^"]+)";$/gm;

/**
 * Returns the modules of this project that are loaded together with `entry`, in alphabetical order: without
 * imports of types and without dynamic imports.
 */
export function staticClosure(entry: string): string[] {
  const loaded = new Set<string>();
  const left = [entry];
  for (let next = left.pop(); next !== undefined; next = left.pop()) {
    if (loaded.has(next)) continue;
    loaded.add(next);
    for (const [, names, from, whole] of readText(next).replace(ERASED, "").matchAll(NAMES)) {
      const imported = names?.split(",").map((name) => name.trim()).filter((name) => name !== "");
      const name = (from ?? whole)!;
      if (imported?.every((name) => name.startsWith("type ")) || !name.startsWith(".")) continue;
      left.push(resolve(next, name));
    }
  }
  return [...loaded].sort();
}

/**
 * Returns the groups of modules that import each other in a circle, type imports included, each group
 * and its members in alphabetical order.
 */
export function importCycles(all: readonly Pick<Module, "path" | "imports">[]): string[][] {
  const importsOf = new Map(all.map(({ path, imports }) => [path, imports]));
  const reachable = new Map([...importsOf.keys()].map((path) => [path, reach(path, importsOf)]));
  const cycles = new Set<string>();
  for (const [path, others] of reachable) {
    if (!others.has(path)) continue;
    const members = [...others].filter((other) => reachable.get(other)?.has(path));
    cycles.add(members.sort().join(" "));
  }
  return [...cycles].sort().map((members) => members.split(" "));
}

/** The modules that `path` imports, directly or through others. */
function reach(path: string, importsOf: ReadonlyMap<string, Module["imports"]>): Set<string> {
  const reached = new Set<string>();
  const left = [path];
  for (let next = left.pop(); next !== undefined; next = left.pop()) {
    for (const { target } of importsOf.get(next) ?? []) {
      if (reached.has(target)) continue;
      reached.add(target);
      left.push(target);
    }
  }
  return reached;
}
