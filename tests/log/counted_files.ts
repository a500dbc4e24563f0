/**
 * Files that count the calls that reach them.
 *
 * @module
 */
import type { FileHandle, FileSystem } from "../../src/runtime/runtime.ts";

/** The calls made, by the method's name: `open`, `list`, `write`, … */
export class CountedFiles {
  readonly files: FileSystem;
  /** All calls since {@linkcode CountedFiles.reset}. */
  total = 0;
  /** The bytes read and written since {@linkcode CountedFiles.reset}. */
  bytes = 0;
  readonly #byName = new Map<string, number>();

  /** Counts what reaches `files` through {@linkcode CountedFiles.files}. */
  constructor(files: FileSystem) {
    this.files = counting(
      files,
      (name) => this.#count(name),
      ["open"],
      (handle) =>
        counting(handle as FileHandle, (name, [bytes]) => {
          this.#count(name);
          if (bytes instanceof Uint8Array) this.bytes += bytes.length;
        }),
    );
  }

  /** The number of calls of each method. */
  get counts(): Record<string, number> {
    return Object.fromEntries([...this.#byName].sort());
  }

  reset(): void {
    this.total = 0;
    this.bytes = 0;
    this.#byName.clear();
  }

  #count(name: string): void {
    this.total++;
    this.#byName.set(name, (this.#byName.get(name) ?? 0) + 1);
  }
}

/** Calls `count` before each method of `target`; what the methods in `wrapped` return is wrapped. */
function counting<Target extends object>(
  target: Target,
  count: (name: string, args: readonly unknown[]) => void,
  wrapped: readonly string[] = [],
  wrap: (result: unknown) => unknown = (result) => result,
): Target {
  return new Proxy(target, {
    get(_, name: string) {
      const method = Reflect.get(target, name, target);
      if (typeof method !== "function") return method;
      return (...args: unknown[]) => {
        count(name, args);
        const result = method.apply(target, args);
        return wrapped.includes(name) ? wrap(result) : result;
      };
    },
  });
}
