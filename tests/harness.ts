/**
 * `test()` for whichever runtime runs the file: `Deno.test` with its sanitizers, `node:test`, or Bun's.
 *
 * @module
 */

// deno-lint-ignore no-explicit-any
const host = globalThis as any;
const nodeTest = "node:test";
const bunTest = "bun:test";

/** Registers a test that fails when `run` throws or rejects. */
export const test: (name: string, run: () => void | Promise<void>) => void = host.Deno?.test
  ? (name, run) => host.Deno.test(name, run)
  : host.Bun
  ? await import(bunTest).then((bun) => (name, run) => bun.test(name, run, 180_000))
  : await import(nodeTest).then((node) => (name, run) => void node.test(name, run));

/**
 * Whether tests check all that they can: so in `deno task test:wide` and on Node, which set
 * `MILLRACE_TESTS=wide`. `deno task test`, which a newcomer waits for, checks a part of it.
 */
export const isWide: boolean = host.process?.env.MILLRACE_TESTS === "wide";

/** Returns how many seeds a test runs over: `few`, or `wide` where {@linkcode isWide} holds. */
export function seedCount(few: number, wide: number): number {
  return isWide ? wide : few;
}
