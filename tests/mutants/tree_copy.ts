/**
 * A temporary copy of the tree, in which bugs are planted and tests run.
 *
 * @module
 */
import { applyMutant, type Mutant } from "./mutant.ts";
import type { TestRun } from "./test_outcome.ts";

/** Names in the root of the tree that no test reads. */
const LEFT_OUT = [".git", ".cache", "data", "dist", "coverage", "node_modules", "bench"];

/** A copy of the tree in a temporary directory. */
export class TreeCopy {
  #path: string;
  #running: Deno.ChildProcess | undefined;

  private constructor(path: string) {
    this.#path = path;
  }

  /** Copies the tree that is the current working directory. */
  static create(): TreeCopy {
    const path = Deno.realPathSync(Deno.makeTempDirSync({ prefix: "millrace-mutants-" }));
    for (const { name } of Deno.readDirSync(".")) {
      if (!LEFT_OUT.includes(name)) copyInto(name, `${path}/${name}`);
    }
    return new TreeCopy(path);
  }

  /** Runs `body` while the mutants' bugs are in the copy, and takes them out afterwards. */
  async withBugs<T>(mutants: readonly Mutant[], body: () => Promise<T>): Promise<T> {
    const changed = new Map<string, string>();
    try {
      for (const mutant of mutants) {
        const path = `${this.#path}/${mutant.file}`;
        const source = Deno.readTextFileSync(path);
        if (!changed.has(path)) changed.set(path, source);
        Deno.writeTextFileSync(path, applyMutant(mutant, source));
      }
      return await body();
    } finally {
      for (const [path, source] of changed) Deno.writeTextFileSync(path, source);
    }
  }

  /**
   * Runs tests in the copy.
   *
   * @param threads Number of test files that run at the same time.
   * @param limitMs After this time the process is killed.
   */
  test(
    paths: readonly string[],
    { threads, limitMs }: { threads: number; limitMs: number },
  ): Promise<TestRun> {
    return this.#run(["test", "-A", "--no-check", "--parallel", ...paths], threads, limitMs);
  }

  /** Type-checks files of the copy. Returns the compiler's errors, "" if there are none. */
  async check(paths: readonly string[], limitMs: number): Promise<string> {
    const { code, output, timedOut } = await this.#run(["check", "--quiet", ...paths], 1, limitMs);
    if (timedOut) return "the type check reached its time limit";
    return code === 0 ? "" : output;
  }

  async #run(args: string[], threads: number, limitMs: number): Promise<TestRun> {
    const started = performance.now();
    const child = new Deno.Command(Deno.execPath(), {
      args,
      cwd: this.#path,
      env: { NO_COLOR: "1", DENO_JOBS: String(threads), DENO_NO_UPDATE_CHECK: "1" },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#running = child;
    let timedOut = false;
    const timer = setTimeout(() => {
      timedOut = true;
      child.kill("SIGKILL");
    }, limitMs);
    try {
      const { code, signal, stdout, stderr } = await child.output();
      const decoder = new TextDecoder();
      return {
        code,
        output: `${decoder.decode(stdout)}\n${decoder.decode(stderr)}`,
        durationMs: performance.now() - started,
        timedOut,
        crashed: !timedOut && signal !== null,
      };
    } finally {
      clearTimeout(timer);
      this.#running = undefined;
    }
  }

  /** Kills the process that runs in the copy and removes the copy. */
  remove(): void {
    try {
      this.#running?.kill("SIGKILL");
    } catch {
      // The process has ended by itself.
    }
    Deno.removeSync(this.#path, { recursive: true });
  }

  /** The absolute path of the copy. */
  get path(): string {
    return this.#path;
  }
}

function copyInto(from: string, to: string): void {
  if (!Deno.statSync(from).isDirectory) {
    Deno.copyFileSync(from, to);
    return;
  }
  Deno.mkdirSync(to);
  for (const { name } of Deno.readDirSync(from)) {
    if (name !== "node_modules") copyInto(`${from}/${name}`, `${to}/${name}`);
  }
}

/**
 * Removes the code that Deno cached for the files of removed copies: nothing runs under these paths
 * again.
 */
export async function removeCachedCode(copies: readonly TreeCopy[]): Promise<void> {
  const { stdout } = await new Deno.Command(Deno.execPath(), { args: ["info", "--json"] }).output();
  const { typescriptCache } = JSON.parse(new TextDecoder().decode(stdout));
  for (const { path } of copies) {
    await Deno.remove(`${typescriptCache}/file${path}`, { recursive: true }).catch(() => {});
  }
}
