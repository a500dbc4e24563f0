/**
 * A node in its own process, for tests of what only a process has: memory, signals, exit codes.
 *
 * @module
 */

/** A running `millrace start`. */
export interface NodeProcess extends AsyncDisposable {
  readonly port: number;
  readonly pid: number;
  /** The ready line. */
  readonly ready: string;
  /** Returns the text written to stderr so far. */
  readonly errors: () => string;
  /** Sends a signal and resolves with the exit code. */
  stop(signal?: Deno.Signal): Promise<number>;
}

/** Starts a node on a free port with further arguments. */
export async function startNode(args: readonly string[]): Promise<NodeProcess> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--quiet", "cli/main.ts", "start", "--port", "0", ...args],
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  let errors = "";
  const gathering = child.stderr.pipeThrough(new TextDecoderStream()).pipeTo(
    new WritableStream({ write: (text) => void (errors += text) }),
  );
  const output = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  let ready = "";
  while (!ready.includes("\n")) {
    const { value, done } = await output.read();
    if (done) {
      await gathering;
      throw new Error(`The node ended instead of starting: ${errors}`);
    }
    ready += value;
  }
  const port = Number(/^millrace ready on [^ ]*:(\d+) /.exec(ready)?.[1]);
  let ended: Promise<number> | null = null;
  const stop = (signal: Deno.Signal = "SIGTERM") => {
    ended ??= (async () => {
      child.kill(signal);
      while (!(await output.read()).done);
      await gathering;
      return (await child.status).code;
    })();
    return ended;
  };
  return {
    port,
    pid: child.pid,
    ready: ready.trim(),
    errors: () => errors,
    stop,
    [Symbol.asyncDispose]: async () => void await stop(),
  };
}

/** Returns the resident memory of a process, bytes. */
export function residentBytes(pid: number): number {
  const status = Deno.readTextFileSync(`/proc/${pid}/status`);
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)![1]) * 1024;
}
