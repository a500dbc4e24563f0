/**
 * Failures of commands: one sentence that says what to do, and an exit code.
 *
 * @module
 */

import { nearestName } from "../src/nearest_name.ts";

/** A command failed: exit code 1. */
export class CommandError extends Error {
  override readonly name: string = "CommandError";
  /** The exit code of the process. */
  readonly exitCode: number = 1;
}

/** A command was called with invalid arguments: exit code 2. */
export class UsageError extends CommandError {
  override readonly name = "UsageError";
  override readonly exitCode = 2;
}

/** Returns the sentence to print for a thrown value, and the exit code. */
export function explain(error: unknown): { readonly message: string; readonly exitCode: number } {
  const exitCode = error instanceof CommandError ? error.exitCode : 1;
  const text = error instanceof Error ? error.message : String(error);
  // One line, even if the message of the host has several.
  const message = text.replaceAll(/\s*\n\s*/g, " ").trim();
  return { message: message === "" ? "It failed without a message" : message, exitCode };
}

/** Returns the candidate nearest to `text`, or null if none is similar. */
export function closest(text: string, candidates: readonly string[]): string | null {
  return nearestName(text, candidates, Math.min(3, Math.ceil(text.length / 2)));
}
