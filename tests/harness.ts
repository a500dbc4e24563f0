/**
 * `test()` for every runtime: `Deno.test` with its sanitizers, `node:test`, or Bun's test runner.
 *
 * @module
 */

// deno-lint-ignore no-explicit-any
const host = globalThis as any;
const nodeTest = "node:test";
const bunTest = "bun:test";

/** Registers a test that fails if `run` throws or rejects. */
export const test: (name: string, run: () => void | Promise<void>) => void = host.Deno?.test
  ? (name, run) => host.Deno.test(name, run)
  : host.Bun
  ? await import(bunTest).then((bun) => (name, run) => bun.test(name, run, 180_000))
  : await import(nodeTest).then((node) => (name, run) => void node.test(name, run));

/**
 * Whether tests run with all seeds and cases. `deno task test:wide` and the tests on Node and Bun
 * set `MILLRACE_TESTS=wide`; `deno task test` runs a part of them, to be fast.
 */
export const isWide: boolean = host.process?.env.MILLRACE_TESTS === "wide";

/** Returns the number of seeds of a test: `few`, or `wide` if {@linkcode isWide}. */
export function seedCount(few: number, wide: number): number {
  return isWide ? wide : few;
}
