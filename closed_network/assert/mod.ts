/**
 * `@std/assert` for networks without access to JSR: the same functions from the npm package
 * `deno-std`, which contains them compiled and without types. The types are declared here.
 *
 * @module
 */

import * as std from "npm:deno-std@1.4.0/assert/mod.js";

// deno-lint-ignore no-explicit-any
type AbstractConstructor<T> = abstract new (...args: any[]) => T;

interface AssertThrows {
  (fn: () => unknown, message?: string): unknown;
  <E extends Error = Error>(
    fn: () => unknown,
    errorClass: AbstractConstructor<E>,
    messageIncludes?: string,
    message?: string,
  ): E;
}

interface AssertRejects {
  (fn: () => PromiseLike<unknown>, message?: string): Promise<unknown>;
  <E extends Error = Error>(
    fn: () => PromiseLike<unknown>,
    errorClass: AbstractConstructor<E>,
    messageIncludes?: string,
    message?: string,
  ): Promise<E>;
}

export const assert: (
  condition: unknown,
  message?: string,
) => asserts condition = std.assert;
export const assertAlmostEquals: (
  actual: number,
  expected: number,
  tolerance?: number,
  message?: string,
) => void = std.assertAlmostEquals;
export const assertEquals: <T>(
  actual: T,
  expected: T,
  message?: string,
) => void = std.assertEquals;
export const assertExists: <T>(
  actual: T,
  message?: string,
) => asserts actual is NonNullable<T> = std.assertExists;
export const assertGreater: <T>(
  actual: T,
  expected: T,
  message?: string,
) => void = std.assertGreater;
export const assertGreaterOrEqual: <T>(
  actual: T,
  expected: T,
  message?: string,
) => void = std.assertGreaterOrEqual;
export const assertInstanceOf: <T>(
  actual: unknown,
  expectedType: AbstractConstructor<T>,
  message?: string,
) => asserts actual is T = std.assertInstanceOf;
export const assertLess: <T>(actual: T, expected: T, message?: string) => void = std.assertLess;
export const assertLessOrEqual: <T>(
  actual: T,
  expected: T,
  message?: string,
) => void = std.assertLessOrEqual;
export const assertMatch: (
  actual: string,
  expected: RegExp,
  message?: string,
) => void = std.assertMatch;
export const assertNotEquals: <T>(
  actual: T,
  expected: T,
  message?: string,
) => void = std.assertNotEquals;
export const assertRejects: AssertRejects = std.assertRejects;
export const assertStrictEquals: <T>(
  actual: unknown,
  expected: T,
  message?: string,
) => asserts actual is T = std.assertStrictEquals;
export const assertStringIncludes: (
  actual: string,
  expected: string,
  message?: string,
) => void = std.assertStringIncludes;
export const assertThrows: AssertThrows = std.assertThrows;
export const fail: (message?: string) => never = std.fail;
